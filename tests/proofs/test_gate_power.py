"""The simulation of power, and of guards on healthy challengers."""

from __future__ import annotations

from proofs import gate_power


def test_power_that_is_not_met_is_seen() -> None:
    """Four points off are too many, and so are guards that refuse one in ten."""
    part = {"case": "roc_auc", "gains": [0.01], "challengers": 3000, "shown": [2400], "stated": [2400.0], "refused": 0}
    assert gate_power.judge([part])[0]
    assert not gate_power.judge([part | {"stated": [2520.0]}])[0]
    assert not gate_power.judge([part | {"refused": 300}])[0]


def test_a_sample_of_healthy_challengers() -> None:
    """Of 60 with a true gain most are shown, about as many as was stated, and hardly any is refused by a guard."""
    shown, stated, refused = gate_power.simulate("accuracy", (28, 0.0), 0.035, 60, [1], watch=True)
    assert shown > 45
    assert abs(stated - shown) < 10
    assert refused <= 8
