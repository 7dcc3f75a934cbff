"""Body of `choose` in `<model>_deploy`: which change of champion is due, and whether it is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.promotion import former
from include.ratchet.domain.records import Json, Verdict
from include.ratchet.domain.target import AwayError
from include.ratchet.tasks.deploy import blessing, reconcile
from include.ratchet.tasks.freeze import close, hold, unasked_by

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger


def choose(model: str) -> Json:
    """Find what to deploy: the newest version blessed against the champion of now that never served, or what the form asks for.

    Raises:
        Skip: No blessing waits, or the one that does was given against another champion; promotions are frozen, or were
            just frozen or freed by the form.
        DeployError: The form asks for a version that may not serve; or AWS refuses the connection, which would not pass by itself.
    """
    from include.ratchet.adapters import open_ledger

    params = current().params
    action = params.get("action") or "promote"
    if action in {"freeze", "thaw"}:
        raise Skip(hold(model, action, params.get("reason") or ""))
    ledger = open_ledger()
    if ledger.champion(model) is not None:
        reconcile(model)  # a killed promotion may have left the aliases behind the ledger
    unasked = close(model, ledger)
    try:
        return planned(model, action, params.get("version"))
    except Skip as nothing:
        if unasked:
            message = f"{nothing}; {unasked}"
            raise Skip(message) from None
        if action == "promote" and not params.get("version") and (given := _given_back(model, nothing)):
            return given
        raise


def planned(model: str, action: str, asked: int | None) -> Json:
    """Return the change of champion that is due, or raise as `choose` does."""
    from include.ratchet.adapters import open_ledger

    specs.model(model)
    ledger = open_ledger()
    served = [each.version for each in ledger.promotions(model)]
    champion = served[0] if served else None
    if action == "rollback":
        version = int(asked) if asked is not None else _before(model, ledger)
        if version not in served:
            message = f"{model} version {version}: was never champion; a rollback goes to one of {_listed(served)}"
            raise DeployError(message)
    else:
        version = int(asked) if asked is not None else _waiting(model, ledger, served)
    if version == champion:
        message = f"version {version} serves already"
        raise Skip(message)
    if asked is not None and action == "promote":
        _require_blessing(model, version, ledger, champion)
    if action == "promote" and (frozen := ledger.frozen(model)):
        message = f"version {version} waits: {frozen.sentence}"
        raise Skip(message)
    verdict = blessing(model, version, ledger)
    return {
        "model": model,
        "version": version,
        "previous": champion,
        "action": action,
        "evidence": verdict.digest,
        "why": verdict.sentence,
        "promotions": len(served),
    }


def _given_back(model: str, nothing: Skip) -> Json | None:
    """Plan the champion of now once more, where nothing else waits and its endpoint serves something else.

    Raises:
        Skip: AWS does not answer: `nothing` is to be done, which the next sweep says again, or mends.
        DeployError: AWS refuses the connection.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.tasks.endpoint import astray

    ledger = open_ledger()
    champion = ledger.champion(model)
    try:
        why = astray(model, champion) if champion is not None else None
    except AwayError as error:
        message = f"{nothing}; {unasked_by(error)}"
        raise Skip(message) from None
    if champion is None or why is None:
        return None
    evidence, count = blessing(model, champion, ledger).digest, len(ledger.promotions(model))
    plan = {"model": model, "version": champion, "previous": champion, "action": "rollback"}
    return {**plan, "evidence": evidence, "why": why, "promotions": count}


def _waiting(model: str, ledger: Ledger, served: list[int]) -> int:
    """Return the newest version that was blessed against the champion of now and never served."""
    champion = served[0] if served else None
    blessed = {each.version: each for each in reversed(ledger.verdicts(model)) if each.outcome == "promote"}
    waiting = [version for version in blessed if version not in served and version > max(served, default=0)]
    if not waiting:
        message = "no blessed version waits"
        raise Skip(message)
    compared = [version for version in waiting if blessed[version].champion == champion]
    if not compared:
        message = _stale(blessed[max(waiting)], champion)
        raise Skip(message)
    tried = ledger.trials(model, "canary", blessed[max(compared)].digest)[:1]
    if tried and not tried[0].passed:
        message = f"version {max(compared)} was stopped as a canary: {tried[0].why}; a person may deploy it by its number"
        raise Skip(message)
    return max(compared)


def _require_blessing(model: str, version: int, ledger: Ledger, champion: int | None) -> None:
    """Refuse a version that is not blessed, or that was blessed against another champion than the one of now."""
    verdict = ledger.blessing(model, version)
    if verdict is None:
        blessed = [each.version for each in ledger.verdicts(model) if each.outcome == "promote"]
        message = f"{model} version {version}: not blessed; only a version with a promote verdict can serve. Blessed are {_listed(blessed)}"
        raise DeployError(message)
    if verdict.champion != champion:
        message = f"{model}: {_stale(verdict, champion)}; a version that served before comes back with the action rollback"
        raise DeployError(message)


def _stale(verdict: Verdict, champion: int | None) -> str:
    then = f"champion {verdict.champion}" if verdict.champion is not None else "no champion"
    return (
        f"version {verdict.version} was judged against {then}; the champion is {champion} now; "
        "the next training run judges a challenger against it"
    )


def _before(model: str, ledger: Ledger) -> int:
    """Return the champion that a rollback goes to when the form names none."""
    history = ledger.promotions(model)
    found = former(history)
    if found is None:
        left = {each.version for each in history} - {each.version for each in history[:1]}
        named = f" that nobody rolled back from; name one of {_listed([*left])} by its number to go there all the same" if left else ""
        message = f"{model}: there is no earlier champion to roll back to{named}"
        raise DeployError(message)
    return found


def _listed(versions: list[int]) -> str:
    return ", ".join(map(str, sorted(set(versions)))) or "none"
