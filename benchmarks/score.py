"""What batch scoring costs, beside a bare predict and a Parquet write of the same rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import yaml

from benchmarks.inside.deployed import MODEL
from benchmarks.inside.score import FEED, TIMES
from benchmarks.project import Project, copy
from benchmarks.table import Row

ROWS = 200_000
TITLE = f"Batch scoring: {ROWS:,} new rows by boosted trees of 16 features, lake to lake, processor time, imports apart"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both on rows that were not scored before."""
    runs = []
    for _ in range(repeat):
        project = copy("score")
        read_one_feed(project)
        runs.append(project.run("benchmarks.inside.score", str(ROWS), RATCHET__CLOCK="wall"))
    ours, floor = (statistics.median(run[name] for run in runs) for name in ("ours", "floor"))
    note = f"the task's whole body beside the best of {TIMES} with the rows in memory, which looks nothing up and writes nothing atomically"
    yield Row("score", ours, peer=floor, peer_name="predict_proba + to_parquet", limit=1.5, of_ratio=True, note=note)


def read_one_feed(project: Project) -> None:
    """Let the model read its features from one table, as they are: a join is not what is measured."""
    include = project.root / "include"
    path = include / "models" / MODEL / "model.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    columns = spec["columns"] | {"numeric": [name.replace("__", "_") for name in spec["columns"]["numeric"]]}
    path.write_text(yaml.safe_dump(spec | {"feeds": [FEED], "views": [], "columns": columns}), encoding="utf-8")
    (path.parent / "transform.sql").write_text(f"SELECT * FROM {FEED}", encoding="utf-8")  # noqa: S608 - a constant
    types = dict.fromkeys(columns["numeric"], "float64?") | dict.fromkeys(columns["categorical"], "string")
    feed = {
        "name": FEED,
        "source": {"kind": "files", "uri": f"landing://{FEED}/*.csv"},
        "key": columns["id"],
        "time": {"column": columns["time"]},
        "schema": {"flight_id": "int64", columns["time"]: "timestamp", "late": "bool"} | types,
    }
    (include / "feeds" / FEED).mkdir()
    (include / "feeds" / FEED / "feed.yaml").write_text(yaml.safe_dump(feed), encoding="utf-8")
