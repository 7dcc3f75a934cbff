"""Body of `canary` in `<model>_deploy`: show a challenger real requests before anybody depends on it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import Skip, StoppedError
from include.ratchet.domain.promotion import passed
from include.ratchet.domain.records import Json, Route, Trial

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

_log = logging.getLogger(__name__)


def canary(plan: Json) -> Json | None:
    """Look once: open the shadow, then the canary, and judge what the challenger answered; None while it is to go on.

    The ledger's routes say how far it is, so that any look may be killed. First the challenger is the shadow of every
    request for at most half of the time, compared and not returned; then it answers for a fraction of the entities.
    Where too few requests come in time, what came must show no fault, and the plan says how few there were.

    Raises:
        StoppedError: A fault is shown; the routes are closed, and the champion stays.
        Skip: Promotions were frozen meanwhile, or another change of champion came first; the routes are closed.
    """
    from include.ratchet.adapters import open_ledger

    spec = specs.model(plan["model"])
    wanted, version, now = spec.deploy.canary, int(plan["version"]), datetime.now(UTC)
    if wanted is None or plan["previous"] is None or plan["action"] == "rollback" or spec.deploy.target == "batch":
        return plan
    ledger = open_ledger()
    if ended := _ended(ledger, plan):
        ledger.end_routes(spec.name, now, version)  # an earlier try was killed when it had just ended
        if ended.passed:
            return plan
        raise _stopped(plan, ended.why)
    _require_due(ledger, plan, now)
    shadow, small = _open(ledger, spec.name, version)
    if shadow is None and small is None:
        ledger.route(Route(spec.name, version, "shadow", 1.0, now))
        return None
    began = max(each.since for each in ledger.routes(spec.name) if each.version == version and each.mode == "shadow")
    found = _judged(plan, began)
    _log.info(
        "%s version %s: %s requests as shadow, %s of %s as canary", spec.name, version, found["shadow"], found["canary"], wanted.requests
    )
    if found["faults"]:
        said = "; ".join(found["faults"])
        _end(ledger, Trial(spec.name, version, "canary", plan["evidence"], False, said, (now - began).total_seconds(), now))  # noqa: FBT003
        raise _stopped(plan, said)
    if small is None:
        if found["shadow"] >= wanted.requests or now >= began + wanted.within / 2:
            ledger.route(Route(spec.name, version, "canary", wanted.fraction, now))
            ledger.end_routes(spec.name, now, version, "shadow")
        return None
    if found["canary"] < wanted.requests and now < small.since + wanted.within / 2:
        return None
    said = f"{found['requests']} requests, no fault shown"
    if found["canary"] < wanted.requests:
        said = f"only {found['canary']} of {wanted.requests} requests came in time; none shows a fault"
        _log.warning("%s version %s: %s", spec.name, version, said)
    _end(ledger, Trial(spec.name, version, "canary", plan["evidence"], True, said, (now - began).total_seconds(), now))  # noqa: FBT003
    return {**plan, "canary": found}


def _ended(ledger: Ledger, plan: Json) -> Trial | None:
    """Return the trial that ended this canary.

    What failed is not chosen again but by its number, so that without one the failure is this run's own; with one it is
    this run's own if it is newer than the routes.
    """
    tried = next(iter(ledger.trials(plan["model"], "canary", plan["evidence"])), None)
    if tried is not None and tried.passed:
        return tried if passed([tried], ledger.promotions(plan["model"])) else None
    if tried is None or not current().params.get("version"):
        return tried
    opened = [each for each in _open(ledger, plan["model"], int(plan["version"])) if each]
    return tried if any(each.since <= tried.at for each in opened) else None


def _stopped(plan: Json, said: str) -> StoppedError:
    model = plan["model"]
    return StoppedError(
        f"{model} version {plan['version']}: {said}; version {plan['previous']} stays. The answers are in the lake's requests/{model}."
    )


def _require_due(ledger: Ledger, plan: Json, now: datetime) -> None:
    """See that the version could still be promoted; if not, nobody is to be answered by it."""
    frozen, champion = ledger.frozen(plan["model"]), ledger.champion(plan["model"])
    if frozen or champion != plan["previous"]:
        ledger.end_routes(plan["model"], now, int(plan["version"]))
        message = frozen.sentence if frozen else f"the champion is version {champion} now"
        message = f"version {plan['version']} is not tried any further: {message}"
        raise Skip(message)


def _end(ledger: Ledger, trial: Trial) -> None:
    """Record the outcome, then close the routes: a look that is killed between the two finds its outcome, and closes them."""
    ledger.tried(trial)
    ledger.end_routes(trial.model, trial.at, trial.version)


def _open(ledger: Ledger, model: str, version: int) -> tuple[Route | None, Route | None]:
    """Return the open shadow and the open canary of a version."""
    routes = [each for each in ledger.routes(model) if each.version == version and each.until is None]
    return (
        next((each for each in routes if each.mode == "shadow"), None),
        next((each for each in routes if each.mode == "canary"), None),
    )


def _judged(plan: Json, began: datetime) -> Json:
    """Bring in what the service logged, and judge what came since the first route was opened."""
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.canary import judge
    from include.ratchet.tasks import requests

    spec, lake = specs.model(plan["model"]), open_lake()
    requests.ship(spec.name)
    table = requests.table(spec.name)
    if spec.deploy.canary is None or lake.version(table) is None:
        return {"requests": 0, "shadow": 0, "canary": 0, "faults": []}
    rows = lake.dataset(table).to_table(filter=pc.field("asked_at") >= began, use_threads=False)
    return judge(rows, spec, spec.deploy.canary, int(plan["version"]), int(plan["previous"]))
