"""Bodies of `<model>_deploy`: choose, preload, promote, smoke test; a failed smoke test rolls back."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.promotion import former
from include.ratchet.domain.records import Freeze, Json, Promotion, Verdict

if TYPE_CHECKING:
    import httpx

    from include.ratchet.adapters.ledger import Ledger

CANARY = "canary"
"""In place of a dossier's digest: the answer that real requests gave about a version."""
SERVED_WITHIN_SECONDS = 20.0
_log = logging.getLogger(__name__)


def choose(model: str) -> Json:
    """Find what to deploy: the newest version blessed against the champion of now that never served, or what the form asks for.

    Raises:
        Skip: No blessing waits, or the one that does was given against another champion; promotions are frozen, or were
            just frozen or freed by the form.
        DeployError: The form asks for a version that may not serve.
    """
    params = current().params
    action = params.get("action") or "promote"
    if action in {"freeze", "thaw"}:
        hold(model, on=action == "freeze", why=params.get("reason") or "")
        message = f"promotions of {model} are {'frozen' if action == 'freeze' else 'free again'}"
        raise Skip(message)
    return planned(model, action, params.get("version"))


def hold(model: str, *, on: bool, why: str) -> None:
    """Freeze promotions, or free them; rollbacks are always possible."""
    from include.ratchet.adapters import open_ledger

    open_ledger().freeze(Freeze(specs.model(model).name, on, current().who, why, _now()))


def planned(model: str, action: str, asked: int | None) -> Json:
    """Return the change of champion that is due, or raise as `choose` does."""
    from include.ratchet.adapters import open_ledger

    specs.model(model)
    ledger = open_ledger()
    served = [each.version for each in ledger.promotions(model)]
    champion = served[0] if served else None
    if champion is not None:
        _project(model, ledger)  # a killed promotion may have left the aliases behind the ledger
    if action == "rollback":
        version = int(asked) if asked else _before(model, ledger)
        if version not in served:
            message = f"{model} version {version}: was never champion; a rollback goes to one of {_listed(served)}"
            raise DeployError(message)
    else:
        version = int(asked) if asked else _waiting(model, ledger, served)
    if version == champion:
        message = f"version {version} serves already"
        raise Skip(message)
    if action == "promote" and (frozen := ledger.frozen(model)):
        message = (
            f"version {version} waits: promotions are frozen since {frozen.at:%Y-%m-%d %H:%M} UTC by {frozen.who} {frozen.why}".rstrip()
        )
        raise Skip(message)
    if asked and action == "promote":
        _require_blessing(model, version, ledger, champion)
    verdict = _blessing(model, version, ledger)
    return {
        "model": model,
        "version": version,
        "previous": champion,
        "action": action,
        "evidence": verdict.digest,
        "why": verdict.sentence,
        "promotions": len(served),
    }


def preload(plan: Json) -> Json:
    """Load the artifact here and answer one row: what is not the file that was judged, or does not load, goes no further."""
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.tasks.score import example_frame

    spec = specs.model(plan["model"])
    verdict = _blessing(spec.name, plan["version"], open_ledger())
    pipeline = open_registry().load(spec.name, plan["version"], verdict.artifact)
    pipeline.predict(example_frame(spec, pipeline))
    return plan


def promote(plan: Json) -> Json:
    """Change the champion in the ledger, if it still is the one this plan replaces; then the registry's aliases."""
    from include.ratchet.adapters import open_ledger

    ledger, task = open_ledger(), current()
    model, version = plan["model"], plan["version"]
    since = ledger.promotions(model)[: len(ledger.promotions(model)) - plan["promotions"]]
    # An earlier try may have promoted it, and a person have gone back since: that is the newer word.
    if ledger.champion(model) != version and not any(each.version == version for each in since):
        ledger.promote(
            Promotion(
                model,
                version,
                plan["previous"],
                plan["action"],
                task.who,
                task.params.get("reason") or plan["why"],
                plan["evidence"],
                _now(),
            )
        )
    _project(model, ledger)
    return plan


def smoke(plan: Json) -> Json:
    """See the new champion serve; if it does not, put the previous one back and fail.

    Where nothing listens there is nothing to see: scoring in batch goes on without a service, so that is no
    failure, and the returned plan and a warning say that nobody saw the version serve.

    Raises:
        DeployError: The service does not answer with the new version.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.config import load_config

    spec = specs.model(plan["model"])
    if spec.deploy.target == "batch":
        return plan
    ledger, previous = open_ledger(), plan["previous"]
    url = f"{load_config().serving.url}/v1/models/{spec.name}"
    try:
        reason = _not_served(url, plan["version"])
    except ConnectionRefusedError:
        reason = f"no service answers at {url}"
        if previous is None or ledger.champion(spec.name) != previous:  # else an earlier try has rolled back
            _log.warning("%s version %s: %s; nobody saw it serve", spec.name, plan["version"], reason)
            return {**plan, "smoke": reason}
    if reason is None:
        return plan
    back = "there is no earlier champion to go back to"
    if previous is not None:
        if ledger.champion(spec.name) != previous:  # else this task was ended after it had rolled back
            evidence = _blessing(spec.name, previous, ledger).digest
            ledger.promote(
                Promotion(spec.name, previous, plan["version"], "rollback", "ratchet", f"smoke test failed: {reason}", evidence, _now())
            )
        _project(spec.name, ledger)
        back = f"version {previous} serves again"
    message = f"{spec.name} version {plan['version']}: {reason}; {back}. See the service's log, then start the deploy again."
    raise DeployError(message)


def _not_served(url: str, version: int) -> str | None:
    """Wait until the service shows the version; return why not.

    Raises:
        ConnectionRefusedError: Nothing listens there.
    """
    import httpx

    deadline, seen = time.monotonic() + SERVED_WITHIN_SECONDS, "nothing"
    while time.monotonic() < deadline:
        try:
            said = httpx.get(url, timeout=5, trust_env=False)  # a proxy of the machine would answer in its place
        except httpx.ConnectError as error:
            raise ConnectionRefusedError(url) from error
        except httpx.HTTPError as error:
            seen = type(error).__name__
        else:
            seen = _shown(said)
            if seen == str(version):
                return None
        time.sleep(0.2)
    return f"the service at {url} showed {seen} for {SERVED_WITHIN_SECONDS:g} s; expected version {version}"


def _shown(said: httpx.Response) -> str:
    """Return the version that the service shows, or what it shows instead."""
    if not said.is_success:
        return f"status {said.status_code}"
    try:
        return str(said.json()["version"])
    except (ValueError, KeyError, TypeError):
        return "an answer without a version"  # a proxy's or another program's page


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
    stopped = ledger.agreement(blessed[max(compared)].digest, CANARY)
    if stopped and not stopped.agreed:
        message = f"version {max(compared)} was stopped as a canary: {stopped.why}; a person may deploy it by its number"
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
    found = former(ledger.promotions(model))
    if found is None:
        message = f"{model}: there is no earlier champion to roll back to"
        raise DeployError(message)
    return found


def _project(model: str, ledger: Ledger) -> None:
    """Make the registry's aliases say what the ledger says."""
    from include.ratchet.adapters import open_registry

    history = ledger.promotions(model)
    open_registry().point(model, {"champion": history[0].version, "previous": former(history)})


def _blessing(model: str, version: int, ledger: Ledger) -> Verdict:
    found = ledger.blessing(model, version)
    if found is None:
        message = f"{model} version {version}: no promote verdict in the ledger"
        raise DeployError(message)
    return found


def _listed(versions: list[int]) -> str:
    return ", ".join(map(str, sorted(set(versions)))) or "none"


def _now() -> datetime:
    return datetime.now(UTC)
