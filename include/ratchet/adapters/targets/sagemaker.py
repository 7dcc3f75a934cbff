"""An endpoint on Amazon SageMaker. Every name follows from what it names, so that a call that was killed is found again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from botocore.exceptions import ClientError

from include.ratchet.adapters.models import load_skops
from include.ratchet.adapters.targets.aws import ABSENT, Aws, refused, said_plainly
from include.ratchet.adapters.targets.bucket import put
from include.ratchet.adapters.targets.measured import figures
from include.ratchet.adapters.targets.package import pack
from include.ratchet.adapters.targets.packages import Packages
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, digest
from include.ratchet.domain.sagemakerspec import SageMaker
from include.ratchet.domain.target import AwayError, Endpoint, Figures, Live

CHAMPION, CHALLENGER = "champion", "challenger"
"""The variants. SageMaker takes an update back only when its variants are named as before: versions change, names do not."""
STEM = 36
"""Letters, so that version or digest have room after it."""
BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_RELEASE = re.compile(r"-v(\d+)-[0-9a-f]{12}$")


@dataclass(frozen=True)
class SageMakerTarget(Endpoint):
    """One model's endpoint, in the words of `deploy.sagemaker`."""

    spec: ModelSpec
    wanted: SageMaker
    aws: Aws
    releases: Mapping[str, str] = field(default_factory=dict)
    """What `publish` returned, by version, in the deployment that this belongs to."""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.wanted.endpoint or self.stem[:63]

    @property
    def stem(self) -> str:
        """How every name begins that belongs to this model; SageMaker allows 63 letters, digits and hyphens."""
        whole = f"ratchet-{self.spec.name.replace('_', '-')}"
        # Cut alone, two long names would share one endpoint.
        return whole if len(whole) <= STEM else f"{whole[: STEM - 9].rstrip('-')}-{digest(self.spec.name)[:8]}"

    @property
    def packages(self) -> Packages:
        """The model's group in SageMaker's registry."""
        return Packages(self.aws, self.stem, self.wanted)

    def publish(self, version: int, artifact: Path) -> str:
        """Put model.tar.gz into S3 by its digest, and make a SageMaker model of it; and a package, where the registry is kept."""
        load_skops(artifact)
        archive = pack(self.spec, version, artifact)
        sha = hashlib.sha256(archive).hexdigest()
        place = f"{self.wanted.place.rstrip('/')}/{self.spec.name}/{sha}/model.tar.gz"
        container = {"Image": self.wanted.image, "ModelDataUrl": place}
        # All that a SageMaker model is made of: it cannot be changed, so that a corrected image or role is another one.
        name = f"{self.stem}-v{version}-{digest([container, self.wanted.role])[:12]}"
        with said_plainly(f"publish {name}"):
            put(self.aws, place, archive)
            self.aws.create(
                "model", ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.wanted.role, Tags=self._tags(version)
            )
            if self.wanted.registry:
                self.packages.add(name, version, container)
        return name

    def split(self, champion: int, challenger: int, fraction: float) -> None:
        """Update the endpoint to two variants; without alarms, which SageMaker heeds only where the variants are named as before."""
        self._become({CHAMPION: (champion, 1.0 - fraction), CHALLENGER: (challenger, fraction)}, guarded=False)

    def serve(self, version: int, *, guarded: bool = True) -> None:
        """Make or update the endpoint to one variant; the alarms take a guarded update back that changes nothing but the version."""
        self._become({CHAMPION: (version, 1.0)}, guarded=guarded)

    def live(self) -> Live:
        """Ask what the endpoint consists of."""
        with said_plainly(f"describe {self.name}"):
            found = self._found()
            if found is None:
                return Live(said="no endpoint")
            config = self.aws.sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        names = {each["VariantName"]: each["ModelName"] for each in config["ProductionVariants"]}
        weights = {each["VariantName"]: float(each.get("CurrentWeight", 1.0)) for each in found.get("ProductionVariants", ())}
        total = sum(weights.values()) or 1.0
        shares: dict[int, float] = {}
        for variant, weight in weights.items():
            version = _version_of(names.get(variant, ""))
            shares[version] = shares.get(version, 0.0) + weight / total
        status, reason = found["EndpointStatus"], found.get("FailureReason", "")
        said = f"{status}: {reason}" if reason else str(status)
        return Live(shares if status not in {"Creating", "Failed"} else {}, settled=status not in BUSY, said=said)

    def remove(self, keep: Collection[int]) -> list[str]:
        """Delete configurations that the endpoint does not have, and models and packages of other versions; their archives stay."""
        gone = []
        with said_plainly(f"remove what is old of {self.name}"):
            found = self._found()
            if found is not None and found["EndpointStatus"] in BUSY:
                return []  # a configuration must not go while an update runs; the next deploy looks again
            config = found["EndpointConfigName"] if found else ""
            kept = {*keep, *self.live().shares}
            for name in self._named("endpoint_configs", "EndpointConfigs", "EndpointConfigName"):
                if name != config:
                    gone += self.aws.delete("endpoint_config", EndpointConfigName=name)
            for name in self._named("models", "Models", "ModelName"):
                if _version_of(name) not in kept:
                    gone += self.aws.delete("model", ModelName=name)
            gone += self.packages.remove(kept)
        return gone

    def figures(self, who: str, since: datetime, until: datetime, slow_ms: float) -> Figures:
        """Ask CloudWatch about a variant."""
        with said_plainly(f"measure {self.name}"):
            return figures(self.aws, (self.name, who), since, until, slow_ms)

    def ask(self, rows: Json) -> Json:
        """Invoke the endpoint."""
        request = {"EndpointName": self.name, "ContentType": "application/json", "Body": json.dumps(rows).encode()}
        with said_plainly(f"ask {self.name}"):
            try:
                said = self.aws.runtime.invoke_endpoint(**request)
            except ClientError as error:
                raise DeployError(f"{self.name} does not answer: {error.response['Error']['Message']}") from error
            content: Json = json.loads(said["Body"].read())
        return content

    def approve(self, version: int) -> None:
        """Approve the champion's package, and no other."""
        with said_plainly(f"approve version {version}"):
            self.packages.approve(version)

    def _become(self, variants: dict[str, tuple[int, float]], *, guarded: bool) -> None:
        """Make the endpoint what is wanted, unless it is, or is about to be; one that failed is made anew."""
        wanted = [self._variant(name, version, weight) for name, (version, weight) in variants.items()]
        config = f"{self.stem}-{digest(wanted)[:16]}"
        with said_plainly(f"change {self.name}"):
            self.aws.create("endpoint_config", EndpointConfigName=config, ProductionVariants=wanted, Tags=self._tags())
            found = self._found()
            if found is None:
                self.aws.create("endpoint", EndpointName=self.name, EndpointConfigName=config, Tags=self._tags())
                return
            status = found["EndpointStatus"]
            if status == "Failed":  # SageMaker lets it be deleted, and nothing else
                self.aws.delete("endpoint", EndpointName=self.name)
            if status in {"Failed", "Deleting"} or (status in BUSY and self._coming(found) != config):
                raise AwayError(f"{self.name} is {status}; it becomes {config} once that has ended")
            if status not in BUSY and (found["EndpointConfigName"] != config or status == "UpdateRollbackFailed"):
                same = {each["VariantName"] for each in found["ProductionVariants"]} == set(variants)
                guard = {"DeploymentConfig": self._guard()} if guarded and same else {}
                self.aws.sagemaker.update_endpoint(EndpointName=self.name, EndpointConfigName=config, **guard)

    @staticmethod
    def _coming(found: Json) -> str:
        """Return the configuration that an endpoint is on its way to."""
        return str((found.get("PendingDeploymentSummary") or {}).get("EndpointConfigName") or found["EndpointConfigName"])

    def _variant(self, name: str, version: int, weight: float) -> Json:
        return {
            "VariantName": name,
            "ModelName": self.release(version),
            "InitialInstanceCount": self.wanted.instances,
            "InstanceType": self.wanted.instance_type,
            "InitialVariantWeight": round(weight, 6),
        }

    def _guard(self) -> Json:
        """Shift all at once, watch the alarms for a while, and only then end the old instances."""
        policy = {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": int(self.wanted.bake.total_seconds())},
            "TerminationWaitInSeconds": 0,
            "MaximumExecutionTimeoutInSeconds": int(self.wanted.within.total_seconds()),
        }
        alarms = [{"AlarmName": each} for each in self.wanted.alarms]
        return {"BlueGreenUpdatePolicy": policy, **({"AutoRollbackConfiguration": {"Alarms": alarms}} if alarms else {})}

    def release(self, version: int) -> str:
        """Return the model of a version that this deployment published, or else the newest."""
        if release := self.releases.get(str(version)):
            return release
        found = [name for name in self._named("models", "Models", "ModelName") if _version_of(name) == version]
        if not found:
            raise DeployError(f"{self.spec.name} version {version}: not published on SageMaker; clear `publish` in the deploy run")
        return found[0]

    def _named(self, what: str, key: str, field: str) -> Iterator[str]:
        """Return the names of this model's own things, newest first."""
        pages = self.aws.sagemaker.get_paginator(f"list_{what}")
        options = {"NameContains": self.stem, "SortBy": "CreationTime", "SortOrder": "Descending"}
        found = [(each["CreationTime"], each[field]) for page in pages.paginate(**options) for each in page[key]]
        mine = re.compile(rf"{re.escape(self.stem)}-(v\d+-[0-9a-f]{{12}}|[0-9a-f]{{16}})")
        return iter([name for _, name in sorted(found, key=lambda each: each[0], reverse=True) if mine.fullmatch(name)])

    def _found(self) -> Json | None:
        try:
            found: Json = self.aws.sagemaker.describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if refused(error, ABSENT):
                return None
            raise
        return found

    def _tags(self, version: int | None = None) -> list[Json]:
        tags = {"ratchet:model": self.spec.name} | ({"ratchet:version": str(version)} if version is not None else {})
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def _version_of(name: str) -> int:
    """Return the version that a model's name speaks of, 0 for a name that is none of ours."""
    found = _RELEASE.search(name)
    return int(found[1]) if found else 0
