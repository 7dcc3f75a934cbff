"""Freeze promotions of a model, or free them; and end what answers beside its champion while they are frozen."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.records import Freeze
from include.ratchet.domain.target import AwayError

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.modelspec import ModelSpec

_log = logging.getLogger(__name__)


def hold(model: str, action: str, why: str) -> str:
    """Freeze promotions, or free them; rollbacks are always possible. A freeze ends what answers beside the champion.

    Args:
        model: Whose.
        action: `freeze` or `thaw`.
        why: A reason; an earlier freeze that stands keeps its own.

    Returns:
        What holds now, and why an endpoint outside could not be asked, where it could not.
    """
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    held = ledger.frozen(model)
    if (held is not None) == (action == "freeze"):  # an earlier try may have been killed once it was written
        _log.info("%s: %s", model, held.sentence if held else "promotions were not frozen")
    else:
        ledger.freeze(Freeze(specs.model(model).name, action == "freeze", current().who, why, datetime.now(UTC)))
        held = ledger.frozen(model)
    unasked = close(model, ledger)
    return f"{model}: {held.sentence if held else 'promotions are free'}{unasked and f'; {unasked}'}"


def close(model: str, ledger: Ledger) -> str:
    """End the routes that a freeze or its own trial has stopped: whoever opened them may be dead.

    Those of an endpoint outside say what it does: they end when it is asked to give the champion all requests. Returns why it
    could not be asked to; empty where it was, or need not be.
    """
    spec, frozen = specs.model(model), ledger.frozen(model)
    if spec.deploy.sagemaker:
        return _stood_down(spec) if frozen else ""
    trials, now = ledger.trials(model, "canary"), datetime.now(UTC)
    for each in ledger.routes(model):
        if each.until is None and (frozen or any(it.version == each.version and it.at >= each.since for it in trials)):
            ledger.end_routes(model, now, each.version)
    return ""


def _stood_down(spec: ModelSpec) -> str:
    """Let the endpoint give the champion all requests. A freeze holds without it: nothing of AWS's may make its task fail."""
    from include.ratchet.tasks.endpoint_canary import stand_down

    try:
        stand_down(spec)
    except (AwayError, DeployError) as error:
        said = unasked_by(error)
        _log.warning("%s is frozen; %s", spec.name, said)
        return said
    return ""


def unasked_by(error: Exception) -> str:
    """Say that an endpoint could not be asked, and who will ask it."""
    return f"the endpoint could not be asked ({error}), the sweep will"
