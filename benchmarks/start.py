"""How long a task takes to start, beside Airflow's defaults in the same run, and with a hundred models."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.project import Project, copy
from benchmarks.table import Row

TITLE = "Task start: from the last line of the upstream task to a body that has pandas, scikit-learn and MLflow loaded"
MANY = 100
_OURS, _PEER = "model_001_bench", "plain_bench"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure a chain of 12 tasks in a warm stack, `repeat` stacks each; the peer is a plain task."""
    one, many = (copy(f"start-{count}", models=count, dags=("bench.py", "plain.py")) for count in (1, MANY))
    tuned, defaults, grown = [], [], []
    for _ in range(repeat):
        tuned.append(one.run("benchmarks.inside.start", _OURS, "tuned"))
        defaults.append(one.run("benchmarks.inside.start", _PEER, "defaults"))
        grown.append(many.run("benchmarks.inside.start", _OURS, "tuned"))
    peer = "Airflow's defaults"
    ours, theirs = _loaded(tuned), _loaded(defaults)
    yield Row("task start, LocalExecutor", ours, peer=theirs, peer_name=peer, limit=0.25, of_ratio=True, note=f"median of {_count(tuned)}")
    yield Row("the same, without the imports", _median(tuned, "first_line"), peer=_median(defaults, "first_line"), peer_name=peer)
    yield Row(
        "CPU that the task's process spends before its body, without the imports",
        _median(tuned, "cpu"),
        peer=_median(defaults, "cpu"),
        peer_name=peer,
    )
    note = f"{grown[0]['dags']} DAGs, all but this one paused"
    yield Row(f"with {MANY} models", _loaded(grown), peer=ours, peer_name="1 model", limit=1.2, of_ratio=True, note=note)
    yield from _celery(one)
    for part in ("scheduler", "dag-processor", "api-server"):
        yield Row(f"memory of the {part}", tuned[0]["memory"][part], "MB", defaults[0]["memory"][part], peer, note=_workers(part))


def _celery(project: Project) -> Iterator[Row]:
    """Measure the same chain on a prefork worker behind Redis, where there is a redis-server."""
    if not shutil.which("redis-server"):
        return
    tuned, defaults = [project.run("benchmarks.inside.celery", dag, how) for dag, how in ((_OURS, "tuned"), (_PEER, "defaults"))]
    peer, note = "Airflow's defaults", "Redis and one prefork worker of two"
    ours, theirs = _loaded([tuned]), _loaded([defaults])
    yield Row("task start, Celery prefork", ours, peer=theirs, peer_name=peer, limit=0.25, of_ratio=True, note=note)
    ours, theirs = tuned["memory"]["worker"], defaults["memory"]["worker"]
    yield Row("memory of the Celery worker", ours, "MB", theirs, peer, note="PSS, with its pool of two")


def _loaded(runs: list[dict[str, Any]]) -> float:
    return _median(runs, "loaded")


def _median(runs: list[dict[str, Any]], what: str) -> float:
    return statistics.median(float(start[what]) for run in runs for start in run["starts"])


def _count(runs: list[dict[str, Any]]) -> int:
    return sum(len(run["starts"]) for run in runs)


def _workers(part: str) -> str:
    return "PSS, with its idle workers: 4 preloaded beside 32" if part == "scheduler" else "PSS"
