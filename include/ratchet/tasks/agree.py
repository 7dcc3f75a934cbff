"""Bodies of the approval in `<model>_deploy`: ask a person, and hold the answer against what was shown."""

from __future__ import annotations

from datetime import UTC, datetime

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Agreement, Json, Question

YES, NO = "Approve", "Reject"


def ask(plan: Json) -> Json:
    """Put the question: which version, instead of which, and the dossier that it is about.

    Raises:
        Skip: Nothing is to be asked: the model needs no approval, this is a rollback, the answer is on record, or
            another run asks already. Who names a version in the form is asked all the same.
    """
    from include.ratchet.adapters import open_ledger

    spec = specs.model(plan["model"])
    if spec.deploy.approval == "none" or plan["action"] == "rollback":
        message = "no approval is needed"
        raise Skip(message)
    ledger = open_ledger()
    shown = _shown(plan)
    known = ledger.agreement(plan["evidence"], shown["digest"])
    if known:
        message = f"answered by {known.who}: {'approved' if known.agreed else 'rejected'}"
        raise Skip(message)
    task, now = current(), datetime.now(UTC)
    asked = Question(
        spec.name, int(plan["version"]), plan["evidence"], shown["digest"], task.run_id, now, now + spec.deploy.approval_within
    )
    open_one = ledger.ask(asked, anew=bool(task.params.get("version")))
    if open_one.run_id != task.run_id:
        message = f"asked already, by run {open_one.run_id}; unanswered by {open_one.until:%Y-%m-%d %H:%M} UTC is a no"
        raise Skip(message)
    instead = f" instead of version {plan['previous']}" if plan["previous"] is not None else ""
    subject = f"May {spec.name} version {plan['version']} serve{instead}?"
    body = f"{plan['why']}\n\n[Dossier]({shown['url']}) `{shown['digest'][:12]}`. Unanswered by the deadline is a no."
    return {"subject": subject, "body": body, "dossier": shown["digest"]}


def approved(plan: Json, question: Json | None, answer: Json | None) -> Json:
    """Go on with what a person agreed to, and with nothing else.

    Raises:
        Skip: The answer is no, nobody answered in time, or a newer blessing has overtaken the question.
        DeployError: The dossier is not the one that was shown.
    """
    from include.ratchet.adapters import open_ledger

    spec, ledger = specs.model(plan["model"]), open_ledger()
    if spec.deploy.approval == "none" or plan["action"] == "rollback":
        return plan
    dossier = _shown(plan)["digest"]
    if question and answer:
        if question["dossier"] != dossier:
            message = f"{spec.name} version {plan['version']}: the dossier has changed since it was shown; start the deploy again"
            raise DeployError(message)
        _record(plan, dossier, answer)
    known = ledger.agreement(plan["evidence"], dossier)
    if known is None or not known.agreed:
        message = f"version {plan['version']} is not approved" + (f": {known.who} said no {known.why}".rstrip() if known else "")
        raise Skip(message)
    newer = [
        v.version
        for v in ledger.verdicts(spec.name)
        if v.outcome == "promote" and v.champion == plan["previous"] and v.version > plan["version"]
    ]
    if newer:
        message = f"version {plan['version']} is overtaken: version {max(newer)} is blessed too, and newer"
        raise Skip(message)
    return plan


def answer(model: str, version: int | None, agreed: bool, reason: str) -> Json:  # noqa: FBT001 - a task body's arguments are JSON
    """Answer at the command line, for the version asked for or the one that waits.

    Raises:
        Skip: No blessed version waits.
    """
    from include.ratchet.tasks.choose import planned

    plan = planned(model, "promote", version)
    _agree(plan, _shown(plan)["digest"], agreed=agreed, who=current().who, why=reason)
    return plan


def _shown(plan: Json) -> Json:
    """Return digest and place of the dossier that a plan is about.

    Raises:
        DeployError: It has none: nobody can agree to what nobody can read.
    """
    from include.ratchet.adapters import open_ledger

    found = open_ledger().dossier(plan["evidence"])
    if found is None:
        message = f"{plan['model']} version {plan['version']}: has no dossier to agree to; clear `dossier` in the training run"
        raise DeployError(message)
    return found


def _record(plan: Json, dossier: str, answer: Json) -> None:
    """Keep an answer; a deadline that passes says nothing where a person has answered at the command line."""
    from include.ratchet.adapters import open_ledger

    by = answer.get("responded_by_user")
    if by is None and open_ledger().agreement(plan["evidence"], dossier):
        return
    _agree(plan, dossier, agreed=YES in answer["chosen_options"], who=_who(answer), why=_why(answer))


def _agree(plan: Json, dossier: str, *, agreed: bool, who: str, why: str) -> None:
    from include.ratchet.adapters import open_ledger

    made = Agreement(plan["model"], int(plan["version"]), plan["evidence"], dossier, agreed, who, why, datetime.now(UTC))
    open_ledger().agree(made)


def _who(answer: Json) -> str:
    by = answer.get("responded_by_user") or {}
    return str(by.get("name") or by.get("id") or "the deadline")


def _why(answer: Json) -> str:
    return str((answer.get("params_input") or {}).get("reason") or "")
