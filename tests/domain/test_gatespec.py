"""The `gate:` part: bounds are read, or refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ratchet.domain.gatespec import Bound, Gate


@pytest.mark.parametrize(
    ("text", "bound"),
    [(">= 0.60", Bound(">=", 0.6)), ("<= -12", Bound("<=", -12.0)), ("  >=1e-3 ", Bound(">=", 0.001))],
)
def test_bounds(text: str, bound: Bound) -> None:
    """A bound is a sign and a number."""
    assert Gate(metric="auc", business={"auc": text}).bounds == {"auc": bound}


@pytest.mark.parametrize("text", ["0.6", "> 0.6", "== 1", ">= high", ">= 0.6 and more"])
def test_refuses_other_bounds(text: str) -> None:
    """Anything else is refused, with the form that is allowed."""
    with pytest.raises(ValidationError, match='allowed is ">= number" or "<= number"'):
        Gate(metric="auc", business={"auc": text})


def test_a_gate_without_a_business_bound_cannot_be_written() -> None:
    """Fail closed: the business says what is good enough, or nothing is."""
    with pytest.raises(ValidationError, match="business"):
        Gate(metric="auc", business={})


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_levels_that_prove_nothing_are_refused(alpha: float) -> None:
    """An error rate of a half is a coin."""
    with pytest.raises(ValidationError, match="alpha"):
        Gate(metric="auc", business={"auc": ">= 0"}, alpha=alpha)
