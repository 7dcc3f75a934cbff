"""Take in what arrives at a feed's source, and lose no row of it.

**Starts on** arrival (a watcher looks at the source, or takes the store's events from a queue), the feed's own schedule,
a sweep every half an hour where there is none, by hand, and by backfill: of a feed with a watermark and a schedule,
`airflow backfill create` reads what is missing of the days that it is given.

**Does** keep the raw bytes by their SHA-256 (`land`), compare the schema (`check`), run the Great Expectations
suite (`validate`: good rows, and quarantined ones with the rules that they broke), and `merge` both into the lake.

**A batch that does not fit** stops, is kept, and is named by `report`, which fails; the other batches go on. Decide about
it by the form: `accept` takes what changed (a column, a unit, an encoding) as right from now on, `reject` ends it for good.

**After a failure** clear the failed task; every step is safe to run again. Mend a stopped file and deliver it again.
"""

from __future__ import annotations

from airflow.sdk import TriggerRule, dag, task_group

from include.ratchet.dagkit import arrival, assets, defaults, forms, parsing, schedules
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.tasks import ingest as body


def build(spec: FeedSpec) -> None:
    """Wire the ingest stages of one feed."""

    @dag(
        dag_id=f"{spec.name}_ingest",
        schedule=schedules.ingest(spec),
        description=spec.description or f"What arrives at {spec.name}.",
        doc_md=__doc__,
        params=forms.ingest(),
        **defaults.dag("ingest", "ratchet", subject=spec.name, late=None if spec.source.wait else defaults.LATE),
    )
    def ingest() -> None:
        batches = step(body.land)(spec.name)
        arrival.sensors(spec) >> batches

        @task_group
        def batch(sha: str) -> None:
            step(body.validate)(spec.name, step(body.check)(spec.name, sha))

        good_ones = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
        merged = step(body.merge, outlets=[assets.clean(spec.name)], trigger_rule=good_ones, max_active_tis_per_dag=1)(spec.name)
        reported = step(body.report, trigger_rule=good_ones)(spec.name, batches)
        # Beside each other: a run is as its last tasks are, and a merge that failed must not end green behind a report.
        batch.expand(sha=batches) >> [merged, reported]

    ingest()


for each in parsing.feeds("ingest"):
    build(each)
