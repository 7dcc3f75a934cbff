"""The gate promotes a challenger that is no better than it must be at most as often as alpha says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from proofs.book import Json, Proof

ALPHA, MARGIN = 0.05, 0.02
CHUNK, CHUNKS = 100, 20
CASES = tuple(product(("accuracy", "roc_auc"), ("superior", "non_inferior")))
LIMIT_AT = 0.999
"""A gate of exactly alpha exceeds the limit in one of a thousand cases."""


def run(part: int) -> Json:
    """Judge one chunk of challengers in one case; return how many the gate promoted, and how many `>=` would."""
    metric, mode = CASES[part % len(CASES)]
    gate, naive = simulate(metric, mode, CHUNK, seed=part)
    return {"case": f"{metric} {mode}", "challengers": CHUNK, "promoted": gate, "at_least": naive}


def simulate(metric: str, mode: str, count: int, seed: int) -> tuple[int, int]:
    """Draw `count` challengers exactly at the null, and judge each.

    Args:
        metric: accuracy or roc_auc.
        mode: superior (the difference is 0) or non_inferior (it is minus the margin).
        count: How many.
        seed: Of the draw.

    Returns:
        How many the gate promotes, and how many have a point estimate that is at least the null.
    """
    import numpy as np

    from include.ratchet.domain.gate import Measured, decide
    from include.ratchet.steps import compare
    from proofs import worlds

    null = 0.0 if mode == "superior" else -MARGIN
    business = Measured(f"business {metric}", 1.0, 0.0, 0.9, 1.1, 0.01, p_above=0.0, p_below=1.0, blocks=worlds.DAYS)
    draw = np.random.default_rng([seed, CASES.index((metric, mode))])
    promoted = at_least = 0
    for _ in range(count):
        world = getattr(worlds, metric)(draw, null)
        days = compare.Units(world.day, serial=True)
        each = [compare.figure(metric, who, world.truth, days) for who in (world.challenger, world.champion)]
        gain = compare.measure("gain over the champion", each[0] - each[1], ALPHA, null)
        promoted += decide([business, gain], [], [], ALPHA, ALPHA).outcome == "promote"
        at_least += gain.estimate is not None and gain.estimate >= null
    return promoted, at_least


def limit(challengers: int) -> int:
    """Return the most promotions that a gate of exactly alpha stays within."""
    from scipy.stats import binom

    return int(binom.ppf(LIMIT_AT, challengers, ALPHA))


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Compare every case with its binomial limit."""
    holds, said = True, []
    for case in dict.fromkeys(part["case"] for part in parts):
        of = [part for part in parts if part["case"] == case]
        count, promoted, naive = (sum(part[key] for part in of) for key in ("challengers", "promoted", "at_least"))
        holds &= promoted <= limit(count)
        said.append(f"{case}: {promoted / count:.1%} of {count} (limit {limit(count) / count:.1%}; >= {naive / count:.0%})")
    return holds, "; ".join(said)


GATE_NULL = Proof(
    "gate-null",
    f"Of challengers exactly at the null, with errors that come in {28} days, at most {ALPHA:.0%} are promoted",
    (
        "include/ratchet/domain/gate.py",
        "include/ratchet/steps/compare.py",
        "include/ratchet/steps/influence.py",
        "include/ratchet/steps/series.py",
        "proofs/gate_null.py",
        "proofs/worlds.py",
    ),
    CHUNKS * len(CASES),
    run,
    judge,
)
