"""Make a blessed version the champion, see it serve, and go back when it does not.

**Starts on** a blessing, a sweep every half an hour, and the form: promote a blessed version, roll back to a former
champion, freeze promotions, or thaw them.

**Does** load the artifact once more (`preload`), ask a person where the spec wants one (`ask`, `approve`, `approved`; the
answer is bound to the dossier that was shown), show the version real requests (`canary`: first as a shadow, then for a
part of the entities), change the champion in the ledger and then the aliases in MLflow
(`promote`), and wait until the prediction service shows the version (`smoke`); if it does not, the previous champion
is put back. Where no service listens, `smoke` passes and says so in its log and in what it returns. A SageMaker endpoint is
changed before the ledger is (`publish`, `split`, `shift`), waited for without a worker, and tidied at the end.

**After a failure** read the reason in the failed task and start the DAG again. The ledger names one champion at any
moment. A task that was killed is tried again: `promote` completes what was recorded in the ledger and not yet in
MLflow, and `smoke` looks once more, so that the version is announced or taken back; only when every try of `smoke` was
killed does it stay champion without having been seen to serve.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import approval, assets, defaults, forms, parsing, schedules, targets
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import choose, smoke
from include.ratchet.tasks import deploy as body


def build(spec: ModelSpec) -> None:
    """Wire the deployment stages of one model."""
    waits = spec.deploy.approval == "required"
    runs = defaults.SEVERAL if waits else 1  # a newer blessing must be able to overtake one that waits for a person

    @dag(
        dag_id=f"{spec.name}_deploy",
        schedule=schedules.deploy(spec),
        description=f"Blessed versions of {spec.name}: promote, smoke test, roll back.",
        params=forms.deploy(),
        doc_md=__doc__,
        **defaults.dag("deploy", spec.owner, subject=spec.name, late=spec.late + spec.deploy.waits, max_active_runs=runs),
    )
    def deploy() -> None:
        plan = targets.published(spec, step(body.preload)(step(choose.choose)(spec.name)))
        if waits:
            plan = approval.approved(spec, plan)
        plan = targets.shifted(spec, targets.tried(spec, plan))
        promoted = step(body.promote, pool=defaults.pool(spec.name))(plan)
        targets.tidied(spec, step(smoke.smoke, outlets=[assets.champion(spec)])(promoted))

    deploy()


for each in parsing.models("deploy"):
    build(each)
