"""Bodies of the approval in `<model>_deploy`: ask a person, and hold the answer against what was shown."""

from __future__ import annotations

from datetime import UTC, datetime

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Agreement, Json

YES, NO = "Approve", "Reject"


def ask(plan: Json) -> Json:
    """Put the question: which version, instead of which, and the dossier that it is about.

    Raises:
        Skip: Nothing is to be asked: the model needs no approval, this is a rollback, or the answer is on record.
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
        record(plan, dossier, agreed=YES in answer["chosen_options"], who=_who(answer), why=_why(answer))
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


def record(plan: Json, dossier: str, *, agreed: bool, who: str, why: str) -> None:
    """Write an answer into the ledger."""
    from include.ratchet.adapters import open_ledger

    made = Agreement(plan["model"], int(plan["version"]), plan["evidence"], dossier, agreed, who, why, datetime.now(UTC))
    open_ledger().agree(made)


def answer(model: str, version: int | None, agreed: bool, reason: str) -> Json:  # noqa: FBT001 - a task body's arguments are JSON
    """Answer at the command line, for the version asked for or the one that waits.

    Raises:
        Skip: No blessed version waits.
    """
    from include.ratchet.tasks.choose import planned

    plan = planned(model, "promote", version)
    record(plan, _shown(plan)["digest"], agreed=agreed, who=current().who, why=reason)
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


def _who(answer: Json) -> str:
    by = answer.get("responded_by_user") or {}
    return str(by.get("name") or by.get("id") or "the deadline")


def _why(answer: Json) -> str:
    return str((answer.get("params_input") or {}).get("reason") or "")
