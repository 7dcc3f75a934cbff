"""Try the way back before anybody needs it: load the champion before, and hold its answers against those recorded of it.

**Starts on** the spec's `deploy.rehearsal` (Sundays at 05:00 UTC when it says nothing, never when it says null), and by hand.

**Does** load the version that a rollback would go to, with its bytes checked, let it answer a row of today, and compare its
answers for its held-out rows with the digest in its recipe. Outcome and time are in the ledger: `./ratchet status` shows
them. Nothing is changed. Without an earlier champion it ends in *skipped*.

**After a failure** a rollback to that version would fail, or answer otherwise than it did: read why in the failed task. Restore
the artifact, or roll back to another former champion (`./ratchet rollback NAME --to VERSION`) when it comes to that.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import defaults, parsing, schedules
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import rehearse as body


def build(spec: ModelSpec) -> None:
    """Wire the rehearsal of one model's rollback."""

    @dag(
        dag_id=f"{spec.name}_rehearse",
        schedule=schedules.rehearse(spec),
        description=f"Can {spec.name} go back to the champion before?",
        doc_md=__doc__,
        **defaults.dag("rehearse", spec.owner, subject=spec.name, late=spec.late),
    )
    def rehearse() -> None:
        step(body.rehearse)(spec.name)

    rehearse()


for each in parsing.models("rehearse"):
    build(each)
