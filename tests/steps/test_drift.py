"""Drift: the dialled rate on null streams, planted shifts found, trifles quiet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from include.ratchet.steps.drift import Rule, judge, shifts, stability
from include.ratchet.steps.sketch import Sketch, sketch, sketch_like
from proofs.inside.drift import frame, null_alarms

SEED = 7


def _reference(held: pd.DataFrame, count: int = 20) -> tuple[Sketch, ...]:
    return sketch(held, np.arange(len(held)) * count // len(held), SEED)


def _judge(held: pd.DataFrame, *windows: pd.DataFrame, floor: float = 0.0, **more: Any) -> dict[str, Any]:
    reference = _reference(held)
    found = [sketch_like(reference, each, SEED) for each in windows]
    return judge(reference, found, Rule(0.02, min(2, len(found)), len(found), floor), **more)


@pytest.mark.parametrize(("columns", "phi"), [(5, 0.0), (5, 0.7), (50, 0.0)])
def test_an_undrifted_model_is_in_alarm_as_often_as_dialled(columns: int, phi: float) -> None:
    """A fresh reference every time: at most twice the dial, by a binomial limit of 0.1 %."""
    repeats = 200 if columns < 10 else 40
    alarms = sum(null_alarms(rows=100, columns=columns, phi=phi, seed=seed, dial=0.02) for seed in range(repeats))
    assert alarms <= stats.binom.isf(0.001, repeats, 2 * 0.02)


def test_a_constant_that_moves_is_found() -> None:
    """The index reads 0.0 there, for it has no bins to move between."""
    held = pd.DataFrame({"x": np.full(1000, 5.0)})
    moved = _judge(held, pd.DataFrame({"x": np.full(100, 6.0)}))
    assert [each["aspect"] for each in moved["alarms"]] == ["moved"]
    assert not _judge(held, held.head(100))["alarm"]


def test_columns_that_stop_going_together_are_found() -> None:
    """No column alone moves: their correlation turns around, and projections see it."""
    draw = np.random.default_rng(2)

    def pair(rows: int, sign: float) -> pd.DataFrame:
        one = draw.normal(size=rows)
        return pd.DataFrame({"one": one, "other": sign * (0.9 * one + 0.44 * draw.normal(size=rows))})

    found = _judge(pair(10_000, 1.0), pair(1000, -1.0))
    assert found["alarm"]
    assert all(each["column"].startswith("projection") for each in found["alarms"])


def test_a_trifle_is_quiet_however_sure() -> None:
    """A fiftieth of a standard deviation on a million counted rows is certain, and too small to matter."""
    draw = np.random.default_rng(3)
    held, window = (pd.DataFrame({"x": draw.normal(size=400_000) + by}) for by in (0.0, 0.02))
    assert _judge(held, window)["alarm"]
    assert not _judge(held, window, floor=0.03)["alarm"]


def test_too_few_rows_abstain() -> None:
    """Under 20 effective rows nothing is said, in either way."""
    draw = np.random.default_rng(4)
    held = frame(draw, 1000, 2, 0.0)
    reference = _reference(held)
    window = sketch_like(reference, frame(draw, 15, 2, 0.0), SEED)
    assert {each.p for each in shifts(reference, window)} == {None}


def test_alarms_are_ranked_by_what_they_cost() -> None:
    """The column that the model leans on stands first, though the other moved further."""
    draw = np.random.default_rng(5)
    held = pd.DataFrame({"idle": draw.normal(size=5000), "leaned on": draw.normal(size=5000)})
    window = pd.DataFrame({"idle": draw.normal(size=1000) + 1.0, "leaned on": draw.normal(size=1000) + 0.5})
    found = _judge(held, window, floor=0.03, importance={"leaned on": 0.1})
    assert found["alarms"][0]["column"] == "leaned on"
    assert found["alarms"][0]["cost"] > 0


def test_one_window_off_is_no_alarm_where_two_are_asked() -> None:
    """Persistence: the same test must be beyond in k of the m windows."""
    draw = np.random.default_rng(6)
    held, calm = frame(draw, 10_000, 2, 0.0), [frame(draw, 1000, 2, 0.0) for _ in range(2)]
    off = frame(draw, 1000, 2, 0.0)
    off["number 0"] += 1.0
    assert not _judge(held, *calm, off)["alarm"]
    assert _judge(held, calm[0], off, off)["alarm"]


def test_stability_is_zero_on_the_same_counts() -> None:
    """PSI by its usual formula over ten groups."""
    counts = np.full(20, 50)
    assert stability(counts, counts) == pytest.approx(0.0)
    assert stability(counts, np.append(np.zeros(10, int), np.full(10, 100))) > 1
