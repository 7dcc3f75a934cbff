"""The gate promotes a challenger that is no better than it must be at most as often as alpha says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from proofs.book import Json, Proof

ALPHA, MARGIN = 0.05, 0.02
CHUNK, CHUNKS = 100, 20
KINDS = ("roc_auc", "accuracy", "several", "neg_mean_absolute_error")
MODES = {"superior": 0.0, "non_inferior": -MARGIN}
DAYS = ((28, 0.0), (28, 0.5), (20, 0.5))
"""How many days, and how much each resembles the one before it."""
CASES = tuple(product(KINDS, MODES, DAYS))
LIMIT_AT = 0.999
"""A gate of exactly alpha exceeds the limit in one of a thousand cases."""


def run(part: int) -> Json:
    """Judge one chunk of challengers in one case; return how many the gate promoted, and how many `>=` would."""
    kind, mode, (days, rho) = CASES[part % len(CASES)]
    gate, naive = simulate(kind, mode, (days, rho), CHUNK, seed=part)
    return {"case": f"{kind} {mode}, {days} days AR({rho:g})", "challengers": CHUNK, "promoted": gate, "at_least": naive}


def simulate(kind: str, mode: str, days: tuple[int, float], count: int, seed: int) -> tuple[int, int]:
    """Draw `count` challengers exactly at the null, and judge each, with 20 segments.

    Args:
        kind: Of `worlds.METRICS`.
        mode: superior (the difference is 0) or non_inferior (it is minus the margin).
        days: How many, and their AR(1).
        count: How many challengers.
        seed: Of the draw.

    Returns:
        How many the gate promotes, and how many have a point estimate that is at least the null.
    """
    import numpy as np

    from include.ratchet.domain.gate import Measured, decide
    from include.ratchet.steps import compare
    from include.ratchet.steps.guards import guards
    from proofs import worlds

    null, name = MODES[mode], worlds.METRICS[kind]
    business = Measured(f"business {name}", 1.0, 0.0, 0.9, 1.1, 0.01, p_above=0.0, p_below=1.0, blocks=days[0])
    draw = np.random.default_rng([seed, KINDS.index(kind), list(MODES).index(mode), DAYS.index(days)])
    promoted = at_least = 0
    for _ in range(count):
        bench = worlds.bench_of(worlds.draw_world(draw, kind, null, *days), kind)
        gain = compare.measure("gain over the champion", bench.figure(name, "challenger") - bench.figure(name, "champion"), ALPHA, null)
        promoted += decide([business, gain], guards(bench), [], ALPHA, ALPHA).outcome == "promote"
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


CODE = (
    "include/ratchet/domain/gate.py",
    "include/ratchet/steps/bench.py",
    "include/ratchet/steps/compare.py",
    "include/ratchet/steps/guards.py",
    "include/ratchet/steps/influence.py",
    "include/ratchet/steps/power.py",
    "include/ratchet/steps/series.py",
    "proofs/worlds.py",
)
GATE_NULL = Proof(
    "gate-null",
    f"Of challengers exactly at the null, with errors that come in days that resemble each other, at most {ALPHA:.0%} are promoted",
    (*CODE, "proofs/gate_null.py"),
    CHUNKS * len(CASES),
    run,
    judge,
)
