"""Approval: bound to what was shown, answered once, and never in the way of a rollback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Json
from include.ratchet.tasks import agree, choose, deploy
from tests.tiny import MODEL, MODEL_YAML, Project

APPROVED = MODEL_YAML.replace("deploy: {target: batch}", "deploy: {target: batch, approval: required}")
DIGEST = "d" * 64


@pytest.fixture
def plan(serving: Project) -> Json:
    """Return what is due, with a dossier to agree to."""
    serving.write(model=APPROVED)
    made: Json = serving.run(choose.choose, MODEL, stage="deploy")
    open_ledger().explain(made["evidence"], DIGEST, "http://there/dossier.html")
    return made


def _answer(choice: str) -> Json:
    return {"chosen_options": [choice], "params_input": {"reason": "seen"}, "responded_by_user": {"id": "1", "name": "ann"}}


def _go(project: Project, *args: Any) -> Json:
    made: Json = project.run(agree.approved, *args, stage="deploy")
    return made


def test_the_question_names_version_and_dossier(serving: Project, plan: Json) -> None:
    """Who is asked can read what it is about."""
    question = serving.run(agree.ask, plan, stage="deploy")
    assert question["subject"] == "May buys version 2 serve instead of version 1?"
    assert "http://there/dossier.html" in question["body"]
    assert question["dossier"] == DIGEST


def test_a_yes_goes_on_and_is_asked_once(serving: Project, plan: Json) -> None:
    """The answer is in the ledger with who and why; a task that is tried again asks nobody."""
    question = serving.run(agree.ask, plan, stage="deploy")
    assert _go(serving, plan, question, _answer("Approve")) == plan
    known = open_ledger().agreement(plan["evidence"], DIGEST)
    assert known is not None
    assert (known.agreed, known.who, known.why) == (True, "ann", "seen")
    with pytest.raises(Skip, match="answered by ann: approved"):
        serving.run(agree.ask, plan, stage="deploy")
    assert _go(serving, plan, None, None) == plan


@pytest.mark.parametrize("answer", [_answer("Reject"), {"chosen_options": ["Reject"], "responded_by_user": None}, None])
def test_a_no_and_no_answer_promote_nothing(serving: Project, plan: Json, answer: Json | None) -> None:
    """A deadline that passes is a no."""
    question = serving.run(agree.ask, plan, stage="deploy")
    with pytest.raises(Skip, match="version 2 is not approved"):
        _go(serving, plan, question, answer)


def test_an_answer_about_another_dossier_is_refused(serving: Project, plan: Json) -> None:
    """What was agreed to is not what stands there now."""
    question = serving.run(agree.ask, plan, stage="deploy")
    open_ledger().explain(plan["evidence"], "e" * 64, "http://there/dossier.html")
    with pytest.raises(DeployError, match="the dossier has changed since it was shown"):
        _go(serving, plan, question, _answer("Approve"))


def test_without_a_dossier_there_is_nothing_to_agree_to(serving: Project) -> None:
    """The error says what to clear."""
    serving.write(model=APPROVED)
    bare = serving.run(choose.choose, MODEL, stage="deploy")
    with pytest.raises(DeployError, match="has no dossier to agree to"):
        serving.run(agree.ask, bare, stage="deploy")


def test_a_rollback_asks_nobody(serving: Project, plan: Json) -> None:
    """What served before may serve again at once."""
    back = plan | {"action": "rollback"}
    with pytest.raises(Skip, match="no approval is needed"):
        serving.run(agree.ask, back, stage="deploy")
    assert _go(serving, back, None, None) == back


def test_a_newer_blessing_overtakes_one_that_waits(serving: Project, plan: Json) -> None:
    """Agreed to or not, the older one is not promoted any more."""
    question = serving.run(agree.ask, plan, stage="deploy")
    blessed = open_ledger().blessing(MODEL, 2)
    assert blessed is not None
    open_ledger().judge(replace(blessed, version=3, run_id="newer", digest=""))
    with pytest.raises(Skip, match="version 2 is overtaken: version 3 is blessed too"):
        _go(serving, plan, question, _answer("Approve"))


def test_the_command_line_answers_too(serving: Project, plan: Json) -> None:
    """For the version that waits; the deploy after it goes on without a question."""
    serving.run(agree.answer, MODEL, None, True, "looked at it", stage="deploy")  # noqa: FBT003
    assert _go(serving, plan, None, None) == plan


def test_nothing_is_promoted_while_frozen(serving: Project, plan: Json) -> None:
    """A freeze names who and why, a rollback goes on, and thaw ends it."""
    with pytest.raises(Skip, match=r"buys: promotions are frozen since .* by tester: holidays"):
        serving.run(choose.choose, MODEL, stage="deploy", action="freeze", reason="holidays")
    with pytest.raises(Skip, match=r"buys: promotions are frozen since .* by tester: holidays"):  # the first freeze stands
        serving.run(choose.choose, MODEL, stage="deploy", action="freeze", reason="again")
    with pytest.raises(Skip, match=r"version 2 waits: promotions are frozen since .* by tester: holidays"):
        serving.run(choose.choose, MODEL, stage="deploy")
    with pytest.raises(DeployError, match="no earlier champion"):
        serving.run(choose.choose, MODEL, stage="deploy", action="rollback")
    with pytest.raises(Skip, match="promotions are free"):
        serving.run(choose.choose, MODEL, stage="deploy", action="thaw")
    assert serving.run(choose.choose, MODEL, stage="deploy") == plan


def test_a_freeze_between_choice_and_promotion_holds(serving: Project, plan: Json) -> None:
    """The ledger itself looks, in the transaction that would change the champion: nothing is promoted, and the reason is told."""
    with pytest.raises(Skip, match="are frozen"):
        serving.run(choose.choose, MODEL, stage="deploy", action="freeze", reason="an incident")
    with pytest.raises(Skip, match=r"version 2: not promoted; promotions are frozen since .* by tester: an incident"):
        serving.run(deploy.promote, plan, stage="deploy")
    assert open_ledger().champion(MODEL) == 1
    with pytest.raises(Skip, match="promotions are free"):
        serving.run(choose.choose, MODEL, stage="deploy", action="thaw")
    serving.run(deploy.promote, plan, stage="deploy")
    with pytest.raises(Skip, match="are frozen"):
        serving.run(choose.choose, MODEL, stage="deploy", action="freeze", reason="again")
    assert serving.promote(action="rollback")["version"] == 1


def test_a_sweep_does_not_ask_again(serving: Project, plan: Json) -> None:
    """One question per blessing is open; another run says who asks, and a run whose form names the version asks all the same."""
    first = serving.run(agree.ask, plan, stage="deploy")
    assert serving.run(agree.ask, plan, stage="deploy") == first  # the same run, tried again
    serving.run_id = "sweep"
    with pytest.raises(Skip, match=r"asked already, by run next; unanswered by .* UTC is a no"):
        serving.run(agree.ask, plan, stage="deploy")
    with pytest.raises(Skip, match="version 2 is not approved"):
        _go(serving, plan, None, None)
    assert serving.run(agree.ask, plan, stage="deploy", version=2) == first


def test_a_deadline_does_not_take_back_what_a_person_said(serving: Project, plan: Json) -> None:
    """Answered at the command line while the scheduler's question stayed open: its default is no answer."""
    question = serving.run(agree.ask, plan, stage="deploy")
    serving.run(agree.answer, MODEL, None, True, "looked at it", stage="deploy")  # noqa: FBT003
    assert _go(serving, plan, question, {"chosen_options": ["Reject"], "responded_by_user": None}) == plan
