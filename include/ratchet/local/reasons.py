"""Why training runs started: the demo shows one of each kind, by the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from include.ratchet.domain import specs
from include.ratchet.domain.arbiter import describe
from include.ratchet.domain.records import Kind

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

KINDS: tuple[Kind, ...] = get_args(Kind)
BY_HAND: Kind = "manual"


def started(ledger: Ledger, models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return for each kind of signal the first model of which one started a training run, and why, with its numbers."""
    found: dict[str, tuple[str, str]] = {}
    for name in models:
        for signal, made in reversed(ledger.signals(name)):
            if made.outcome == "started":
                found.setdefault(signal.kind, (name, describe(signal)))
    return {kind: found[kind] for kind in KINDS if kind in found}


def by_themselves(models: Sequence[str]) -> list[str]:
    """Name the kinds that some model's `triggers` have: what an adopter took out starts nothing."""
    triggers = [specs.model(name).triggers for name in models]
    return [kind for kind in KINDS if kind != BY_HAND and any(getattr(each, kind) for each in triggers)]


def missing(ledger: Ledger, models: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Name the kinds of which no signal has started a run."""
    there = started(ledger, models)
    return [kind for kind in kinds if kind not in there]
