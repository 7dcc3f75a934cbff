"""Bodies of `<model>_deploy` that change the champion: preload, promote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError, FrozenError, Skip
from include.ratchet.domain.promotion import former
from include.ratchet.domain.records import Json, Promotion, Verdict

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger


def preload(plan: Json) -> Json:
    """Load the artifact here and answer one row: what is not the file that was judged, or does not load, goes no further."""
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.tasks.score import example_frame

    spec = specs.model(plan["model"])
    verdict = blessing(spec.name, plan["version"], open_ledger())
    pipeline = open_registry().load(spec.name, plan["version"], verdict.artifact)
    pipeline.predict(example_frame(spec, pipeline))
    return plan


def promote(plan: Json) -> Json:
    """Change the champion in the ledger, if it still is the one this plan replaces; then the registry's aliases.

    Raises:
        Skip: Promotions were frozen since the plan was made.
    """
    if specs.model(plan["model"]).deploy.sagemaker:
        from include.ratchet.tasks.endpoint import follow

        follow(plan, change)
    else:
        change(plan)
    reconcile(plan["model"])
    return plan


def change(plan: Json) -> None:
    """Change the champion in the ledger alone: from here on the service follows.

    Raises:
        Skip: Promotions were frozen since the plan was made.
    """
    from include.ratchet.adapters import open_ledger

    ledger, task = open_ledger(), current()
    model, version = plan["model"], plan["version"]
    history = ledger.promotions(model)
    since = history[: len(history) - plan["promotions"]]
    # An earlier try may have promoted it, and a person have gone back since: that is the newer word.
    if any(each.version == version for each in (*history[:1], *since)):
        return
    why = task.params.get("reason") or plan["why"]
    made = Promotion(model, version, plan["previous"], plan["action"], task.who, why, plan["evidence"], datetime.now(UTC))
    try:
        ledger.promote(made)
    except FrozenError as error:
        raise Skip(str(error)) from None


def reconcile(model: str) -> None:
    """Make the registry's aliases say what the ledger says."""
    from include.ratchet.adapters import open_ledger, open_registry

    history = open_ledger().promotions(model)
    open_registry().point(model, {"champion": history[0].version, "previous": former(history)})


def blessing(model: str, version: int, ledger: Ledger) -> Verdict:
    """Return the promote verdict of a version.

    Raises:
        DeployError: It has none.
    """
    found = ledger.blessing(model, version)
    if found is None:
        message = f"{model} version {version}: no promote verdict in the ledger"
        raise DeployError(message)
    return found
