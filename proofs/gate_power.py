"""The power that the gate states is the power that it has, and its guards leave healthy challengers alone."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.book import Json, Proof
from proofs.gate_null import CODE, LIMIT_AT

ALPHA, ALPHA_GUARD = 0.05, 0.05
WITHIN = 0.03
CHUNK, REPLICATES = 100, 3000
CASES = (
    ("roc_auc", 28, 0.0, (0.02, 0.03, 0.045)),
    ("accuracy", 28, 0.0, (0.01, 0.02, 0.035)),
    ("several", 28, 0.25, (0.02, 0.03, 0.05)),
    ("neg_mean_absolute_error", 28, 0.0, (0.01, 0.02, 0.035)),
    ("roc_auc", 60, 0.5, (0.02, 0.03, 0.05)),
)
"""Kind, days, their AR(1), and the true gains at which power is stated; guards are watched at the last, of about 90 % power."""


def run(part: int) -> Json:
    """Judge one chunk of challengers of each gain; return the stated power, and how many were shown and refused by guards."""
    kind, days, rho, gains = CASES[part % len(CASES)]
    found = [simulate(kind, (days, rho), gain, CHUNK, seed=[part, i], watch=gain == gains[-1]) for i, gain in enumerate(gains)]
    shown, stated, refused = ([each[i] for each in found] for i in range(3))
    case = f"{kind}, {days} days AR({rho:g})"
    return {"case": case, "gains": list(gains), "challengers": CHUNK, "shown": shown, "stated": stated, "refused": refused[-1]}


def simulate(kind: str, days: tuple[int, float], gain: float, count: int, seed: Sequence[int], *, watch: bool) -> tuple[int, float, int]:
    """Draw challengers with a true gain.

    Returns:
        How many are shown superior, the sum of what power was stated for that gain, and how many the guards refuse
        (20 segments, calibration, flips and fairness where they apply), when they are watched.
    """
    import numpy as np

    from include.ratchet.domain.gate import decide
    from include.ratchet.steps import compare
    from include.ratchet.steps.guards import guards
    from include.ratchet.steps.stated import power_at
    from proofs import worlds

    name, draw = worlds.METRICS[kind], np.random.default_rng(seed)
    extra: dict[str, object] = {} if kind == "neg_mean_absolute_error" else {"flips": {"max_rate": 0.6}}
    if kind in {"roc_auc", "accuracy"}:
        extra["fairness"] = {"by": "c", "measure": "positive_rate", "max_gap": 0.15}
    shown, stated, refused = 0, 0.0, 0
    for _ in range(count):
        bench = worlds.bench_of(worlds.draw_world(draw, kind, gain, *days), kind, **extra)
        found = compare.measure("gain over the champion", bench.figure(name, "challenger") - bench.figure(name, "champion"), ALPHA)
        shown += (found.p_above or 0.0) <= ALPHA
        stated += power_at(gain, found.error or 0.0, found.freedom or 1, ALPHA)
        if watch:
            refused += any(each.result == "fail" for each in decide([], guards(bench), [], ALPHA, ALPHA_GUARD).rules)
    return shown, stated, refused


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want stated and met power within three points, and no more refusals by guards than their level."""
    from scipy.stats import binom

    holds, said = True, []
    for case in dict.fromkeys(part["case"] for part in parts):
        of = [part for part in parts if part["case"] == case]
        count, refused = sum(part["challengers"] for part in of), sum(part["refused"] for part in of)
        words = []
        for i, gain in enumerate(of[0]["gains"]):
            met, stated = sum(part["shown"][i] for part in of) / count, sum(part["stated"][i] for part in of) / count
            holds = holds and abs(met - stated) <= WITHIN
            words.append(f"{gain:g}: {stated:.1%} stated, {met:.1%} met")
        holds = holds and refused <= int(binom.ppf(LIMIT_AT, count, ALPHA_GUARD))
        said.append(f"{case}: {', '.join(words)}; guards refused {refused / count:.1%} of {count}")
    return holds, "; ".join(said)


GATE_POWER = Proof(
    "gate-power",
    f"Stated power is met within {WITHIN:.0%}, and guards refuse at most {ALPHA_GUARD:.0%} of healthy challengers with 20 segments",
    (*CODE, "include/ratchet/steps/stated.py", "proofs/gate_power.py"),
    REPLICATES // CHUNK * len(CASES),
    run,
    judge,
)
