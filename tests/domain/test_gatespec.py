"""The `gate:` part: bounds are read, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.gatespec import Against, Behaviour, Bound, Gate, Reuse


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


@pytest.mark.parametrize(
    ("mode", "by_hand", "null"), [(None, False, -0.02), (None, True, 0.0), ("non_inferior", True, -0.02), ("superior", False, 0.0)]
)
def test_what_must_be_shown_by_whose_choice(mode: Any, by_hand: bool, null: float) -> None:  # noqa: FBT001 - a case
    """A retrain must not be worse by the margin, a choice by hand must be better, unless the spec says which."""
    assert Against(mode=mode, margin=0.02).null(by_hand=by_hand) == null


def test_a_behaviour_test_is_named_by_what_it_does() -> None:
    """Numbers are added to, words replace."""
    made = Behaviour.model_validate({"change": {"temp": +10, "origin": "JFK"}, "expect": "up"})
    assert made.name == "origin=JFK temp+10 up"


@pytest.mark.parametrize("looks", [0, -1])
def test_no_look_at_all_is_refused(looks: int) -> None:
    """Test rows that no verdict may see decide nothing."""
    with pytest.raises(ValidationError, match="looks"):
        Reuse(looks=looks)
