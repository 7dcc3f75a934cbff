"""Body of `smoke` in `<model>_deploy`: see the new champion serve; what does not is taken back."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.records import Json, Promotion
from include.ratchet.tasks.deploy import blessing, reconcile

if TYPE_CHECKING:
    import httpx

    from include.ratchet.adapters.ledger import Ledger

SERVED_WITHIN_SECONDS = 20.0
HEARD_WITHIN = timedelta(seconds=10)
"""A worker of the service says every two seconds that it lives."""
_NOTHING = "nothing"
_log = logging.getLogger(__name__)


def smoke(plan: Json) -> Json:
    """See the new champion serve; if it does not, put the previous one back and fail.

    Where nothing listens there is nothing to see: scoring in batch goes on without a service, so that is no
    failure, and the returned plan and a warning say that nobody saw the version serve. A service that the ledger heard of
    when the version was promoted, and that has not taken its leave, must answer: it may have died of the version.

    Raises:
        DeployError: The service does not answer with the new version.
    """
    from include.ratchet.adapters import open_ledger, open_target
    from include.ratchet.domain.config import load_config
    from include.ratchet.tasks.endpoint import gave_back, unserved

    spec = specs.model(plan["model"])
    if spec.deploy.target == "batch":
        return plan
    ledger, previous = open_ledger(), plan["previous"]
    url = f"{load_config().serving.url}/v1/models/{spec.name}"
    try:
        reason = unserved(plan) if spec.deploy.sagemaker else _not_served(url, plan["version"], lived=_lived(spec.name, ledger))
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
            evidence = blessing(spec.name, previous, ledger).digest
            ledger.promote(
                Promotion(
                    spec.name, previous, plan["version"], "rollback", "ratchet", f"smoke test failed: {reason}", evidence, datetime.now(UTC)
                )
            )
        reconcile(spec.name)
        wrong = None
        if spec.deploy.sagemaker:
            wrong = gave_back(plan)
        else:
            open_target(spec).serve(previous, guarded=False)
        back = f"version {previous} serves again" if wrong is None else f"version {previous} is champion again, but {wrong}"
    message = f"{spec.name} version {plan['version']}: {reason}; {back}. See the service's log, then start the deploy again."
    raise DeployError(message)


def _lived(model: str, ledger: Ledger) -> bool:
    """Return whether a worker of the service lived when the newest promotion was recorded, or since."""
    return bool(ledger.workers(model, ledger.promotions(model)[0].at - HEARD_WITHIN))


def _not_served(url: str, version: int, *, lived: bool) -> str | None:
    """Wait until the service shows the version; return why not.

    Args:
        url: Of the model.
        version: What it is to show.
        lived: Whether there was a service, so that one must answer.

    Raises:
        ConnectionRefusedError: Nothing listens there, and nothing did before.
    """
    import httpx

    deadline, seen = time.monotonic() + SERVED_WITHIN_SECONDS, _NOTHING
    while time.monotonic() < deadline:
        try:
            said = httpx.get(url, timeout=5, trust_env=False)  # a proxy of the machine would answer in its place
        except httpx.HTTPError as error:
            refused = isinstance(error, httpx.ConnectError)
            if refused and seen == _NOTHING and not lived:  # what was there before may have died of the new version
                raise ConnectionRefusedError(url) from error
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
