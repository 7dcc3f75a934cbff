"""A canary that is looked at again and again stops a healthy challenger hardly ever, and a bad one soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from proofs.book import Json, Proof

if TYPE_CHECKING:
    from include.ratchet.domain.modelspec import Canary, ModelSpec
    from include.ratchet.steps.canary import Counts

MODEL = "flight_delay"
STEP, LOOKS = 10, 60
"""Requests from one look to the next, and looks: twice as many requests as the canary's 300."""
WITHIN, FOUND = 300, 0.8
"""Requests within which this share of the bad challengers is stopped, at least."""
HEALTHY: dict[str, tuple[float, float, float]] = {
    "errors as allowed": (1.0, 0.0, 0.5),
    "slow as allowed": (0.0, 1.0, 0.5),
    "predictions as far as allowed": (0.0, 0.0, 0.75),
    "all three as allowed": (1.0, 1.0, 0.75),
}
BAD: dict[str, tuple[float, float, float]] = {
    "errors 5 x": (5.0, 0.0, 0.5),
    "slow 5 x": (0.0, 5.0, 0.5),
    "predictions higher 9 of 10": (0.0, 0.0, 0.9),
}
"""Errors and slow answers as multiples of their allowed rates; and how often the challenger predicts higher (allowed is 3/4)."""
CASES = HEALTHY | BAD
CHUNK, CHUNKS = 100, 10


def run(part: int) -> Json:
    """Look at one chunk of challengers of one kind until they are stopped or the looks are over."""
    case = list(CASES)[part % len(CASES)]
    stopped, naive = simulate(case, CHUNK, seed=part)
    return {"case": case, "challengers": CHUNK, "stopped": stopped, "naive": naive}


def simulate(case: str, count: int, seed: int) -> tuple[list[int], int]:
    """Draw challengers whose requests fail, are slow and predict higher independently of each other.

    Args:
        case: One of `CASES`.
        count: How many challengers.
        seed: Of the draw.

    Returns:
        After how many requests each that is stopped was stopped; and how many tests that are made for one look would stop,
        each at a third of `alpha_guard`, the one with two sides at half of that.
    """
    import numpy as np
    from scipy import stats

    from include.ratchet.domain import specs
    from include.ratchet.domain.modelspec import Canary
    from include.ratchet.steps.canary import FAR, SLOW, Counts

    spec, canary = specs.model(MODEL), Canary(requests=WITHIN)
    allowed = np.array([canary.max_error_rate, SLOW, (1 + FAR) / 2])
    rates = np.array(CASES[case]) * [*allowed[:2], 1.0]
    draw, stopped, naive = np.random.default_rng([seed, list(CASES).index(case)]), [], 0
    levels = spec.gate.alpha_guard / np.array([3, 3, 6])
    for _ in range(count):
        hits = np.cumsum(draw.random((STEP * LOOKS, 3)) < rates, axis=0)[STEP - 1 :: STEP]
        asked = STEP * np.arange(1, LOOKS + 1)
        looks = [Counts(n, int(f), n, int(s), n, float(h)) for n, (f, s, h) in zip(asked.tolist(), hits, strict=True)]
        stopped += list(_first(looks, spec, canary))
        naive += bool((stats.binom.sf(hits - 1, asked[:, None], allowed) <= levels).any())
    return stopped, naive


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want no more healthy ones stopped than luck would, at 1 in 1,000, make of the dialled share; and `FOUND` of the bad ones in time."""
    from scipy import stats

    from include.ratchet.domain import specs

    alpha, said, holds = specs.model(MODEL).gate.alpha_guard, [], True
    for case in CASES:
        mine = [part for part in parts if part["case"] == case]
        totals: Counter[str] = Counter()
        for part in mine:
            in_time = sum(after <= WITHIN for after in part["stopped"])
            totals.update(drawn=part["challengers"], stopped=len(part["stopped"]), in_time=in_time, naive=part["naive"])
        drawn = totals["drawn"]
        if not drawn:
            continue
        if case in HEALTHY:
            limit = int(stats.binom.isf(0.001, drawn, alpha))
            holds &= totals["stopped"] <= limit
            said.append(f"{case}: {totals['stopped']} of {drawn} stopped (limit {limit}; tests for one look {totals['naive']})")
        else:
            after = sorted(n for part in mine for n in part["stopped"])
            holds &= totals["in_time"] >= FOUND * drawn
            middle = f", half of them by {after[len(after) // 2]}" if after else ""
            said.append(f"{case}: {totals['in_time']} of {drawn} stopped within {WITHIN}{middle}")
    return bool(holds), "; ".join(said)


def _first(looks: Sequence[Counts], spec: ModelSpec, canary: Canary) -> Iterator[int]:
    """Give the requests at the first look that stops it; nothing when none does."""
    from include.ratchet.steps.canary import faults

    for each in looks:
        if faults(each, spec, canary):
            yield each.asked
            return


CANARY_LOOKS = Proof(
    "canary-looks",
    f"Of challengers as bad as is just allowed at most alpha_guard (5%) are stopped over all of {LOOKS} looks, one each {STEP} requests; "
    f"of bad ones at least {FOUND:.0%} within {WITHIN} requests",
    (
        "include/ratchet/steps/canary.py",
        "include/ratchet/domain/modelspec.py",
        "include/models/flight_delay/model.yaml",
        "proofs/canary_looks.py",
    ),
    CHUNKS * len(CASES),
    run,
    judge,
)
