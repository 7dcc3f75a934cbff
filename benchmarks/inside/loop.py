"""From the arrival of files to champions through the real scheduler, in a warm stack; with the timeline of the run."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.inside import arrival
from benchmarks.inside.airflow import Api, away_from_sweep, cpu, memory, running, wait
from include.ratchet.domain import specs
from include.ratchet.domain.config import load_config

_AT_WORK = ("queued", "running")


def main() -> None:
    """Warm the stack up, let the files arrive, watch; write when each champion was promoted, and every task's times."""
    result, delivered = Path(sys.argv[1]), Path(sys.argv[2])
    config, models = load_config(), specs.names("models")
    arrival.reference(delivered, config)
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger(config)
    with running() as (api, stack):
        wait(lambda: _calm(api, len(models) * 4 + len(specs.names("feeds"))), "a warm stack")
        away_from_sweep()
        wait(lambda: _calm(api), "the end of a sweep")
        before = cpu(stack)
        at = arrival.deliver(delivered, config)
        wait(lambda: all(ledger.champion(each) for each in models), "the champions", every=0.2)
        spent = {name: seconds - before[name] for name, seconds in cpu(stack).items()}
        promoted = {each: ledger.promotions(each)[-1].at.timestamp() - at for each in models}
        wait(lambda: _calm(api), "the end of all runs")
        found = {"promoted": promoted, "memory": memory(stack), "cpu": spent, "timeline": _timeline(api, at)}
    result.write_text(json.dumps(found), encoding="utf-8")


def _calm(api: Api, dags: int = 0) -> bool:
    """Say whether every DAG is known and nothing is at work."""
    known = api.call("GET", "/dags", params={"limit": 1})["total_entries"] >= dags
    return known and not api.call("GET", "/dags/~/dagRuns", params={"limit": 1, "state": list(_AT_WORK)})["dag_runs"]


def _timeline(api: Api, at: float) -> list[dict[str, Any]]:
    """List every task that ran after the arrival: queued, started and ended [s after it], in the order of their start."""
    tasks = api.all_of("/dags/~/dagRuns/~/taskInstances", "task_instances")
    found = []
    for task in tasks:
        times = {key: _after(task[name], at) for key, name in (("queued", "queued_when"), ("started", "start_date"), ("ended", "end_date"))}
        if times["ended"] is not None and times["ended"] > 0:
            name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
            found.append({"dag": task["dag_id"], "run": task["dag_run_id"], "task": name, "state": task["state"], **times})
    return sorted(found, key=lambda each: each["started"] or each["ended"])


def _after(text: str | None, at: float) -> float | None:
    return datetime.fromisoformat(text).timestamp() - at if text else None


if __name__ == "__main__":
    main()
