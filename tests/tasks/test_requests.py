"""What the service wrote reaches the lake and the landing, once, whatever is killed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.adapters import open_lake
from include.ratchet.adapters.segments import Segments
from include.ratchet.domain.config import load_config
from include.ratchet.serving.records import Asked, label_line, line
from include.ratchet.tasks import monitor, requests, score
from tests.tiny import DAYS, MODEL, Project, visits

ROW = {"visit": 5, "x": 0.5, "colour": "red"}
SAID = json.dumps({"predictions": [1], "probabilities": [0.8]}).encode()


def ask(segments: Segments, number: int, row: dict[str, Any] | None = None, said: bytes = SAID) -> str:
    """Log one request as the service does; return its id."""
    name = f"{number:032x}"
    body = json.dumps({"records": [row or ROW]}).encode()
    segments.append(f"predictions/{MODEL}", *line(Asked(name, body), (1, "champion"), 1.5, frozenset(), said=said))
    return name


def log(home: Path) -> Segments:
    """Open the log of a home."""
    assert load_config().log_place == home / "serving"
    return Segments(load_config().log_place)


def ship(project: Project) -> Any:
    """Run the body."""
    return project.run(requests.ship, MODEL, stage="monitor")


def test_every_logged_row_reaches_the_lake_once(serving: Project) -> None:
    """A second run has nothing to do; a segment whose removal was killed is written no second time."""
    assert ship(serving) == {"model": MODEL, "rows": 0, "labels": 0, "damaged": 0}
    segments = log(serving.home)
    for number in range(3):
        ask(segments, number)
    segments.sync(close=True)
    (path,) = (serving.home / "serving" / "predictions" / MODEL).iterdir()
    content = path.read_bytes()
    assert ship(serving)["rows"] == 3
    path.write_bytes(content)
    ship(serving)
    found = serving.rows(requests.table(MODEL))
    assert sorted(found["prediction_id"]) == [f"{number:032x}.0" for number in range(3)]
    assert found["in_snapshot"].all()  # visit 5 is one of the rows that version 1 was made from
    assert not path.exists()


def test_labels_are_one_more_delivery(serving: Project) -> None:
    """They become a file in the landing, under the row's own id; a label waits for the prediction that it names."""
    segments = log(serving.home)
    name = ask(segments, 7)
    segments.append(f"labels/{MODEL}", label_line([{"id": name, "label": 1}]))
    late = Segments(load_config().log_place)
    late.append(f"labels/{MODEL}", label_line([{"id": 12, "label": 0}]))
    late.sync(close=True)
    assert ship(serving)["labels"] == 1
    segments._streams[f"predictions/{MODEL}"].opened = -1e9  # the labels' segment is closed a moment before the predictions'
    segments._max_seconds = 1e8
    segments._streams[f"labels/{MODEL}"].opened = -1e9
    held = segments._streams.pop(f"predictions/{MODEL}")
    segments.sync()
    assert ship(serving)["labels"] == 0
    segments._streams[f"predictions/{MODEL}"] = held
    segments.sync(close=True)
    assert ship(serving) == {"model": MODEL, "rows": 1, "labels": 1, "damaged": 0}
    files = sorted((serving.home / "landing" / "labels" / MODEL).glob("*.jsonl"))
    delivered = [json.loads(each) for file in files for each in file.read_text(encoding="utf-8").splitlines()]
    assert {(each["visit"], each["bought"]) for each in delivered} == {("5", 1), ("12", 0)}
    assert all(datetime.fromisoformat(each["labelled_at"]).tzinfo == UTC for each in delivered)


def test_answers_count_when_the_champion_is_measured(serving: Project) -> None:
    """Rows that the service answered before they were scored in batch are measured by what clients were told."""
    rows = visits(DAYS, 21)
    segments = log(serving.home)
    body = {"columns": {name: rows[name].tolist() for name in ("visit", "x", "colour")}}
    said = {"predictions": [1] * len(rows), "probabilities": [0.5] * len(rows)}
    asked = Asked("b" * 32, json.dumps(body).encode())
    segments.append(f"predictions/{MODEL}", *line(asked, (1, "champion"), 1.0, frozenset(), said=json.dumps(said).encode()))
    segments.sync(close=True)
    ship(serving)
    serving.deliver("more.csv", rows)
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    report = serving.run(monitor.measure, MODEL, stage="monitor")
    late = [each for each in report["windows"] if each["start"] > "2020-03-05"]
    assert late
    assert all(each["metric"] == 0.5 for each in late)  # roc_auc of one score for all: what was told, not what batch says
    assert open_lake().version(f"predictions/{MODEL}") is not None


def test_what_cannot_be_read_stays(serving: Project, caplog: pytest.LogCaptureFixture) -> None:
    """No JSON, or not what the service writes: it is counted, kept in the log's folder and told of; all the others arrive."""
    segments = log(serving.home)
    ask(segments, 1)
    ragged = Asked("c" * 32, json.dumps({"columns": {"x": [0.5], "colour": ["red", "blue"]}}).encode())
    segments.append(f"predictions/{MODEL}", b"\0\0\n")
    segments.append(f"predictions/{MODEL}", *line(ragged, (1, "champion"), 1.5, frozenset(), said=SAID))
    segments.append(f"labels/{MODEL}", b'{"labels": 5}\n')
    segments.append(f"labels/{MODEL}", label_line([{"id": 12, "label": 0}]))
    segments.sync(close=True)
    ask(segments, 2)  # in a segment of its own, which is read after that one
    segments.sync(close=True)
    assert ship(serving) == {"model": MODEL, "rows": 2, "labels": 1, "damaged": 3}
    kept = [path for kind in ("predictions", "labels") for path in (serving.home / "serving" / kind / MODEL).iterdir()]
    assert [path.suffix for path in kept] == [".damaged", ".damaged"]
    assert all(str(path) in caplog.text for path in kept)
    assert ship(serving)["damaged"] == 0
