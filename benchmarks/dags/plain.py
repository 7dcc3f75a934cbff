"""The same chain without Ratchet: what Airflow's defaults do with it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task

from benchmarks.body import link

LINKS = 12


@dag(dag_id="plain_bench", schedule=None)
def bench() -> None:
    """Run one body after the other."""
    result: Any = 0
    for _ in range(LINKS):
        result = task(link)(result)


bench()
