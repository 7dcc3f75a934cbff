"""Why training runs started: the demo shows one of each kind, by the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from include.ratchet.domain.arbiter import describe
from include.ratchet.domain.records import Kind

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

KINDS: tuple[Kind, ...] = get_args(Kind)
BY_THEMSELVES = tuple(kind for kind in KINDS if kind != "manual")


def started(ledger: Ledger, models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return for each kind of signal the first model of which one started a training run, and why, with its numbers."""
    found: dict[str, tuple[str, str]] = {}
    for name in models:
        for signal, made in reversed(ledger.signals(name)):
            if made.outcome == "started":
                found.setdefault(signal.kind, (name, describe(signal)))
    return {kind: found[kind] for kind in KINDS if kind in found}


def missing(ledger: Ledger, models: Sequence[str], kinds: Sequence[str] = KINDS) -> list[str]:
    """Name the kinds of which no signal has started a run."""
    there = started(ledger, models)
    return [kind for kind in kinds if kind not in there]
