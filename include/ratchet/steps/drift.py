"""Compare windows with the champion's own training statistics, with a dialled rate of false alarms.

Every test asks whether the mean of a score per bin moved: the rank of a number (location), its distance from the middle
(spread), one value of a category, missing or not. The error comes from the reference's own blocks, so that
autocorrelation within a block is in it; counts too small for that are compared by a conditional binomial test (mid-p).
An effect-size floor keeps trifles quiet; false-discovery control orders the alarms and does not set their rate; PSI
stands beside for those who know it and decides nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, stdtr

from include.ratchet.steps.dial import critical
from include.ratchet.steps.sketch import Counts, Sketch, ridits

FEWEST = 20
"""Effective rows of a window, below which a test abstains."""
SPARSE = 10.0
"""Events expected in the window, below which counts are compared exactly."""
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """What one test found in one window.

    Attributes:
        column: What was looked at.
        aspect: location, spread, missing, moved (a constant), `value x` or `rare values`.
        effect: How far it moved, on the scale of shares [0-1].
        p: Two-sided p-value [0-1]; None where the test abstains.
        freedom: Degrees of freedom of the reference's error.
        share: Part of the variance that comes from the reference.
        varies: Whether the reference holds both outcomes; where it does not, an undrifted window never fires.
    """

    column: str
    aspect: str
    effect: float
    p: float | None
    freedom: int
    share: float
    varies: bool

    @property
    def name(self) -> str:
        """Column and aspect."""
        return f"{self.column} {self.aspect}"


@dataclass(frozen=True)
class Rule:
    """When windows are an alarm: `k` of `m` beyond a threshold that keeps `dial`, and effects of at least `floor`."""

    dial: float
    k: int
    m: int
    floor: float


def shifts(reference: Sequence[Sketch], window: Sequence[Sketch]) -> list[Shift]:
    """Run every test of every column that the window has; which tests there are depends on the reference alone."""
    there = {each.name: each for each in window}
    return [found for each in reference if each.name in there for found in _column(each, there[each.name].counts.sum(axis=0))]


def judge(
    reference: Sequence[Sketch], windows: Sequence[Sequence[Sketch]], rule: Rule, importance: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Say whether the newest windows are an alarm.

    Args:
        reference: The champion's training statistics.
        windows: The newest windows, oldest first, at most `rule.m`.
        rule: Dial, persistence and floor.
        importance: Loss of the metric when a column is shuffled; ranks the alarms by what they may cost.

    Returns:
        `alarm`; `alarms`, the tests in alarm with the costliest first, each with column, aspect, effect, p, the windows
        beyond, and whether false-discovery control at 5 % keeps it; `columns` with the effect, smallest p and PSI of each;
        `tests` and the `dial`.
    """
    found = [shifts(reference, each) for each in windows]
    count = max((sum(shift.varies for shift in each) for each in found), default=0)
    beyond: dict[str, list[bool]] = {}
    for each in (shift for window in found for shift in window):
        beyond.setdefault(each.name, []).append(each.effect >= rule.floor and _shown(each, rule, count))
    newest = {each.name: each for each in (found[-1] if found else [])}
    kept = _discoveries(newest.values())
    alarms: list[dict[str, Any]] = [
        {
            "column": each.column,
            "aspect": each.aspect,
            "effect": round(each.effect, 4),
            "p": each.p,
            "windows": sum(beyond[name]),
            "discovery": name in kept,
            "cost": round(each.effect * (importance or {}).get(each.column, 0.0), 6),
        }
        for name, each in newest.items()
        if sum(beyond[name]) >= rule.k
    ]
    alarms.sort(key=lambda each: (-each["cost"], -each["effect"]))
    return {"alarm": bool(alarms), "alarms": alarms, "columns": _columns(reference, windows, newest), "tests": count, "dial": rule.dial}


def _shown(shift: Shift, rule: Rule, tests: int) -> bool:
    return shift.p is not None and shift.p <= critical(rule.dial, max(tests, 1), shift.freedom, round(shift.share, 2), rule.k, rule.m)


def _column(reference: Sketch, window: npt.NDArray[np.int64]) -> Iterator[Shift]:
    known, seen = reference.known, window[:-1]
    pooled = known.sum(axis=0)
    if reference.kind == "category":
        yield from _values(reference, seen)
    elif reference.kind == "number" and (pooled > 0).sum() <= 1:
        yield _shift(reference.name, "moved", known, seen, (pooled == 0).astype(float))
    else:
        rank = ridits(pooled)
        if reference.kind == "number":
            yield _shift(reference.name, "location", known, seen, rank, scale=2.0)
        yield _shift(reference.name, "spread", known, seen, (rank - 0.5) ** 2, scale=4.0)
    if reference.kind != "projection":
        missing = np.zeros(len(window))
        missing[-1] = 1.0
        yield _shift(reference.name, "missing", reference.counts, window, missing)


def _values(reference: Sketch, seen: npt.NDArray[np.int64]) -> Iterator[Shift]:
    """Test each value that is frequent enough in the reference to be expected in a block; all others together."""
    pooled = reference.known.sum(axis=0)
    often = pooled[:-1] >= 5 * len(reference.counts)
    for position in np.flatnonzero(often):
        indicator = np.zeros(len(pooled))
        indicator[position] = 1.0
        yield _shift(reference.name, f"value {reference.bounds[position]}", reference.known, seen, indicator)
    yield _shift(reference.name, "rare values", reference.known, seen, np.append(~often, True).astype(float))


def _shift(column: str, aspect: str, blocks: Counts, window: npt.NDArray[np.int64], scores: Scores, scale: float = 1.0) -> Shift:
    """Compare the mean score of a window with that of the reference, whose blocks tell the error.

    The variance of a mean of n rows is V/n, with V from the means of blocks (batch means): V = sum n_b (mean_b - mean)^2 / (B - 1).
    """
    blocks = blocks[blocks.sum(axis=1) > 0].astype(np.float64)
    sizes, n = blocks.sum(axis=1), int(window.sum())
    rows, freedom = int(sizes.sum()), max(len(blocks) - 1, 1)
    share = n / max(n + rows, 1)
    if not n or len(blocks) < 2:  # noqa: PLR2004
        return Shift(column, aspect, 0.0, None, freedom, share, varies=False)
    pooled = blocks.sum(axis=0)
    before, now = float(pooled @ scores) / rows, float(window @ scores) / n
    means = blocks @ scores / sizes
    long_run = float((sizes * (means - before) ** 2).sum()) / freedom
    single = float(pooled @ scores**2) / rows - before**2
    design = max(long_run / single, 1.0) if single > 0 else 1.0
    made = functools.partial(Shift, column, aspect, min(abs(now - before) * scale, 1.0), freedom=freedom, share=share, varies=single > 0)
    if n / design < FEWEST:
        return made(p=None)
    counted = bool(((scores == 0) | (scores == 1)).all())
    if counted and min(_expected(before * rows, now * n, n, rows)) < SPARSE:
        return made(p=_counted(now * n / design, before * rows / design, share))
    if long_run == 0:
        return made(p=0.0 if now != before else 1.0)
    distance = abs(now - before) / np.sqrt(long_run * (1 / n + 1 / rows))
    return made(p=float(2 * stdtr(freedom, -distance)))


def _expected(before: float, now: float, n: int, rows: int) -> tuple[float, float]:
    """Return how many events, and how many rows without one, a window of n would have if nothing had changed."""
    both = (before + now) / (rows + n)
    return both * n, (1 - both) * n


def _counted(now: float, before: float, share: float) -> float:
    """Return the two-sided mid-p of `now` events in the window among all, each of which falls there with chance `share`."""
    total, inside = round(now + before), round(now)
    if total == 0:
        return 1.0
    upto, before_it = float(bdtr(inside, total, share)), float(bdtr(inside - 1, total, share)) if inside else 0.0
    above, below = 1 - (upto + before_it) / 2, (upto + before_it) / 2
    return min(2 * min(above, below), 1.0)


def _discoveries(found: Any) -> set[str]:
    """Return the tests that Benjamini and Hochberg's procedure keeps at 5 %."""
    tested = sorted((each.p, each.name) for each in found if each.p is not None)
    last = max((i for i, (p, _) in enumerate(tested, 1) if p <= 0.05 * i / len(tested)), default=0)
    return {name for _, name in tested[:last]}


def _columns(reference: Sequence[Sketch], windows: Sequence[Sequence[Sketch]], newest: Mapping[str, Shift]) -> list[dict[str, Any]]:
    there = {each.name: each for each in (windows[-1] if windows else ())}
    rows = []
    for each in reference:
        mine = [shift for shift in newest.values() if shift.column == each.name]
        if each.name in there and mine:
            known = [shift.p for shift in mine if shift.p is not None]
            psi = stability(each.known.sum(axis=0), there[each.name].known.sum(axis=0))
            rows.append(
                {"column": each.name, "effect": round(max(s.effect for s in mine), 4), "p": min(known, default=None), "psi": round(psi, 4)}
            )
    return rows


def stability(reference: npt.NDArray[np.int64], window: npt.NDArray[np.int64], groups: int = 10) -> float:
    """Return the population stability index over ten groups of the reference's bins; it has no error rate, and decides nothing."""
    group = np.minimum((ridits(reference) * groups).astype(int), groups - 1)
    before = np.bincount(group, weights=reference, minlength=groups) / max(reference.sum(), 1)
    now = np.bincount(group, weights=window, minlength=groups) / max(window.sum(), 1)
    before, now = np.clip(before, 1e-4, None), np.clip(now, 1e-4, None)
    return float(((now - before) * np.log(now / before)).sum())
