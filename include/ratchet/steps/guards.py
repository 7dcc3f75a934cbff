"""What the guards of the gate measure: segments, fairness, calibration, flips. Behaviour is in `steps/behaviour.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from include.ratchet.domain.gate import FEWEST_BLOCKS, Measured
from include.ratchet.steps import behaviour, compare, influence, power
from include.ratchet.steps.bench import Bench
from include.ratchet.steps.compare import Figure, Mask

OTHER = "(other)"
BINS = 10


def guards(bench: Bench) -> list[Measured]:
    """Measure every guard that the spec asks for, each with the value that it would have caught with 80 % power."""
    found = [*_segments(bench), *_fairness(bench), *_calibration(bench), *_flips(bench), *behaviour.guards(bench)]
    tested = sum(each.p_below is not None for each in found)
    return [power.of_guard(each, (each.alpha or bench.spec.gate.alpha_guard) / max(tested, 1)) for each in found]


def _segments(bench: Bench) -> Iterator[Measured]:
    """Compare with the champion in each segment; those in which the margin could not be seen, together as well.

    A small one is still tested by itself, where it has the blocks: what ruins a segment makes its error large too, and
    among the pooled ones it would be diluted.
    """
    gate = bench.spec.gate
    if gate.segments is None or "champion" not in bench.answers:
        return
    margin, seen = gate.segments.margin, set()
    for column in bench.spec.columns.segments:
        if column not in bench.test.column_names:  # the check "segments are there" refuses
            continue
        small: dict[str, Mask] = {}
        for value, inside in bench.groups(column):
            name = f"{column}={value}"
            seen.add(name)
            found = _loss(bench, f"segment {name}", inside, margin)
            if _sees(found, margin, gate.alpha_guard):
                yield found
            elif name in gate.segments.required:
                yield replace(found, doubt=_unseen(found, margin, gate.alpha_guard))
            else:
                small[name] = inside
                p = found.p_below if found.blocks >= FEWEST_BLOCKS else None
                yield replace(found, p_below=p, about=f"too small for the margin, judged in {column}={OTHER} too")
        if small:
            together = np.logical_or.reduce(list(small.values()))
            yield replace(_loss(bench, f"segment {column}={OTHER}", together, margin), about=", ".join(small))
    for name in gate.segments.required:
        if name not in seen:
            text = f"required segment {name} cannot be measured on these rows: it has none of them"
            yield Measured(f"segment {name}", None, -margin, margin=margin, doubt=text)


def _loss(bench: Bench, rule: str, inside: Mask, margin: float) -> Measured:
    return replace(compare.measure(rule, bench.gain(inside), bench.spec.gate.alpha_guard, -margin), margin=margin)


def _sees(found: Measured, margin: float, alpha: float) -> bool:
    """Whether a loss of the margin is told from none with 80 % power at the level of one guard."""
    if found.error is None or found.freedom is None or found.blocks < FEWEST_BLOCKS:
        return False
    return power.reach(found.error, found.freedom, alpha) <= margin


def _unseen(found: Measured, margin: float, alpha: float) -> str:
    head = f"required {found.rule} cannot be judged on these rows ({found.rows:,} rows, {found.blocks} blocks)"
    if found.error is None or found.freedom is None:
        return f"{head}: its error cannot be measured"
    far = power.reach(found.error, found.freedom, alpha)
    if found.blocks < FEWEST_BLOCKS:
        return f"{head}; needs {FEWEST_BLOCKS} blocks"
    needed = power.blocks_for(margin, far, found.blocks)
    return f"{head}: with 80 % power it shows a loss of {far:.3g}, allowed are {margin:g}; needs about {needed - found.blocks} more blocks"


def _fairness(bench: Bench) -> Iterator[Measured]:
    """Hold the two groups that are furthest apart against the gap; their p-value is corrected for having been sought out."""
    gate = bench.spec.gate
    if gate.fairness is None or gate.fairness.by not in bench.test.column_names:
        return
    gap = gate.fairness.max_gap
    found = {value: (inside, _rate(bench, inside)) for value, inside in bench.groups(gate.fairness.by)}
    small = [value for value, (_, rate) in found.items() if not _sees(compare.measure("", rate, gate.alpha_guard), gap, gate.alpha_guard)]
    kept = {value: rate for value, (_, rate) in found.items() if value not in small}
    if small:
        kept[OTHER] = _rate(bench, np.logical_or.reduce([found[value][0] for value in small]))
    pairs = []
    for (first, a), (second, b) in combinations(kept.items(), 2):
        apart = a - b
        pair = compare.measure("fairness gap", apart.times(-1.0 if apart.whole > 0 else 1.0), gate.alpha_guard, -gap)
        pairs.append(replace(pair, about=f"{gate.fairness.by}={first} and {gate.fairness.by}={second}"))
    measurable = [each for each in pairs if each.p_below is not None]
    if not measurable:
        yield Measured("fairness gap", None, -gap, margin=gap)
        return
    worst = min(measurable, key=lambda each: (each.p_below, each.estimate))
    p = min(1.0, (worst.p_below or 0.0) * len(measurable))
    yield replace(worst, p_below=p, p_above=1 - p, margin=gap, alpha=gate.alpha_guard / len(measurable))


def _rate(bench: Bench, inside: Mask) -> Figure:
    """Return the share of positive decisions among a group's positives, negatives or all, over all units."""
    mine, fairness = bench.answers["challenger"], bench.spec.gate.fairness
    positive = np.asarray(mine.classes)[1]
    measure = fairness.measure if fairness else "positive_rate"
    known = {"true_positive_rate": bench.truth == positive, "false_positive_rate": bench.truth != positive}
    among = inside & known.get(measure, np.ones(len(inside), dtype=bool))
    return compare.summed(*influence.ratio((among & (mine.predicted == positive)).astype(float), among.astype(float)), bench.sampled)


def _calibration(bench: Bench) -> Iterator[Measured]:
    gate = bench.spec.gate
    if gate.calibration is None or bench.spec.task != "binary":
        return
    allowed = gate.calibration.max_error
    yield replace(compare.measure("calibration", calibration(bench), gate.alpha_guard, -allowed), margin=allowed)


def calibration(bench: Bench) -> Figure:
    """Return minus the expected calibration error of the positive class, over ten bins of equal width.

    The mean of absolute gaps is above zero for scores that are right too; what chance makes of each gap's square is taken
    off it, or a healthy model of few rows would look miscalibrated.
    """
    mine = bench.answers["challenger"]
    score, positive = mine.score, bench.truth == np.asarray(mine.classes)[1]
    which = np.clip((score * BINS).astype(int), 0, BINS - 1)
    whole, total = 0.0, np.zeros(bench.sampled.count)
    for each in np.unique(which):
        gap = compare.summed(*influence.mean((which == each) * (score - positive)), bench.sampled)
        error = compare.measure("", gap, bench.spec.gate.alpha_guard).error or 0.0
        whole += float(np.sqrt(max(gap.whole**2 - error**2, 0.0)))
        total += np.sign(gap.whole) * gap.influence
    return Figure(-whole, -total, bench.sampled.serial, len(score))


def _flips(bench: Bench) -> Iterator[Measured]:
    gate = bench.spec.gate
    if gate.flips is None or "champion" not in bench.answers:
        return
    changed = (bench.answers["challenger"].predicted != bench.answers["champion"].predicted).astype(float)
    found = compare.summed(*influence.mean(changed), bench.sampled).times(-1.0)
    yield replace(compare.measure("flips", found, gate.alpha_guard, -gate.flips.max_rate), margin=gate.flips.max_rate)
