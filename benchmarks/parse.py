"""How long the bundle takes to parse, beside an empty DAG file."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.project import FOLDER, Project, copy
from benchmarks.table import Row

TITLE = "Parse: beyond what Airflow's DAG processor has loaded before it looks at a file (airflow.sdk and its own modules)"
SIZES = (1, 10, 100)
_EMPTY = "from airflow.sdk import DAG, task\n\nwith DAG('empty'):\n    @task\n    def nothing():\n        pass\n    nothing()\n"


def rows(repeat: int = 5) -> Iterator[Row]:
    """Measure the bundled models, then 1, 10 and 100 generated ones; medians of `repeat` processes each."""
    empty = _empty()
    bundled = copy("parse")
    found = _measure(bundled, empty, repeat)
    floor = _floor(bundled, empty, repeat)
    name = "one DAG, one task"
    note = f"{found['dags']} DAGs, {found['modules']} modules"
    yield Row("bundled models, all files in one process", found["parse"], peer=floor["parse"], peer_name=name, limit=0.1, note=note)
    alone = found["alone"]
    slowest = max(alone, key=lambda each: alone[each])
    yield Row(
        "the slowest file in a fork of its own",
        alone[slowest],
        peer=floor["parse"],
        peer_name=name,
        note=f"{slowest}; so parses the DAG processor, and each task its own file",
    )
    yield Row("serialise them", found["serialise"], peer=floor["serialise"], peer_name=name)
    for size in SIZES:
        found = _measure(copy(f"parse-{size}", models=size), empty, repeat if size < SIZES[-1] else max(1, repeat // 2))
        limit = 3.0 if size == SIZES[-1] else None
        yield Row(f"{size} models", found["parse"], peer=floor["parse"], peer_name=name, limit=limit, note=f"{found['dags']} DAGs")
        yield Row(f"serialise {size} models", found["serialise"])


def _measure(project: Project, empty: Path, repeat: int) -> dict[str, Any]:
    return _median([project.run("benchmarks.inside.parse", str(project.root / "dags"), str(empty)) for _ in range(repeat)])


def _floor(project: Project, empty: Path, repeat: int) -> dict[str, Any]:
    return _median([project.run("benchmarks.inside.parse", str(empty), str(empty)) for _ in range(repeat)])


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    if runs[0]["errors"]:
        raise RuntimeError(f"the DAGs do not load: {runs[0]['errors']}")
    middle = {key: statistics.median(run[key] for run in runs) for key in ("parse", "serialise")}
    alone = {name: statistics.median(run["alone"][name] for run in runs) for name in runs[0]["alone"]}
    return runs[0] | middle | {"alone": alone}


def _empty() -> Path:
    folder = FOLDER / "empty"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "empty.py").write_text(_EMPTY, encoding="utf-8")
    return folder
