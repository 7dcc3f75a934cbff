"""What clients see over HTTP."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.doors import Doors
from include.ratchet.serving.frames import to_frame
from tests.serving.fakes import COLUMNS, ROW, fit, prepared, toy_records, write_feed
from tests.serving.houses import House, build_house

ASKED = {"records": [ROW]}


class Crashing:
    """Answers the rehearsal's nulls, then fails and quotes a row as libraries do."""

    classes_ = (0, 1)

    def predict_proba(self, frame: Any) -> Any:
        """Fail on any row that is not null."""
        if frame["carrier"].notna().any():
            raise ValueError(f"could not convert {frame['carrier'][0]}")
        return [[0.5, 0.5]]


def test_records_and_columns_are_answered_alike(late: House) -> None:
    """Both forms give the pipeline's own numbers, through JSON to the last bit."""
    records = toy_records(50, seed=2)
    columns = {name: [record[name] for record in records] for name in COLUMNS.features}
    first, second = late.predict("late", {"records": records}), late.predict("late", {"columns": columns})
    assert first.status_code == 200
    said, other = first.json(), second.json()
    assert said.pop("id") != other.pop("id")
    assert said == other
    pipeline = late.stores.pipelines["late", 1]
    assert said == {
        "model": "late",
        "version": 1,
        "predictions": pipeline.predict(to_frame(COLUMNS, records)).tolist(),
        "probabilities": pipeline.predict_proba(to_frame(COLUMNS, records))[:, 1].tolist(),
    }


def test_faults_are_422_with_row_and_field(late: House) -> None:
    """The error's form is the contract."""
    response = late.predict("late", {"records": [ROW, {**ROW, "hour": "nine"}]})
    assert response.status_code == 422
    fault = {"row": 1, "field": "hour", "found": '"nine"', "allowed": "a finite number or null"}
    message = "the input is not allowed: 1 fault(s)"
    assert response.json() == {"error": {"code": "invalid_input", "message": message, "faults": [fault]}}


def test_a_fault_about_half_a_surrogate_can_be_sent(late: House) -> None:
    """An error that quotes what cannot be encoded is still an answer."""
    body = b'{"records": [{"\\ud800": 1, "distance": 1, "hour": 1, "carrier": null}]}'
    response = late.client.post("/v1/models/late:predict", content=body)
    assert response.status_code == 422


def test_malformed_json_is_400(late: House) -> None:
    """The place of the mistake is told."""
    response = late.client.post("/v1/models/late:predict", content=b'{"records": [')
    assert response.status_code == 400
    assert "line 1, column 14" in response.json()["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(tmp_path: Path, *, chunked: bool) -> None:
    """The limit holds for a declared length, and for a body that does not declare one."""
    house = build_house(tmp_path, Doors(max_body=1000))
    house.write("late")
    house.stores.promote("late", 1, fit([0, 1]))
    house.follower.poll()

    def parts() -> Iterator[bytes]:
        yield from [b" " * 600, b" " * 600]

    response = house.client.post("/v1/models/late:predict", content=parts() if chunked else b" " * 1001)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"
    assert house.predict("late", ASKED).status_code == 200


def test_an_unknown_model_is_404_with_the_known(late: House) -> None:
    """A misspelt model is told what there is, for predictions and for its page."""
    for response in (late.predict("lat", ASKED), late.client.get("/v1/models/lat")):
        assert response.status_code == 404
        assert "known are late; did you mean 'late'?" in response.json()["error"]["message"]


def test_no_champion_is_503_with_the_reason(house: House) -> None:
    """A model before its first promotion is known but does not serve; the service is ready all the same."""
    house.write("late")
    house.follower.poll()
    response = house.predict("late", ASKED)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "not_serving")
    assert "no version has been promoted yet" in response.json()["error"]["message"]
    assert house.client.get("/readyz").status_code == 200


def test_a_champion_that_does_not_load_is_503(house: House) -> None:
    """With no older version to keep, clients are sent to /readyz, which is 503 and has the reason."""
    house.write("late")
    house.stores.promote("late", 4)
    house.follower.poll()
    assert "champion 4 could not be loaded" in house.predict("late", ASKED).json()["error"]["message"]
    ready = house.client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "altered" in ready.json()["models"][0]["error"]


def test_a_pipeline_that_fails_shows_no_trace_and_logs_no_row(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets a sentence, the log the type and the line; the row's value is in neither."""
    house.write("late")
    house.stores.promote("late", 1, Crashing())
    house.follower.poll()
    with caplog.at_level(logging.INFO):
        response = house.predict("late", {"records": [{**ROW, "carrier": "SECRET"}]})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "prediction_failed")
    fields = next(record for record in caplog.records if record.getMessage() == "predict").__dict__["fields"]
    assert fields["error"] == "ValueError"
    assert "test_app.py" in fields["raised_at"]
    assert "SECRET" not in response.text + caplog.text + json.dumps(fields)


def test_each_prediction_is_one_line_in_the_log(late: House, caplog: pytest.LogCaptureFixture) -> None:
    """Model, version, rows, status and time; of the rows nothing but their number."""
    with caplog.at_level(logging.INFO):
        late.predict("late", {"records": [ROW, ROW]})
        late.predict("late", {"records": [{**ROW, "carrier": 5}]})
    good, bad = (record.__dict__["fields"] for record in caplog.records if record.getMessage() == "predict")
    assert (good["model"], good["version"], good["rows"], good["status"]) == ("late", 1, 2, 200)
    assert (bad["status"], bad["code"]) == (422, "invalid_input")
    assert good["ms"] > 0


def test_other_errors_have_the_same_form(late: House) -> None:
    """A wrong path or method is JSON with code and message too."""
    missing, method = late.client.get("/nowhere"), late.client.get("/v1/models/late:predict/more")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert method.status_code == 404
    wrong = late.client.post("/healthz")
    assert (wrong.status_code, wrong.json()["error"]["code"], wrong.headers["allow"]) == (405, "method_not_allowed", "GET")


def test_models_are_listed_and_described(late: House) -> None:
    """A client finds out what to send and what it will get."""
    listed = late.client.get("/v1/models").json()["models"]
    kinds = [("distance", "numeric"), ("hour", "numeric"), ("carrier", "categorical")]
    features = [{"name": name, "kind": kind} for name, kind in kinds]
    assert listed == [{"name": "late", "version": 1, "description": "Will a flight arrive late?", "features": features}]
    page = late.client.get("/v1/models/late").json()
    assert (page["task"], page["classes"], page["threshold"], page["champion"], page["error"]) == ("binary", [0, 1], 0.5, 1, None)


def test_a_model_with_a_broken_spec_is_listed(house: House) -> None:
    """It is there, with nothing known of it but the error."""
    house.write("late", "no such task")
    house.follower.poll()
    assert house.client.get("/v1/models").json()["models"][0]["features"] == []
    assert "task" in house.client.get("/v1/models/late").json()["error"]


def test_health_answers_while_predictions_run(late: House) -> None:
    """Predictions that fill every thread delay no probe."""
    go = threading.Event()

    class Waiting(Crashing):
        def predict_proba(self, frame: Any) -> Any:
            if frame["carrier"].notna().any():
                go.wait(10)
            return [[0.5, 0.5]]

    late.stores.promote("late", 2, Waiting())
    late.follower.poll()
    with late.client, ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(late.predict, "late", ASKED) for _ in range(20)]
        time.sleep(0.2)
        began = time.monotonic()
        assert late.client.get("/healthz").json() == {"status": "alive"}
        assert late.client.get("/readyz").status_code == 200
        assert time.monotonic() - began < 1
        assert not any(each.done() for each in waiting)
        go.set()
        assert {each.result().status_code for each in waiting} == {200}


def test_the_api_describes_itself(late: House) -> None:
    """The OpenAPI document has the route with its two forms of body."""
    page = late.client.get("/openapi.json").json()
    schema = page["paths"]["/v1/models/{name}:predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert [form["required"] for form in schema["oneOf"]] == [["records"], ["columns"]]


def test_every_answer_is_in_the_log_before_it_is_given(late: House) -> None:
    """Rows as sent, answer as given, under the id that the client has; refused input is no prediction."""
    said = late.predict("late", {"records": [{**ROW, "id": 7}]}).json()
    late.predict("late", {"records": [{**ROW, "carrier": 5}]})
    (line,) = late.lines("predictions/late")
    assert (line["id"], line["version"], line["route"]) == (said["id"], 1, "champion")
    assert line["in"] == {"records": [{**ROW, "id": 7}]}
    assert line["out"] == said


def test_nothing_is_answered_that_cannot_be_logged(late: House) -> None:
    """A disk that refuses is 503; it is answered again as soon as the disk does."""
    folder = late.segments.place / "predictions"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")
    refused = late.predict("late", ASKED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_logged")
    folder.unlink()
    assert late.predict("late", ASKED).status_code == 200


def test_personal_values_are_hashed_in_the_log(house: House) -> None:
    """What a feed calls personal is in no segment."""
    write_feed(house.include, personal=("carrier",))
    house.write("late")
    house.stores.promote("late", 1, fit([0, 1]))
    house.follower.poll()
    assert house.predict("late", {"records": [{**ROW, "carrier": "SECRET"}]}).status_code == 200
    house.segments.sync(close=True)
    written = b"".join(path.read_bytes() for path in house.segments.place.rglob("*.jsonl"))
    assert b"SECRET" not in written
    assert b"sha256:" in written


def test_only_fields_that_a_request_may_hold_are_looked_for(house: House) -> None:
    """A personal column that no version asks for is refused, and so in no request that is logged; one that names a row is."""
    write_feed(house.include, personal=("carrier", "id", "late"))
    house.write("late")
    house.stores.promote("late", 1, fit([0, 1]))
    house.follower.poll()
    assert house.follower.places()["late"].hidden == {"carrier", "id"}
    assert house.predict("late", {"records": [{**ROW, "late": 1}]}).status_code == 422


def crashing(house: House, former: Any = None, baseline: Any = None) -> Any:
    """Make a champion that fails on rows; ask for one."""
    house.write("late")
    if former is not None:
        house.stores.promote("late", 1, former)
        house.follower.poll()
    house.stores.baselines = {"late": baseline} if baseline is not None else {}
    house.stores.promote("late", 2, Crashing())
    house.follower.poll()
    return house.predict("late", ASKED)


def test_the_former_champion_answers_where_the_champion_fails(house: House) -> None:
    """The answer says so; the log has both, the failure by its error's name."""
    said = crashing(house, former=fit([0, 1])).json()
    assert (said["version"], said["route"]) == (1, "fallback")
    assert said["degraded"] == "version 2 could not predict these rows; version 1 did"
    lines = house.lines("predictions/late")
    assert [(each["version"], each["route"], each["error"]) for each in lines] == [(2, "champion", "ValueError"), (1, "fallback", "")]
    figures = house.client.get("/metrics").text
    assert 'ratchet_errors_total{model="late",route="champion",version="2"} 1.0' in figures
    assert 'ratchet_answers_total{model="late",route="fallback",version="1"} 1.0' in figures


def test_the_baseline_answers_where_there_is_nobody_else(house: House) -> None:
    """Its shares of the classes are better than nothing, and said to be just that."""
    trivial = make_pipeline(DummyClassifier(strategy="prior")).fit(to_frame(COLUMNS, toy_records(4)), [0, 0, 0, 1])
    said = crashing(house, baseline=trivial).json()
    assert (said["predictions"], said["probabilities"], said["route"]) == ([0], [0.25], "fallback")
    assert said["degraded"] == "version 2 could not predict these rows; the baseline of version 2 did"


def test_a_canary_that_fails_leaves_the_row_to_the_champion(late: House) -> None:
    """That is no degraded answer: it is the champion's own."""
    late.stores.pipelines["late", 2] = Crashing()
    late.stores.route("late", 2, "canary")
    late.follower.poll()
    said = late.predict("late", ASKED).json()
    assert (said["version"], "degraded" in said, "route" in said) == (1, False, False)
    assert [(each["route"], each["error"]) for each in late.lines("predictions/late")] == [("canary", "ValueError"), ("champion", "")]


def test_a_new_version_may_ask_for_more(late: House) -> None:
    """While two versions answer, clients may send what either asks for, so that nobody is refused in between."""
    more = Columns(id=("id",), label="late", numeric=("distance", "hour", "delay"), categorical=("carrier",))
    late.stores.pipelines["late", 2] = prepared(more)
    late.stores.route("late", 2, "shadow")
    late.follower.poll()
    assert late.predict("late", {"records": [{**ROW, "delay": 3}]}).status_code == 200
    late.stores.promote("late", 2)
    late.follower.poll()
    assert late.predict("late", {"records": [{**ROW, "delay": 3}]}).json()["version"] == 2
    late.stores.routes.clear()
    refused = late.predict("late", ASKED)
    assert refused.json()["error"]["faults"][0]["field"] == "delay"
