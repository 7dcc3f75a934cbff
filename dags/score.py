"""Predict every row that has no prediction yet, with the champion.

**Starts on** new clean data, a new champion, the model's own schedule, a sweep every half an hour, and by hand.

**Does** append to `predictions/<model>` in the lake, with the version and whether the row was in that version's
training snapshot. **Without a champion** it ends in *skipped*; the first champion scores what waited.

**On SageMaker**, with `deploy.sagemaker.transform`, the champion's rows are laid out in S3 (`submit`), predicted by a
transform job that is waited for without a worker (`transform`), and appended (`collect`).

**After a failure** clear the task: a row is never predicted twice.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import assets, defaults, parsing, schedules, targets
from include.ratchet.domain.modelspec import ModelSpec


def build(spec: ModelSpec) -> None:
    """Wire the batch scoring of one model."""

    @dag(
        dag_id=f"{spec.name}_score",
        schedule=schedules.score(spec),
        description=f"Batch predictions of {spec.name}, each row once.",
        doc_md=__doc__,
        **defaults.dag("score", spec.owner, subject=spec.name, late=targets.late(spec), max_active_runs=targets.runs(spec)),
    )
    def score() -> None:
        targets.scored(spec, {"outlets": [assets.predictions(spec)], "pool": defaults.pool(spec.name)})

    score()


for each in parsing.models("score"):
    build(each)
