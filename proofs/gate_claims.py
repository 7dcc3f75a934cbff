"""What is claimed of a year of promotions is at most what they gained, and the bound that is stated with it."""

from __future__ import annotations

from collections.abc import Sequence

from include.ratchet.domain.claims import claim
from include.ratchet.domain.occasion import Gain
from proofs.book import Json, Proof

RETRAINS = 52
SMALLEST, MARGIN = 0.01, 0.02
SPREADS = (0.0, 0.005)
MODES = {"superior": 0.0, "non_inferior": -MARGIN}
ERROR = (0.006, 0.012)
"""Standard errors of a paired difference on 28 days, as on the flights; each verdict draws its own."""
LEVEL = 1.645
YEARS, CHUNK = 500, 25
KEPT = 0.95


def run(part: int) -> Json:
    """Live through some years of one case; return how many kept the claim, and what was observed and true on average."""
    cases = [(spread, mode) for spread in SPREADS for mode in MODES]
    spread, mode = cases[part % len(cases)]
    years = [year(spread, mode, seed=[part, each]) for each in range(CHUNK)]
    kept = sum(claimed <= true + bound for claimed, _, true, bound in years)
    claimed, observed, true, bound = (sum(each[i] for each in years) for i in range(4))
    figures = {"claimed": claimed, "observed": observed, "true": true, "bound": bound}
    return {"case": f"{mode}, spread {spread:g}", "years": CHUNK, "kept": kept, **figures}


def year(spread: float, mode: str, seed: Sequence[int]) -> tuple[float, float, float, float]:
    """Retrain once a week; each challenger is as good as the last data let it be, and the promoted one serves.

    Args:
        spread: Standard deviation of challengers' true quality.
        mode: What the gate asks.
        seed: Of the draw.

    Returns:
        The sums over promotions of what is claimed, of what was observed, of what was gained in truth, and the bound of
        the claimed sum, which is the sum of their bounds.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    champion, seen = 0.0, []
    claimed = observed = bound = true = 0.0
    for _ in range(RETRAINS):
        quality, error = draw.normal(0.0, spread), draw.uniform(*ERROR)
        estimate = quality - champion + draw.normal(0.0, error)
        seen.append(Gain(estimate, error))
        if estimate - MODES[mode] > LEVEL * error:
            said = claim(seen, SMALLEST)
            claimed, observed, true = claimed + said.gain, observed + estimate, true + quality - champion
            bound += said.bound
            champion = quality
    return claimed, observed, true, bound


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want 95 % of the years of every case."""
    holds, said = True, []
    for case in dict.fromkeys(part["case"] for part in parts):
        of = [part for part in parts if part["case"] == case]
        years, kept, claimed, observed, true, bound = (
            sum(part[key] for part in of) for key in ("years", "kept", "claimed", "observed", "true", "bound")
        )
        holds &= kept >= KEPT * years
        points = ", ".join(
            f"{name} {100 * value / years:+.2f}" for name, value in (("observed", observed), ("claimed", claimed), ("true", true))
        )
        said.append(f"{case}: kept in {kept / years:.1%} of {years} (points a year: {points}, bound {100 * bound / years:.2f})")
    return holds, "; ".join(said)


GATE_CLAIMS = Proof(
    "gate-claims",
    f"In {KEPT:.0%} of {YEARS} years of {RETRAINS} retrains the claimed gains add up to at most the true gain and the stated bound",
    ("include/ratchet/domain/claims.py", "proofs/gate_claims.py"),
    YEARS // CHUNK * len(SPREADS) * len(MODES),
    run,
    judge,
)
