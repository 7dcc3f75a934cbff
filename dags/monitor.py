"""Measure the champion on rows that it never saw, once their labels are known.

**Starts on** new predictions, the model's own schedule, a sweep every half an hour, and by hand.

**Does** `ship` what the prediction service logged: its answers into `requests/<model>` of the lake, labels that clients
sent into the landing. Then `measure`: join matured labels to out-of-sample predictions of both kinds, measure each window
with its interval, estimate those whose labels have not come, keep the report in the ledger and its page in MLflow; and
`signal` a degradation when one is shown.
**Nothing matured, or nothing shown,** ends in *skipped*.

**After a failure** clear the failed task.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import assets, defaults, parsing, schedules
from include.ratchet.dagkit.alerts import TELL
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import monitor as body
from include.ratchet.tasks import requests


def build(spec: ModelSpec) -> None:
    """Wire the monitoring of one model."""

    @dag(
        dag_id=f"{spec.name}_monitor",
        schedule=schedules.monitor(spec),
        description=f"How {spec.name} does on rows that it never saw.",
        doc_md=__doc__,
        **defaults.dag("monitor", spec.owner, subject=spec.name, late=spec.late, max_active_runs=defaults.SEVERAL),
    )
    def monitor() -> None:
        shipped, measured = step(requests.ship)(spec.name), step(body.measure)(spec.name)
        shipped >> measured
        step(body.signal, outlets=[assets.retrain(spec)], on_success_callback=TELL)(measured)

    monitor()


for each in parsing.models("monitor"):
    build(each)
