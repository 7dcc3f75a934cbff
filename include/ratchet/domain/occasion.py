"""Under which circumstances a challenger is judged: who chose the candidates, and what was judged before on these rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Verdict

GAIN = "gain over the champion"
UNSEEN = "unseen test rows"
DIFFERS = "differs from the champion"
NO_FAULT = (GAIN, DIFFERS)
"""What a healthy challenger may fail: the one that serves is as good, or is the same."""


@dataclass(frozen=True)
class Gain:
    """One judged challenger's gain over its champion, and its standard error."""

    estimate: float
    error: float


@dataclass(frozen=True)
class Occasion:
    """What the gate must know besides the rows.

    Attributes:
        by_hand: Somebody chose the candidates for this run: they must be superior, unless the spec says otherwise.
        looks: Verdicts so far that share a test row with this one.
        gains: Of all challengers judged so far, refused ones too, oldest first.
    """

    by_hand: bool = False
    looks: int = 0
    gains: tuple[Gain, ...] = ()


def occasion(spec: ModelSpec, run: Json, earlier: Sequence[Verdict], window: Json | None) -> Occasion:
    """Return the circumstances of a run.

    Args:
        spec: The model.
        run: The training run, as tasks hand it on.
        earlier: The model's verdicts, newest first; this run's own is not counted.
        window: Time of the first and the last test row; their wave where there is no time.
    """
    others = [each for each in earlier if each.run_id != run["run_id"]]
    by_hand = set(run["candidates"]) != {each.name for each in spec.training.candidates}
    gains = tuple(
        Gain(rule.estimate, rule.error)
        for verdict in reversed(others)
        for rule in verdict.rules
        if rule.rule == GAIN and rule.estimate is not None and rule.error
    )
    looked = [each for each in others if not _unlooked(each)]
    return Occasion(by_hand, sum(_shares(each.figures.get("test_window"), window) for each in looked), gains)


def next_wave(earlier: Sequence[Verdict], looks: int) -> int:
    """Return the wave of test rows that the next verdict of a model without time is on: another one when the looks are used up."""
    seen = [_wave(each.figures.get("test_window")) for each in earlier if not _unlooked(each)]
    newest = max(seen, default=0)
    return newest + (seen.count(newest) >= looks)


def rows_wanted(last: Verdict, least: int) -> int:
    """Return how many test rows a new wave should have: what the proofs of the last verdict need, and no more than that had."""
    needs = [
        math.ceil(rule.needed["smallest_gain"] * rule.rows / rule.blocks)
        for rule in last.rules
        if rule.kind == "proof" and rule.blocks and "smallest_gain" in rule.needed
    ]
    return max(min(max(needs, default=0), int(last.figures.get("test_rows", 0))), least)


def _wave(window: Json | None) -> int:
    return int((window or {}).get("wave", 0))


def _unlooked(verdict: Verdict) -> bool:
    """Whether a verdict could not promote because the looks were used up: it spent no alpha, and must not block the next one."""
    return any(rule.rule == UNSEEN and rule.result == "inconclusive" for rule in verdict.rules)


def _shares(theirs: Json | None, ours: Json | None) -> bool:
    """Whether two tests may share a row: their times overlap, or, where there is no time, they are on the same wave."""
    ours, theirs = ours or {}, theirs or {}
    if "first" not in ours and "first" not in theirs:
        return _wave(theirs) == _wave(ours)
    if "first" not in ours or "first" not in theirs:
        return True
    first, last = (datetime.fromisoformat(theirs[key]) for key in ("first", "last"))
    return first <= datetime.fromisoformat(ours["last"]) and last >= datetime.fromisoformat(ours["first"])
