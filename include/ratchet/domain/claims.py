"""What may be said of a gain: less than was observed, for the challenger that is promoted was lucky too.

Of 52 retrains that each promote what looks at least as good, the observed gains add up to 102 % accuracy for a true
90.2 %. So every judged challenger, refused ones too, tells how far gains are spread in truth, and the last one is
shrunken towards them.

References:
    Efron & Morris (1975), JASA 70; Gelman et al. (2013), Bayesian Data Analysis, 5.4: the spread is integrated over a grid,
    since the one most likely value is 0 half of the time and would then claim certainty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from include.ratchet.domain.occasion import Gain
from include.ratchet.domain.records import Json

GRID = tuple(i / 8 for i in range(33))
"""Spreads that are considered, in units of the prior's."""
PRIOR = 0.25
"""Before anything was judged, true gains are thought to be spread by a quarter of the smallest gain worth having: at the
whole of it, a year without any true gain is claimed to have brought a point (proof gate-claims)."""
REACH = 1.645
"""Standard deviations from the claim to its bound: 95 % are below."""


@dataclass(frozen=True)
class Claim:
    """What a report may say of a gain.

    Attributes:
        gain: The shrunken gain, in the metric's unit.
        bound: The true gain is more than this below the claim in at most 5 %: gain - bound is safe to say. The bounds of
            several claims add up: they rest on the same challengers, so that their errors go together.
        observed: What was measured.
        challengers: How many judged ones it rests on.
    """

    gain: float
    bound: float
    observed: float
    challengers: int

    def to_json(self) -> Json:
        """Write it for the verdict's figures."""
        rounded = {name: round(getattr(self, name), 6) for name in ("gain", "bound", "observed")}
        return rounded | {"challengers": self.challengers}


def claim(gains: Sequence[Gain], smallest: float) -> Claim:
    """Shrink the last gain towards what all of them say.

    True gains are normal around a mean that is normal around 0, with a spread that is half-normal, both at a quarter of
    the smallest gain; mean and spread are integrated out.

    Args:
        gains: Of all judged challengers, oldest first; the claimed one is the last.
        smallest: The smallest gain worth having.

    Returns:
        The posterior mean, and 1.645 posterior standard deviations as its bound.
    """
    last, scale = gains[-1], PRIOR * smallest
    weights, means, spreads = [], [], []
    for step in GRID:
        spread = (step * scale) ** 2
        each = [(gain.estimate, gain.error**2 + spread) for gain in gains]
        precision = 1 / scale**2 + sum(1 / v for _, v in each)
        centre = sum(x / v for x, v in each) / precision
        fit = sum(x * x / v + math.log(v) for x, v in each) - precision * centre**2 + math.log(precision)
        weights.append(-fit / 2 - step**2 / 2)
        kept = spread / (spread + last.error**2)
        means.append(kept * last.estimate + (1 - kept) * centre)
        spreads.append(kept * last.error**2 + (1 - kept) ** 2 / precision)
    top = max(weights)
    share = [math.exp(w - top) for w in weights]
    total = sum(share)
    mean = sum(s * m for s, m in zip(share, means, strict=True)) / total
    second = sum(s * (v + m * m) for s, m, v in zip(share, means, spreads, strict=True)) / total
    return Claim(mean, REACH * math.sqrt(max(second - mean**2, 0.0)), last.estimate, len(gains))
