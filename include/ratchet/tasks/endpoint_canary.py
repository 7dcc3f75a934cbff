"""The canary of a model whose target is SageMaker: two variants share the requests, CloudWatch says how they do."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain.errors import Skip, StoppedError
from include.ratchet.domain.promotion import passed
from include.ratchet.domain.records import Json, Route, Trial
from include.ratchet.tasks.endpoint import opened, shares_of

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.modelspec import ModelSpec
    from include.ratchet.domain.target import Endpoint, Live

_log = logging.getLogger(__name__)


def split(plan: Json) -> Json:
    """Begin to show the challenger its part of the requests, where the spec has a canary and there is a champion.

    Raises:
        Skip: Promotions were frozen meanwhile, or another change of champion came first.
    """
    from include.ratchet.adapters import open_ledger

    spec, target = opened(plan)
    wanted, version, now = spec.deploy.canary, int(plan["version"]), datetime.now(UTC)
    ledger = open_ledger()
    done = passed(ledger.trials(spec.name, "canary", plan["evidence"]), ledger.promotions(spec.name))
    if wanted is None or plan["previous"] is None or plan["action"] == "rollback" or done:
        return {**plan, "waits": False}
    require_due(plan)
    ledger.end_routes(spec.name, now, version)  # of a run that was ended: the clock starts anew
    target.split(int(plan["previous"]), version, wanted.fraction)
    return {**plan, "waits": True, "split_at": now.isoformat()}


def canary(plan: Json) -> Json | None:
    """Look once at what CloudWatch measured of the challenger; None while it is to go on. Its end gives the champion all requests.

    The first look at the split endpoint opens the route, and starts the clock.

    Raises:
        StoppedError: It fails or is slow more often than is allowed, and than the champion; or the endpoint is not split, and
            nothing was seen of it. The champion stays.
        Skip: Promotions were frozen meanwhile, or another change of champion came first; the champion has all requests.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.steps.canary import compare

    spec, target = opened(plan)
    wanted, version, now = spec.deploy.canary, int(plan["version"]), datetime.now(UTC)
    ledger = open_ledger()
    if wanted is None or not plan["waits"]:
        return plan
    previous = int(plan["previous"])
    if passed(ledger.trials(spec.name, "canary", plan["evidence"]), ledger.promotions(spec.name)):
        target.serve(previous)  # an earlier try was killed when it had just ended
        ledger.end_routes(spec.name, now, version)
        return {**plan, "waits": True}
    require_due(plan)
    route = next((each for each in ledger.routes(spec.name) if each.version == version and each.until is None), None)
    live = target.live()
    if live.shares.keys() != {previous, version} or (route is None and not live.settled):
        if not live.settled:
            return None
        raise _not_split(plan, ledger, target, live)
    if route is None:
        ledger.route(Route(spec.name, version, "canary", wanted.fraction, now))
        return None
    mine, theirs = (target.figures(who, route.since, now, spec.gate.readiness.p99_ms) for who in ("challenger", "champion"))
    faults = compare(mine, theirs, spec, wanted)
    if not faults and mine.requests < wanted.requests and now < route.since + wanted.within:
        return None
    said = "; ".join(faults) or f"{mine.requests} requests, no fault shown"
    if not faults and mine.requests < wanted.requests:
        said = f"only {mine.requests} of {wanted.requests} requests came in time; none shows a fault"
        _log.warning("%s version %s: %s", spec.name, version, said)
    lasted = (now - route.since).total_seconds()
    ledger.tried(Trial(spec.name, version, "canary", plan["evidence"], not faults, said, lasted, now))
    # Back before the shift: SageMaker heeds the alarms of an update only where the variants are named as before.
    target.serve(previous)
    ledger.end_routes(spec.name, now, version)
    if faults:
        raise StoppedError(f"{spec.name} version {version}: {said}; version {plan['previous']} stays")
    return {**plan, "waits": True, "canary": {"requests": mine.requests, "failed": mine.failed, "slow": mine.slow}}


def require_due(plan: Json) -> None:
    """See that the version of a plan may still be promoted; if not, the champion of now gets every request.

    A freeze that has ended since the split counts too: it took the challenger off the endpoint, which is no fault of its.

    Raises:
        Skip: Promotions are or were frozen, or the champion is another one.
    """
    from include.ratchet.adapters import open_ledger

    if plan["action"] == "rollback":
        return
    spec, target = opened(plan)
    ledger, since = open_ledger(), plan.get("split_at")
    frozen, champion = ledger.frozen(spec.name), ledger.champion(spec.name)
    if frozen is None and since is not None:
        frozen = ledger.froze(spec.name, datetime.fromisoformat(since))
    if champion == plan["version"] or (frozen is None and champion == plan["previous"]):
        return
    if champion is not None:
        target.serve(champion, guarded=False)
    ledger.end_routes(spec.name, datetime.now(UTC), int(plan["version"]))
    why = frozen.sentence if frozen else f"the champion is version {champion} now"
    message = f"version {plan['version']} is not tried any further: {why}"
    raise Skip(message)


def stand_down(spec: ModelSpec) -> None:
    """Give the champion every request of an endpoint that it shares, and end the routes: promotions are frozen.

    While another change of the endpoint is under way nothing is done: the canary's next look, or the sweep, finds it.
    """
    from include.ratchet.adapters import open_endpoint, open_ledger

    ledger, target = open_ledger(), open_endpoint(spec)
    champion = ledger.champion(spec.name)
    live = target.live()
    if champion is None or champion not in live.shares:
        return
    if not live.settled:
        _log.warning("%s is %s; it is given to version %s alone once that has ended", target.name, live.said, champion)
        return
    if not live.only(champion):
        target.serve(champion, guarded=False)
    # Also where it has every request already: an earlier try may have been killed right after `serve`.
    for each in ledger.routes(spec.name):
        if each.until is None:
            ledger.end_routes(spec.name, datetime.now(UTC), each.version)


def _not_split(plan: Json, ledger: Ledger, target: Endpoint, live: Live) -> StoppedError:
    """Record that a canary was not out, and close it."""
    model, version, now = plan["model"], int(plan["version"]), datetime.now(UTC)
    needs = f"a canary needs versions {plan['previous']} and {version}"
    said = f"{target.name} is {live.said} and serves {shares_of(live.shares)}; {needs}"
    ledger.tried(Trial(model, version, "canary", plan["evidence"], passed=False, why=said, seconds=0.0, at=now))
    ledger.end_routes(model, now, version)
    return StoppedError(f"{model} version {version}: {said}. See why in AWS's console, then deploy it by its number.")
