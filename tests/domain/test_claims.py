"""Claimed gains against the hand."""

from __future__ import annotations

import math

import pytest

from include.ratchet.domain import claims
from include.ratchet.domain.claims import claim
from include.ratchet.domain.occasion import Gain


def test_a_precise_gain_is_claimed_as_it_is() -> None:
    """An error of nearly nothing leaves nothing to shrink."""
    made = claim([Gain(0.004, 1e-6)], 0.01)
    assert made.gain == pytest.approx(0.004, rel=1e-3)
    assert made.bound < 1e-4


def test_a_noisy_gain_among_nothing_is_hardly_claimed() -> None:
    """Thirty challengers around zero say that gains are not spread; a lucky one is not believed."""
    made = claim([*[Gain(0.002 * (-1) ** i, 0.01) for i in range(30)], Gain(0.02, 0.01)], 0.01)
    assert 0 < made.gain < 0.006
    assert made.gain + made.bound < 0.02
    assert (made.observed, made.challengers) == (0.02, 31)


def test_a_gain_among_spread_ones_is_believed_more() -> None:
    """Where challengers do differ, the same observation is claimed higher."""
    spread = claim([*[Gain(0.03 * (-1) ** i, 0.01) for i in range(30)], Gain(0.02, 0.01)], 0.01)
    assert 0.01 < spread.gain < 0.02


def test_one_spread_against_the_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a spread of one scale, one gain x with error e has the mean x (2 s^2) / (2 s^2 + e^2): mean and spread both add."""
    monkeypatch.setattr(claims, "GRID", (1.0,))
    scale, x, error = 0.01, 0.02, 0.015
    made = claim([Gain(x, error)], scale / claims.PRIOR)
    prior = 2 * scale**2
    assert made.gain == pytest.approx(x * prior / (prior + error**2))
    assert made.bound == pytest.approx(claims.REACH * math.sqrt(1 / (1 / prior + 1 / error**2)))
    assert made.to_json() == {"gain": round(made.gain, 6), "bound": round(made.bound, 6), "observed": 0.02, "challengers": 1}
