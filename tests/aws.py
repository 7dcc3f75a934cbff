"""AWS over HTTP on loopback: moto's server, and before it what moto lacks of SageMaker.

moto 5.2.5 knows neither UpdateEndpoint nor DeleteModelPackage, makes a second model of a name without a word, has every
endpoint in service at once, and answers an invocation with a fixed text. The door in front of it does these as the service
model of botocore and AWS's documents say: every request and every answer of its own is held against the model's shapes,
an endpoint is Creating or Updating until it was described a few times, an update with a ringing alarm is taken back,
and an invocation is answered by our own container's code, with the archive that the variant's model names.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.validate import ParamValidator

from include.ratchet.adapters.targets.aws import Aws
from include.ratchet.domain.ports import Connection
from include.ratchet.serving.container import answer, load
from include.ratchet.serving.errors import RequestError, error_answer
from include.ratchet.serving.served import Served
from tests import cloudwatch

REGION = "us-east-1"
MODEL = botocore.session.get_session().get_service_model("sagemaker")
Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, body."""
TAKES = 2
"""Descriptions of an endpoint until a change of it has ended."""


class RefusedError(Exception):
    """What SageMaker says no to, by its one code for most of it."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        """Say it."""
        super().__init__(message)
        self.code = code


def faults(shape: Any, value: Any, where: str = "") -> list[str]:
    """Hold a value against a shape's patterns, enums and lengths, which botocore's own validator leaves to the service."""
    found = []
    if shape.type_name == "structure" and isinstance(value, dict):
        found += [f"{where}: unknown {name}" for name in value.keys() - shape.members.keys()]
        for name in value.keys() & shape.members.keys():
            found += faults(shape.members[name], value[name], f"{where}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        found += [fault for each in value for fault in faults(shape.member, each, where)]
        found += [f"{where}: more than {shape.metadata['max']}"] if len(value) > shape.metadata.get("max", len(value)) else []
    elif shape.type_name == "string" and isinstance(value, str):
        pattern, enum = _pattern(shape), shape.metadata.get("enum")
        found += [f"{where}: {value!r} is no {pattern}"] if pattern and not re.fullmatch(pattern, value) else []
        found += [f"{where}: {value!r} is none of {enum}"] if enum and value not in enum else []
        found += [f"{where}: longer than {shape.metadata['max']}"] if len(value) > shape.metadata.get("max", len(value)) else []
    elif shape.type_name == "integer" and isinstance(value, int):
        low, high = shape.metadata.get("min", value), shape.metadata.get("max", value)
        found += [f"{where}: {value} is not in {low} to {high}"] if not low <= value <= high else []
    return found


def _pattern(shape: Any) -> str:
    """Return a shape's pattern; Java's classes of letters, spaces and numbers by Python's."""
    known = {"L": "a-zA-Z", "N": "0-9", "Z": " ", "P": r"\-_.,:;/!?()"}
    return re.sub(r"\\p\{(\w)\w*\}", lambda found: known.get(found[1], ""), str(shape.metadata.get("pattern", "")))


@dataclass
class Change:
    """An endpoint on its way: to a configuration, and after how many more descriptions it is there."""

    config: str
    left: int
    back: bool = False


@dataclass
class Door:
    """What stands before moto."""

    behind: str
    folder: Path
    ringing: set[str] = field(default_factory=set)
    """Alarms; an update that names one is taken back."""
    breaking: str = ""
    """A variant whose container answers with 500, or `transform`: every job of that kind."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Operations that are refused, by their code."""
    seen: list[cloudwatch.Invocation] = field(default_factory=list)
    """What CloudWatch knows."""
    calls: list[str] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    _changes: dict[str, Change] = field(default_factory=dict)
    _made: list[tuple[str, str]] = field(default_factory=list)
    _deleted: set[str] = field(default_factory=set)
    _running: dict[str, int] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _stopped: set[str] = field(default_factory=set)
    url: str = ""

    def aws(self) -> Aws:
        """How the adapter reaches it."""
        return Aws(REGION, Connection.from_uri(self.connection))

    @property
    def connection(self) -> str:
        """The same as an Airflow connection."""
        return f"aws://key:secret@/?region_name={REGION}&endpoint_url={quote(self.url, safe='')}"

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request, or let moto."""
        operation = headers.get("X-Amz-Target", "")
        made = None
        try:
            if operation.startswith("SageMaker."):
                made = self.sagemaker(operation.partition(".")[2], json.loads(body))
        except RefusedError as error:
            said = {"__type": error.code, "message": str(error)}
            return 400, [("x-amzn-errortype", error.code)], json.dumps(said).encode()
        if made is not None:
            return 200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(made).encode()
        if operation == cloudwatch.TARGET:
            return 200, [("Content-Type", "application/x-amz-json-1.0")], cloudwatch.get_metric_data(body, self.seen)
        if path.startswith("/endpoints/"):
            return self.invoke(path.split("/")[2], body, headers.get("Content-Type", ""))
        return self.forward(method, path, headers, body)

    def sagemaker(self, operation: str, request: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a call, or return None where moto is to answer it."""
        self.calls.append(operation)
        if operation in self.refusals:
            raise RefusedError(f"no {operation}", self.refusals[operation])
        shape = MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        wrong = faults(shape, request) + ([report.generate_report()] if report.has_errors() else [])
        if wrong:
            raise RefusedError("; ".join(wrong))
        what = operation.removeprefix("Create")
        if f"{what}Name" in request:
            self._made.append((what, request[f"{what}Name"]))
        own = getattr(self, f"_{operation}", None)
        if own is None:
            if operation.startswith("Create"):
                self._require_absent(operation, request)
            return None
        made: dict[str, Any] | None = own(request)
        if made is not None:
            _require_shape(operation, made)
        return made

    def invoke(self, endpoint: str, body: bytes, kind: str) -> Answer:
        """Answer by the container of the first variant's model."""
        found = self._moto("DescribeEndpoint", EndpointName=endpoint)
        variants = self._moto("DescribeEndpointConfig", EndpointConfigName=found["EndpointConfigName"])["ProductionVariants"]
        try:
            self._require_whole(variants[0]["VariantName"])
            said = answer(self._container(variants[0]["ModelName"]), body, kind)
        except RequestError as error:
            content = {"Message": bytes(error_answer(error).body).decode(), "OriginalStatusCode": error.status}
            return 424, [("Content-Type", "application/json"), ("x-amzn-errortype", "ModelError")], json.dumps(content).encode()
        return 200, [("Content-Type", kind)], said

    def _require_whole(self, variant: str) -> None:
        if variant == self.breaking:
            raise RequestError(500, "broken", "the container died")

    def _container(self, model: str) -> Served:
        made = self._moto("DescribeModel", ModelName=model)
        place = urlsplit(made["PrimaryContainer"]["ModelDataUrl"])
        archive = self.aws().s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
        folder = self.folder / model
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return load(folder)

    def empty(self) -> None:
        """Delete endpoints, configurations and models that were made here; moto cannot delete packages, whose groups have unique names."""
        for what, name in reversed([each for each in self._made if each[0] in {"Endpoint", "EndpointConfig", "Model"}]):
            with contextlib.suppress(RefusedError):
                self._moto(f"Delete{what}", **{f"{what}Name": name})

    def _require_absent(self, operation: str, request: dict[str, Any]) -> None:
        what = operation.removeprefix("Create")
        names = {"Model": "ModelName", "EndpointConfig": "EndpointConfigName", "ModelPackageGroup": "ModelPackageGroupName"}
        if what in names and self._there(f"Describe{what}", **{names[what]: request[names[what]]}):
            raise RefusedError(f"Cannot create already existing {what} {request[names[what]]!r}.")

    def _CreateEndpoint(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - an operation's name
        if self._there("DescribeEndpoint", EndpointName=request["EndpointName"]):
            raise RefusedError(f"Cannot create already existing endpoint {request['EndpointName']!r}.")
        made = self._moto("CreateEndpoint", **{name: value for name, value in request.items() if name != "DeploymentConfig"})
        self._changes[request["EndpointName"]] = Change(request["EndpointConfigName"], TAKES)
        return made

    def _UpdateEndpoint(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, config = request["EndpointName"], request["EndpointConfigName"]
        found = self._moto("DescribeEndpoint", EndpointName=name)
        wanted = self._moto("DescribeEndpointConfig", EndpointConfigName=config)
        if name in self._changes:
            raise RefusedError(f"Cannot update in-progress endpoint {name!r}.")
        before = {each["VariantName"] for each in found["ProductionVariants"]}
        after = {each["VariantName"] for each in wanted["ProductionVariants"]}
        if "DeploymentConfig" in request and before != after:
            raise RefusedError("DeploymentConfig: the new configuration must have the variants of the old one.")
        alarms = request.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}).get("Alarms", ())
        self._changes[name] = Change(config, TAKES, back=any(each["AlarmName"] in self.ringing for each in alarms))
        self.updates.append(request)
        return {"EndpointArn": found["EndpointArn"]}

    def _DescribeEndpoint(self, request: dict[str, Any]) -> dict[str, Any] | None:  # noqa: N802
        name = request["EndpointName"]
        found = self._moto("DescribeEndpoint", EndpointName=name)
        change = self._changes.get(name)
        if change is None:
            return None
        if change.left == 0:
            del self._changes[name]
            if not change.back and found["EndpointConfigName"] != change.config:
                self._moto("DeleteEndpoint", EndpointName=name)
                self._moto("CreateEndpoint", EndpointName=name, EndpointConfigName=change.config)
            return None
        change.left -= 1
        made = found["EndpointConfigName"] == change.config
        pending = {} if made else {"PendingDeploymentSummary": {"EndpointConfigName": change.config}}
        return {**found, "EndpointStatus": "Creating" if made else "Updating", **pending}

    def _CreateTransformJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        """Let the model's container answer each file under the prefix, in requests of some lines."""
        if self._there("DescribeTransformJob", TransformJobName=request["TransformJobName"]):
            raise RefusedError("Job name must be unique within an AWS account and region, and a job with this name already exists")
        made = self._moto("CreateTransformJob", **request)
        self._running[request["TransformJobName"]] = TAKES
        source = urlsplit(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        target = urlsplit(request["TransformOutput"]["S3OutputPath"])
        store = self.aws().s3
        found = store.list_objects_v2(Bucket=source.netloc, Prefix=source.path.lstrip("/")).get("Contents", ())
        try:
            self._require_whole("transform")
            served = self._container(request["ModelName"])
            for key in (each["Key"] for each in found):
                lines = store.get_object(Bucket=source.netloc, Key=key)["Body"].read().splitlines(keepends=True)
                said = [answer(served, b"".join(lines[i : i + 100]), "application/jsonlines") for i in range(0, len(lines), 100)]
                place = f"{target.path.lstrip('/')}{key.rpartition('/')[2]}.out"
                store.put_object(Bucket=target.netloc, Key=place, Body=b"".join(said))
        except RequestError:
            self._failed.add(request["TransformJobName"])
        return {"TransformJobArn": made["TransformJobArn"]}

    def _DescribeTransformJob(self, request: dict[str, Any]) -> dict[str, Any] | None:  # noqa: N802
        name = request["TransformJobName"]
        if not self._there("DescribeTransformJob", TransformJobName=name):
            raise RefusedError(f"Could not find requested job with name: {name}")
        found = self._moto("DescribeTransformJob", TransformJobName=name)
        if name in self._stopped:
            return {**found, "TransformJobStatus": "Stopped"}
        if self._running.get(name, 0):
            self._running[name] -= 1
            return {**found, "TransformJobStatus": "InProgress"}
        return {**found, "TransformJobStatus": "Failed", "FailureReason": "ClientError: 500"} if name in self._failed else None

    def _StopTransformJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["TransformJobName"]
        if not self._running.get(name, 0):
            raise RefusedError(f"The request was rejected because the transform job {name} is in status Completed.")
        self._stopped.add(name)
        return {}

    def _DeleteEndpointConfig(self, request: dict[str, Any]) -> None:  # noqa: N802
        wanted = request["EndpointConfigName"]
        if wanted in {each.config for each in self._changes.values()}:
            raise RefusedError(f"{wanted}: in use")

    def _DeleteModelPackage(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._moto("DescribeModelPackage", ModelPackageName=request["ModelPackageName"])
        self._deleted.add(request["ModelPackageName"])
        return {}

    def _ListModelPackages(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._moto("DescribeModelPackageGroup", ModelPackageGroupName=request["ModelPackageGroupName"])
        found = self._moto("ListModelPackages", **request)
        return {
            **found,
            "ModelPackageSummaryList": [each for each in found["ModelPackageSummaryList"] if each["ModelPackageArn"] not in self._deleted],
        }

    def _there(self, operation: str, **request: Any) -> bool:
        try:
            return bool(self._moto(operation, **request))
        except RefusedError:
            return False

    def _moto(self, operation: str, **request: Any) -> dict[str, Any]:
        status, _, body = self.forward("POST", "/", _signed(operation), json.dumps(request).encode())
        said: dict[str, Any] = json.loads(body or b"{}")
        if status != 200:
            raise RefusedError(said.get("message", said.get("Message", "refused")))
        return said

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Ask moto."""
        connection = http.client.HTTPConnection(urlsplit(self.behind).netloc, timeout=30)
        try:
            connection.request(method, path, body, headers)
            said = connection.getresponse()
            return said.status, said.getheaders(), said.read()
        finally:
            connection.close()


def _signed(operation: str) -> dict[str, str]:
    """Return headers by which moto knows whom it plays; it checks no signature."""
    scope = f"AWS4-HMAC-SHA256 Credential=key/20260101/{REGION}/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
    kind = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"SageMaker.{operation}"}
    return {**kind, "Authorization": scope, "Host": f"api.sagemaker.{REGION}.amazonaws.com"}


def _require_shape(operation: str, made: dict[str, Any]) -> None:
    """Hold an answer of the door's own against the output's shape; times are numbers on the wire."""
    shape = MODEL.operation_model(operation).output_shape
    unknown = made.keys() - (shape.members.keys() if shape else set())
    missing = set(shape.required_members if shape else ()) - made.keys()
    if unknown - {"Tags"} or missing:
        raise AssertionError(f"{operation}: unknown {unknown}, missing {missing}")


def _handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._send(*door.respond(self.command, self.path, dict(self.headers), body))

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            dropped = {"content-length", "transfer-encoding", "connection", "date", "server"}
            for name, value in headers:
                if name.lower() not in dropped:
                    self.send_header(name, value)
            length = next((value for name, value in headers if name.lower() == "content-length"), None)
            self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def door(behind: str, folder: Path) -> Iterator[Door]:
    """Open a door before a server of moto's; what was made through it goes with it."""
    made = Door(behind, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        made.empty()
