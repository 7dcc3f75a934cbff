"""A chain of tasks per model, built as every DAG of Ratchet's; and one as anybody would write it, for the peer."""

from __future__ import annotations

from airflow.sdk import dag

from benchmarks.body import link
from include.ratchet.dagkit import defaults, parsing
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec

LINKS = 12


def build(spec: ModelSpec) -> None:
    """Wire the chain of one model, with our seam around each body."""

    @dag(dag_id=f"{spec.name}_bench", schedule=None, **defaults.dag("bench", spec.owner))
    def bench() -> None:
        number = 0
        for _ in range(LINKS):
            number = step(link)(number)

    bench()


for each in parsing.models("bench"):
    build(each)
