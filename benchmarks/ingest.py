"""How fast a large file is taken in, beside pandas reading the CSV and writing Parquet."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator

import yaml

from benchmarks.inside.ingest import FEED, FLOATS, INTS, WARM
from benchmarks.project import Project, copy
from benchmarks.table import Row

ROWS = 1_000_000
TITLE = f"Ingest: a CSV of {ROWS:,} rows x 20 columns, landing folder to clean table, one process, processor time, imports apart"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both, and show where the time goes."""
    project = copy("ingest")
    for name in (FEED, WARM):
        _add_feed(project, name)
    runs = []
    for _ in range(repeat):
        shutil.rmtree(project.root / ".ratchet", ignore_errors=True)
        runs.append(project.run("benchmarks.inside.ingest", str(ROWS)))
    floor = statistics.median(run["floor"] for run in runs)
    checks = statistics.median(run["expectations"] for run in runs)
    whole = statistics.median(sum(run["bodies"].values()) for run in runs)
    name = "pandas.read_csv + to_parquet"
    ours = whole - checks
    rate = f"{ROWS / ours:,.0f} rows/s of processor time beside {ROWS / floor:,.0f}; pandas keeps nothing and checks nothing"
    yield Row("all of ingest but the expectations", ours, peer=floor, peer_name=name, limit=round(ROWS / 150_000, 2), note=rate)
    for body in ("land", "check", "validate", "merge"):
        seconds = statistics.median(run["bodies"][f"{FEED}_ingest.{body}"] for run in runs) - (checks if body == "validate" else 0)
        yield Row(f"of it {body}", seconds, peer=floor, peer_name=name)
    yield Row("the expectations (8, Great Expectations)", checks)


def _add_feed(project: Project, name: str) -> None:
    columns = {"id": "int64", "at": "timestamp"} | {f"f{i}": "float64" for i in range(FLOATS)} | {f"i{i}": "int64" for i in range(INTS)}
    between = [{"type": "expect_column_values_to_be_between", "column": f"f{i}", "min_value": -10, "max_value": 10} for i in range(7)]
    spec = {
        "name": name,
        "source": {"kind": "files", "uri": f"landing://{name}/*.csv"},
        "key": ["id"],
        "mode": "merge",
        "time": {"column": "at"},
        "schema": columns | {"word": "string"},
        "expectations": [
            *between,
            {"type": "expect_column_values_to_be_in_set", "column": "word", "value_set": ["alpha", "beta", "gamma", "delta"]},
        ],
    }
    folder = project.root / "include" / "feeds" / name
    folder.mkdir()
    (folder / "feed.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
