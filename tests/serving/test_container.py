"""One version behind SageMaker's two routes: the same answers, and the same errors, as the prediction service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.ratchet.adapters.models import save_skops
from include.ratchet.domain.errors import RegistryError
from include.ratchet.serving.container import LINES, answer, create_app, load
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.reader import MAX_ROWS
from include.ratchet.serving.served import predict
from tests.makers import model_spec
from tests.serving.fakes import fit, toy_records

SPEC = model_spec(columns__id=["id"], columns__numeric=["distance", "hour"], columns__categorical=["carrier"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Unpack an archive, as SageMaker does."""
    about = {"model": "m", "version": 4, "spec": SPEC.model_dump(mode="json", exclude={"deploy"})}
    (tmp_path / "about.json").write_text(json.dumps(about), encoding="utf-8")
    save_skops(fit([0, 1]), tmp_path / "model.skops")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TestClient:
    """Start the container's app."""
    return TestClient(create_app(load(folder)))


def test_it_answers_as_the_service_does(folder: Path, client: TestClient) -> None:
    """Records and columns, with the version that answered."""
    rows = toy_records(5)
    assert client.get("/ping").json() == {"model": "m", "version": 4}
    said = client.post("/invocations", json={"records": rows})
    assert said.json() == predict(load(folder), rows)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert client.post("/invocations", json={"columns": columns}).json() == said.json()


def test_lines_get_one_answer_each(client: TestClient) -> None:
    """A batch transform joins input and output by their order."""
    rows = toy_records(5)
    said = client.post("/invocations", content="\n".join(map(json.dumps, rows)), headers={"content-type": LINES})
    answers = [json.loads(line) for line in said.text.splitlines()]
    whole = client.post("/invocations", json={"records": rows}).json()
    assert [each["prediction"] for each in answers] == whole["predictions"]
    assert [each["probability"] for each in answers] == whole["probabilities"]
    assert {each["version"] for each in answers} == {4}


@pytest.mark.parametrize("row", [3, MAX_ROWS + 4])
def test_a_wrong_line_is_named_by_its_row_of_the_request(folder: Path, row: int) -> None:
    """More lines than a request may hold rows are read in parts; a client counts its own lines."""
    lines = [json.dumps(each).encode() for each in toy_records(5)] * (MAX_ROWS // 5 + 2)
    for wrong, status, said in (
        (b'{"distance": "far", "hour": 2, "carrier": "UA"}', 422, "the input is not allowed: 1 fault(s)"),
        (b'{"distance": ', 400, f"row {row} is not JSON: Expecting value at column 14"),
        (b'{"distance": "\xff"}', 400, f"row {row} is not UTF-8"),
    ):
        with pytest.raises(RequestError) as refused:
            answer(load(folder), b"\n".join([*lines[:row], wrong, *lines[row + 1 :]]), LINES)
        assert (refused.value.status, refused.value.message) == (status, said)
        assert [(fault.row, fault.field) for fault in refused.value.faults] == ([(row, "distance")] if status == 422 else [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"records": [{"hour": "late"}]}', 422, "invalid_input"),
        (b'{"records": []}', 422, "invalid_input"),
    ],
)
def test_wrong_input_is_the_clients_fault(client: TestClient, body: bytes, status: int, code: str) -> None:
    """SageMaker counts it as 4xx, and the text says what is wrong."""
    said = client.post("/invocations", content=body)
    assert (said.status_code, said.json()["error"]["code"]) == (status, code)


def test_what_is_no_model_does_not_start(folder: Path) -> None:
    """The container ends, and the endpoint's update with it."""
    (folder / "model.skops").write_bytes(b"pickled")
    with pytest.raises(RegistryError, match="no skops file"):
        load(folder)


def test_what_could_not_be_predicted_is_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The answer says to look there."""
    served = load(folder)
    rows = json.dumps({"columns": {name: [value] * 2 for name, value in toy_records(1)[0].items()}}).encode()
    served.columns  # noqa: B018 - cached: what breaks is the prediction
    object.__setattr__(served, "pipeline", None)
    with pytest.raises(RequestError, match="container's log"):
        answer(served, rows, "application/json")
    assert "could not predict 2 rows" in caplog.text
    assert "AttributeError" in caplog.text  # what broke; the form of the log is the deployment's
