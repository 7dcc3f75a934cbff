"""Counts over fixed bins, per block: what is told apart, and what is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.ratchet.steps.sketch import BLOCKS, PROJECTIONS, blocks, from_table, ridits, sketch, sketch_like, to_table

ROWS = 1000


def _frame(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    colour = draw.choice(["red", "green", "blue"], rows).astype(object)
    return pd.DataFrame({"x": draw.normal(size=rows), "colour": colour, "constant": np.full(rows, 3.0)})


def _blocks(rows: int = ROWS) -> np.ndarray:
    return np.arange(rows) * BLOCKS // rows


def test_every_row_is_counted_once_in_its_block() -> None:
    """Bins, what is beyond them and the missing add up to the rows of each block."""
    frame = _frame()
    frame.loc[:9, "x"] = np.nan
    frame.loc[10:19, "colour"] = None
    for each in sketch(frame, _blocks(), 7):
        assert each.counts.shape == (BLOCKS, len(each.bounds) + 2)
        assert (each.counts.sum(axis=1) == ROWS // BLOCKS).all()
    x, colour, *_ = sketch(frame, _blocks(), 7)
    assert x.counts[0, -1] == colour.counts[0, -1] == 10


def test_a_number_has_at_least_64_bins_and_one_beyond_each_end() -> None:
    """The reference lies within; what a window has below or above falls outside of all of its bins."""
    reference = sketch(_frame()[["x"]], _blocks())
    assert len(reference[0].bounds) == 65
    assert reference[0].counts.sum(axis=0)[[0, -2]].tolist() == [0, 0]
    window = sketch_like(reference, pd.DataFrame({"x": [-99.0, 99.0, np.inf, -np.inf]}))
    assert window[0].counts[0, [0, -2]].tolist() == [2, 2]


def test_a_constant_moves_into_another_bin() -> None:
    """A column that never changed is where every index reads 0.0: below, at and above it are told apart."""
    reference = sketch(_frame()[["constant"]], _blocks())
    window = sketch_like(reference, pd.DataFrame({"constant": [2.0, 3.0, 4.0]}))
    assert window[0].counts[0].tolist() == [1, 1, 1, 0]


def test_a_value_that_the_reference_never_had_is_rare() -> None:
    """Categories beyond the known ones share a bin."""
    reference = sketch(_frame()[["colour"]], _blocks())
    window = sketch_like(reference, pd.DataFrame({"colour": np.array(["mauve", "red", None], dtype=object)}))
    assert window[0].counts[0, -2:].tolist() == [1, 1]


def test_projections_see_how_columns_go_together() -> None:
    """They are as many as told, the same for the same seed, and none without one."""
    reference = sketch(_frame(), _blocks(), 7)
    assert sum(each.kind == "projection" for each in reference) == PROJECTIONS
    again = sketch(_frame(), _blocks(), 7)
    assert all((one.counts == other.counts).all() for one, other in zip(reference, again, strict=True))
    assert {each.kind for each in sketch(_frame(), _blocks())} == {"number", "category"}


def test_sketches_survive_parquet() -> None:
    """What is laid out is read back as it was."""
    made = sketch(_frame(), _blocks(), 7)
    for one, other in zip(made, from_table(to_table(made)), strict=True):
        assert (one.name, one.kind, one.bounds) == (other.name, other.kind, other.bounds)
        assert (one.counts == other.counts).all()


def test_a_column_without_values_is_all_missing() -> None:
    """An all-empty column is a column."""
    (made,) = sketch(pd.DataFrame({"x": np.full(40, np.nan)}), _blocks(40))
    assert made.counts.sum(axis=0).tolist() == [0, 40]


def test_blocks_are_whole_days_and_enough() -> None:
    """Of a half year they are as long as a window; of a short time there are still 20."""
    times = pd.Series(pd.date_range("2020-01-01", periods=180 * 24, freq="h", tz="UTC"))
    week = pd.Timedelta("7D")
    assert len(np.unique(blocks(times, len(times), week, 0))) == 25
    few = times[:48]
    assert len(np.unique(blocks(few, len(few), week, 0))) == BLOCKS
    assert len(np.unique(blocks(None, 100, week, 0))) == 2 * BLOCKS


def test_ridits_are_middle_ranks() -> None:
    """The share below plus half of the own bin."""
    assert ridits(np.array([2, 0, 2])).tolist() == [0.25, 0.5, 0.75]
