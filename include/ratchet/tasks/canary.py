"""Body of `canary` in `<model>_deploy`: show a challenger real requests before anybody depends on it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.records import Json, Route
from include.ratchet.tasks.agree import record
from include.ratchet.tasks.deploy import CANARY

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

_log = logging.getLogger(__name__)


def canary(plan: Json) -> Json | None:
    """Look once: open the shadow, then the canary, and judge what the challenger answered; None while it is to go on.

    The ledger's routes say how far it is, so that any look may be killed. First the challenger is the shadow of every
    request for at most half of the time, compared and not returned; then it answers for a fraction of the entities.
    Where too few requests come in time, what came must show no fault, and the plan says how few there were.

    Raises:
        DeployError: A fault is shown; the routes are closed, and the champion stays.
    """
    from include.ratchet.adapters import open_ledger

    spec = specs.model(plan["model"])
    wanted, version, now = spec.deploy.canary, int(plan["version"]), datetime.now(UTC)
    if wanted is None or plan["previous"] is None or plan["action"] == "rollback" or spec.deploy.target == "batch":
        return plan
    ledger = open_ledger()
    shadow, small = _open(ledger, spec.name, version)
    if shadow is None and small is None:
        ledger.route(Route(spec.name, version, "shadow", 1.0, now))
        return None
    began = max(each.since for each in ledger.routes(spec.name) if each.version == version and each.mode == "shadow")
    found = _judged(plan, began)
    if found["faults"]:
        ledger.end_routes(spec.name, now, version)
        record(plan, CANARY, agreed=False, who="canary", why="; ".join(found["faults"]))
        message = (
            f"{spec.name} version {version}: {'; '.join(found['faults'])}; version {plan['previous']} stays. "
            f"The answers are in the lake's requests/{spec.name}."
        )
        raise DeployError(message)
    if small is None:
        if found["shadow"] >= wanted.requests or now >= began + wanted.within / 2:
            ledger.route(Route(spec.name, version, "canary", wanted.fraction, now))
            ledger.end_routes(spec.name, now, version, "shadow")
        return None
    if found["canary"] < wanted.requests and now < small.since + wanted.within / 2:
        return None
    ledger.end_routes(spec.name, now, version)
    if found["canary"] < wanted.requests:
        _log.warning(
            "%s version %s: only %s of %s requests came in time; none shows a fault", spec.name, version, found["canary"], wanted.requests
        )
    return {**plan, "canary": found}


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
