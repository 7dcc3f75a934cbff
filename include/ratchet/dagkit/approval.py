"""Ask a person before a version serves: Airflow's human-in-the-loop task between two of ours."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from include.ratchet.dagkit.alerts import TELL
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import agree


def approved(spec: ModelSpec, plan: Any) -> Any:
    """Return the plan that a person agreed to; a no, and no answer by the deadline, end in *skipped*."""
    from airflow.providers.standard.operators.hitl import HITLOperator  # only models that ask pay for it at parse

    question = step(agree.ask, on_success_callback=TELL)(plan)
    approve = HITLOperator(
        task_id="approve",
        subject="{{ ti.xcom_pull(task_ids='ask')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='ask')['body'] }}",
        options=[agree.YES, agree.NO],
        defaults=[agree.NO],
        response_timeout=spec.deploy.approval_within,
        # Null is allowed: beside an empty text that may not be empty, Airflow's page lets nobody approve or reject.
        params={"reason": Param(None, type=["null", "string"], title="Reason", description="Why? It is kept in the ledger.")},
    )
    question >> approve
    return step(agree.approved, trigger_rule="none_failed_min_one_success")(plan, question, approve.output)
