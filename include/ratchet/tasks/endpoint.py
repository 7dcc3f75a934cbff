"""Bodies of `<model>_deploy` for a model whose target is SageMaker: the endpoint is changed first, the ledger last.

A change of an endpoint takes minutes: a body begins it, and says in the plan that it `waits`; the DAG waits deferred
(dagkit/endpoint.py), `./ratchet` in `settled`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, LedgerError, RatchetError, Skip, StoppedError
from include.ratchet.domain.records import Json, Trial

if TYPE_CHECKING:
    from include.ratchet.domain.modelspec import ModelSpec
    from include.ratchet.domain.target import Endpoint, Live

POLL_SECONDS = 15.0


def publish(plan: Json) -> Json:
    """Bring the version to SageMaker; and the champion that it is to replace, if the canary or a way back needs it there.

    A rollback does without: it must not depend on the artifact of the version that is left.
    """
    from include.ratchet.adapters import open_ledger, open_registry

    spec, target = opened(plan)
    previous, releases = plan["previous"], {}
    beside = plan["action"] == "promote" and previous is not None and (spec.deploy.canary or previous not in target.live().shares)
    for version in (plan["version"], *([previous] if beside else [])):
        verdict = open_ledger().blessing(spec.name, version)
        artifact = open_registry().artifact(spec.name, version, verdict.artifact if verdict else "")
        releases[str(version)] = target.publish(int(version), Path(artifact))
    return {**plan, "endpoint": target.name, "waits": False, "releases": releases}


def shift(plan: Json) -> Json:
    """Begin to give every request to the version; the alarms of the spec let SageMaker take a promotion back, not a rollback.

    Raises:
        Skip: Promotions were frozen meanwhile, or another change of champion came first.
    """
    from include.ratchet.tasks.endpoint_canary import require_due

    require_due(plan)
    _, target = opened(plan)
    target.serve(int(plan["version"]), guarded=plan["action"] != "rollback")
    return {**plan, "waits": True}


def settled(plan: Json) -> Json:
    """Wait here until the change has ended.

    Raises:
        DeployError: It has not in the time that the spec gives it.
    """
    spec, target = opened(plan)
    wanted = spec.deploy.sagemaker
    until = time.monotonic() + (wanted.within.total_seconds() if wanted else 0.0)
    while plan["waits"] and not (live := target.live()).settled:
        if time.monotonic() > until:
            raise DeployError(f"{target.name} is still {live.said}; see it in AWS's console, then start the deploy again")
        time.sleep(POLL_SECONDS)
    return plan


def follow(plan: Json, change: Callable[[Json], None]) -> None:
    """Let the ledger say what the endpoint shows; where it will not, the endpoint shows what the ledger says.

    Raises:
        LedgerError: Another promotion came first.
        Skip: Promotions were frozen meanwhile.
        StoppedError: SageMaker took the promotion back.
        DeployError: The endpoint did not become what was asked for.
    """
    from include.ratchet.adapters import open_ledger

    spec, target = opened(plan)
    live, version = target.live(), int(plan["version"])
    if plan["action"] == "promote" and live.settled and live.shares and version not in live.shares:
        said, now = _serves(spec, target, live), datetime.now(UTC)
        # The sweep would shift it again, every half an hour.
        open_ledger().tried(Trial(spec.name, version, "canary", plan["evidence"], passed=False, why=said, seconds=0.0, at=now))
        raise StoppedError(f"{spec.name} version {version}: {said}. See why in AWS's console, then deploy it by its number.")
    require_live(plan)
    try:
        change(plan)
    except (LedgerError, Skip):
        champion = open_ledger().champion(spec.name)
        if champion is not None:
            target.serve(champion, guarded=False)
        raise


def gave_back(plan: Json) -> str | None:
    """Give every request back to the previous champion, and wait; return what is wrong with the endpoint then.

    Raises:
        DeployError: The change has not ended in the time that the spec gives it.
    """
    _, target = opened(plan)
    target.serve(int(plan["previous"]), guarded=False)
    settled({**plan, "waits": True})
    live = target.live()
    return None if live.only(int(plan["previous"])) else f"{target.name} is {live.said} and serves {shares_of(live.shares)}"


def astray(model: str, champion: int) -> str | None:
    """Say how the endpoint differs from the ledger, when no change of it is under way; None where it does not.

    Where a person approves, several runs may be between the endpoint's change and the ledger's: nobody can tell.
    """
    from include.ratchet.adapters import open_endpoint

    spec = specs.model(model)
    if spec.deploy.sagemaker is None or spec.deploy.approval == "required":
        return None
    target = open_endpoint(spec)
    live = target.live()
    if not live.settled or not live.shares or live.only(champion):
        return None
    return f"{target.name} serves {shares_of(live.shares)}; the ledger's champion is version {champion}"


def require_live(plan: Json) -> None:
    """See that the endpoint became what was asked for, before the ledger says so.

    Raises:
        DeployError: It did not: the update failed, or something else is served.
    """
    spec, target = opened(plan)
    live = target.live()
    if not live.only(int(plan["version"])):
        said = _serves(spec, target, live)
        raise DeployError(f"{spec.name} version {plan['version']}: {said}. See why in AWS's console, then start the deploy again.")


def unserved(plan: Json) -> str | None:
    """Ask the endpoint for one prediction; return what is wrong with its answer."""
    from include.ratchet.tasks.score import example

    spec, target = opened(plan)
    try:
        require_live(plan)
        said = target.ask({"records": [example(spec.name)]})
    except RatchetError as error:
        return str(error)
    found = said.get("version")
    return None if found == plan["version"] else f"{target.name} answered with version {found}; expected {plan['version']}"


def tidy(plan: Json) -> Json:
    """Let SageMaker's registry show the champion, and delete what neither serves nor may come back: all but it and the one before."""
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.promotion import former

    spec, target = opened(plan)
    history = open_ledger().promotions(spec.name)
    target.approve(history[0].version)
    before = former(history)
    gone = target.remove({history[0].version, *([before] if before is not None else [])})
    return {**plan, "waits": False, "removed": gone}


def opened(plan: Json) -> tuple[ModelSpec, Endpoint]:
    """Return the plan's model and its endpoint."""
    from include.ratchet.adapters import open_endpoint

    spec = specs.model(plan["model"])
    return spec, open_endpoint(spec, releases=plan.get("releases"))


def _serves(spec: ModelSpec, target: Endpoint, live: Live) -> str:
    """Say what the endpoint became, and what may have taken an update back."""
    alarms = ", ".join(spec.deploy.sagemaker.alarms) if spec.deploy.sagemaker else ""
    watched = f"; its update is taken back when one of {alarms} rings" if alarms else ""
    return f"{target.name} is {live.said} and serves {shares_of(live.shares)}{watched}"


def shares_of(shares: dict[int, float]) -> str:
    """Say what answers."""
    return ", ".join(f"version {version} ({share:.0%})" for version, share in shares.items()) or "nothing"
