"""A challenger that is half a point worse is hardly ever promoted, on 2,000 rows without time."""

from __future__ import annotations

from proofs.book import Json, Proof
from proofs.gate_null import CODE, judge

ALPHA = 0.05
ROWS, WORSE = 2000, 0.005
SHARED = 0.85
"""How much of the rows' noise both models share: `>=` then promotes about a quarter."""
LEVEL = {"roc_auc": 0.75, "accuracy": 0.8}
CHUNK, CHUNKS = 100, 20


def run(part: int) -> Json:
    """Judge one chunk of challengers by one metric; return how many the gate promoted, and how many `>=` would."""
    kind = list(LEVEL)[part % len(LEVEL)]
    gate, naive = simulate(kind, CHUNK, seed=part)
    return {"case": kind, "challengers": CHUNK, "promoted": gate, "at_least": naive}


def simulate(kind: str, count: int, seed: int) -> tuple[int, int]:
    """Draw `count` challengers that are half a point worse in the population, and ask of each that it be superior.

    Positives score N(m, 1) and negatives N(0, 1), an AUC of the normal distribution's value at m / sqrt(2); or a model is
    right where its noise is below the quantile of its accuracy. The unit is the row, and there are 20 segments.

    Args:
        kind: roc_auc or accuracy.
        count: How many challengers.
        seed: Of the draw.

    Returns:
        How many the gate promotes, and how many have a point estimate that is at least the champion's.
    """
    from dataclasses import replace

    import numpy as np
    from scipy.stats import norm

    from include.ratchet.domain.gate import Measured, decide
    from include.ratchet.steps import compare
    from include.ratchet.steps.answers import Answers
    from include.ratchet.steps.guards import guards
    from proofs import worlds

    draw, classes = np.random.default_rng([seed, list(LEVEL).index(kind)]), np.array([0.0, 1.0])
    business = Measured(f"business {kind}", 1.0, 0.0, 0.9, 1.1, 0.01, p_above=0.0, p_below=1.0, blocks=ROWS)
    promoted = at_least = 0
    for _ in range(count):
        truth, both, said = (draw.uniform(size=ROWS) < 0.3).astype(float), draw.normal(size=ROWS), []  # noqa: PLR2004
        for level in (LEVEL[kind] - WORSE, LEVEL[kind]):
            luck = np.sqrt(SHARED) * both + np.sqrt(1 - SHARED) * draw.normal(size=ROWS)
            right = np.where(luck < norm.ppf(level), truth, 1 - truth)
            chance = norm.cdf(luck + np.sqrt(2) * norm.ppf(level) * truth) if kind == "roc_auc" else right
            said.append(Answers(classes[(chance >= 0.5).astype(int)], np.column_stack([1 - chance, chance]), classes))  # noqa: PLR2004
        rows = np.arange(ROWS)
        bench = worlds.bench_of(worlds.World(truth, rows, draw.integers(0, worlds.SEGMENTS, ROWS), *said), kind)
        bench = replace(bench, sampled=compare.units(None, ROWS))
        gain = compare.measure("gain over the champion", bench.figure(kind, "challenger") - bench.figure(kind, "champion"), ALPHA)
        promoted += decide([business, gain], guards(bench), [], ALPHA, ALPHA).outcome == "promote"
        at_least += gain.estimate is not None and gain.estimate >= 0
    return promoted, at_least


GATE_WORSE = Proof(
    "gate-worse",
    f"Of challengers that are half a point worse, on {ROWS:,} rows without time, at most {ALPHA:.0%} are promoted as superior",
    (*CODE, "proofs/gate_worse.py"),
    CHUNKS * len(LEVEL),
    run,
    judge,
)
