"""The rollback that cannot wait, `./ratchet rollback`: the ledger changes first, all else is set right afterwards."""

from __future__ import annotations

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.records import Json
from include.ratchet.tasks.choose import planned
from include.ratchet.tasks.deploy import change


def roll_back(model: str) -> Json:
    """Put a former champion back in the ledger; the service loads and rehearses it before it follows.

    Nothing heavy is loaded before that: MLflow alone would take longer than the service takes to follow.

    Raises:
        Skip: The version serves already.
        DeployError: There is no such former champion.
    """
    plan = planned(model, "rollback", current().params.get("version"))
    change(plan)
    return plan


def is_quick(model: str) -> bool:
    """Whether a service answers, which looks at the version before it follows; where none does, `preload` has to come first."""
    import httpx

    from include.ratchet.domain.config import load_config

    if specs.model(model).deploy.target != "local":
        return False
    try:
        return httpx.get(f"{load_config().serving.url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
