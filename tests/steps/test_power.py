"""Power by a known error, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from include.ratchet.domain.gate import Measured
from include.ratchet.steps import power

SEEN = Measured("gain over the champion", 0.01, -0.02, error=0.01, blocks=28, freedom=1_000_000)


def test_with_a_known_error_it_is_the_normal_power() -> None:
    """At 1.645 errors beyond the null it is one half, at the null it is alpha."""
    assert power.power(1.6449, 1.0, 10**9, 0.05) == pytest.approx(0.5, abs=1e-3)
    assert power.power(0.0, 1.0, 10**9, 0.05) == pytest.approx(0.05, abs=1e-6)
    assert (power.power(0.1, 0.0, 5, 0.05), power.power(0.0, 0.0, 5, 0.05)) == (1.0, 0.0)


def test_the_reach_has_eighty_percent() -> None:
    """What is said to be detectable is detected with that power."""
    assert power.power(power.reach(0.3, 7, 0.01), 0.3, 7, 0.01) == pytest.approx(0.8)


def test_a_proof_says_what_it_could_have_shown() -> None:
    """From the null of -0.02 with an error of 0.01: by hand, for gains over zero."""
    made = power.of_proof(SEEN, 0.05, {"0": 0.0, "smallest_gain": 0.005}, 0.0)
    assert made.power == pytest.approx({"0": norm.cdf(2 - 1.645), "smallest_gain": norm.cdf(2.5 - 1.645)}, abs=1e-3)
    assert made.detectable == pytest.approx(-0.02 + 2.486 * 0.01, abs=1e-4)
    assert made.needed == {"smallest_gain": int(np.ceil(28 * (2.4865 / 2.5) ** 2)), "observed": 20}


def test_nothing_is_needed_for_what_was_not_observed() -> None:
    """A gain that is negative has no blocks that would show it; a gain within the null's reach has none either."""
    made = power.of_proof(Measured("gain", -0.01, 0.0, error=0.01, blocks=28, freedom=20), 0.05, {"smallest_gain": 0.01}, 0.0)
    assert list(made.needed) == ["smallest_gain"]


def test_a_guard_says_what_it_would_have_caught() -> None:
    """The value below its bound that is shown with 80 % power; without an error there is none."""
    made = power.of_guard(Measured("segment a=1", 0.0, -0.02, error=0.01, blocks=28, freedom=10), 0.0125)
    assert made.detectable == pytest.approx(-0.02 - power.reach(0.01, 10, 0.0125))
    assert power.of_guard(Measured("segment a=1", None, -0.02), 0.0125).detectable is None
