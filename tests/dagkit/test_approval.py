"""An approval is wired only where the spec asks, and a deploy that waits can be overtaken."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG

from include.ratchet.dagkit import approval
from include.ratchet.dagkit.seam import step
from tests.makers import model_spec


def _plan() -> dict[str, int]:
    return {"version": 1}


def test_the_question_stands_before_the_answer_and_a_skip_passes() -> None:
    """Ask, then the person, then the body that holds the answer against what was shown, even where nobody was asked."""
    spec = model_spec(deploy__approval="required", deploy__approval_within="2h")
    with DAG("m_deploy", schedule=None) as dag:
        approval.approved(spec, step(_plan)())
    asked: Any = dag.task_dict["approve"]
    assert asked.upstream_task_ids == {"ask"}
    assert dag.task_dict["approved"].upstream_task_ids == {"_plan", "ask", "approve"}
    assert dag.task_dict["approved"].trigger_rule == "none_failed_min_one_success"  # nothing due: skipped, too
    assert asked.response_timeout == spec.deploy.approval_within
    assert asked.defaults == ["Reject"]
    assert asked.params.get_param("reason").schema["type"] == ["null", "string"]
