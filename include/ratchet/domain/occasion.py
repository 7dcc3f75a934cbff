"""Under which circumstances a challenger is judged: who chose the candidates, and what was judged before on these rows."""

from __future__ import annotations

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
        window: Time of the first and the last test row, None where there is no time.
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


def _unlooked(verdict: Verdict) -> bool:
    """Whether a verdict could not promote because the looks were used up: it spent no alpha, and must not block the next one."""
    return any(rule.rule == UNSEEN and rule.result == "inconclusive" for rule in verdict.rules)


def _shares(theirs: Json | None, ours: Json | None) -> bool:
    """Whether two tests may share a row. Without time, test rows are drawn by a hash: those of before are among those of now."""
    if not theirs or not ours:
        return True
    first, last = (datetime.fromisoformat(theirs[key]) for key in ("first", "last"))
    return first <= datetime.fromisoformat(ours["last"]) and last >= datetime.fromisoformat(ours["first"])
