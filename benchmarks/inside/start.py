"""Task start through the real scheduler: arguments are the DAG, and `tuned` or `defaults`."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.body import LOG
from benchmarks.inside.airflow import memory, running

UNUSED = ("mlflow", "serving", "triggerer")


def main() -> None:
    """Run the chain once to warm up and once to measure; write each task's start and the memory."""
    result, dag, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    log = result.with_name("links.jsonl")
    more = {LOG: str(log), "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}
    with running(UNUSED, defaults=how == "defaults", **more) as (api, stack):
        api.appear(dag)
        api.run(dag)
        log.unlink()
        api.run(dag)
        links = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        found = {"starts": starts(links), "memory": memory(stack), "dags": api.call("GET", "/dags", params={"limit": 1})["total_entries"]}
    result.write_text(json.dumps(found), encoding="utf-8")


def starts(links: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return, for each pair of tasks: from the upstream's last line to the first line, and to its libraries."""
    return [
        {"first_line": b["began"] - a["ended"], "loaded": b["ready"] - a["ended"], "cpu": b["cpu"]} for a, b in itertools.pairwise(links)
    ]


if __name__ == "__main__":
    main()
