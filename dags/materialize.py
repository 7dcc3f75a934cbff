"""Keep the newest values of a feature view where the prediction service can look them up.

**Starts on** new clean data of the view's feeds, a sweep every half an hour, and by hand.

**Does** run the view's SQL over the lake, and write of every entity the row that is the newest by the clock into the
online store; a row there moves only forward in event time. **With nothing new** it ends in *skipped*.

**After a failure** clear the task: the same rows twice are written once.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import defaults, parsing, schedules
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.tasks import materialize as body


def build(spec: ViewSpec) -> None:
    """Wire the materialisation of one view."""

    @dag(
        dag_id=f"{spec.name}_materialize",
        schedule=schedules.materialize(spec),
        description=spec.description or f"The newest values of {spec.name}.",
        doc_md=__doc__,
        **defaults.dag("materialize", spec.owner, subject=spec.name),
    )
    def materialize() -> None:
        step(body.materialize)(spec.name)

    materialize()


for each in parsing.views("materialize"):
    build(each)
