"""Sorting rows: clean, quarantined with the rules they broke, or the whole batch stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ratchet.domain.errors import QualityError, SpecError
from include.ratchet.domain.feedspec import BATCH_COLUMN, FeedSpec
from include.ratchet.steps.decode import Decoded
from include.ratchet.steps.validate import Sorted, sort_rows
from tests.makers import feed_spec

BETWEEN = {"type": "expect_column_values_to_be_between", "column": "v", "min_value": 0, "max_value": 10}


def spec_of(*expectations: dict[str, Any], allowed: float = 1.0, **changes: Any) -> FeedSpec:
    """Make a feed with expectations and a quarantine that takes everything unless told otherwise."""
    return feed_spec(expectations=list(expectations), quarantine={"max_fraction": allowed}, **changes)


def batch(values: Sequence[float | None], ids: list[int] | None = None, faults: dict[str, list[int]] | None = None) -> Decoded:
    """Make a decoded batch."""
    ids = ids or list(range(len(values)))
    rows = pa.table({"id": pa.array(ids, pa.int64()), "v": pa.array(values, pa.float64())})
    original = pa.table({"id": [f"{i:03}" for i in ids], "v": [None if v is None else f"{v:.1f}" for v in values]})
    return Decoded(rows, original, faults or {})


def rules(found: Sorted) -> dict[int, str]:
    """Return the broken rules by position."""
    bad = found.quarantined().read_all()
    return dict(zip(bad["position"].to_pylist(), bad["rules"].to_pylist(), strict=True))


def test_bad_rows_are_quarantined_with_what_came() -> None:
    """A bad row leaves the batch, with its position, its rule, its batch and the cells as they came."""
    found = sort_rows(batch([1, 20, 3]), spec_of(BETWEEN), "sha")
    assert found.clean().read_all().to_pylist() == [{"id": 0, "v": 1.0, BATCH_COLUMN: "sha"}, {"id": 2, "v": 3.0, BATCH_COLUMN: "sha"}]
    (bad,) = found.quarantined().read_all().to_pylist()
    assert (bad["batch"], bad["position"], bad["rules"]) == ("sha", 1, "expect_column_values_to_be_between:v")
    assert json.loads(bad["original"]) == {"id": "001", "v": "20.0"}


def test_the_faults_of_decoding_are_quarantined_too() -> None:
    """A row with a cell that did not read carries that rule beside those of the suite."""
    found = sort_rows(batch([1, 20, 3], faults={"type:w": [0, 1]}), spec_of(BETWEEN), "sha")
    assert rules(found) == {0: "type:w", 1: "type:w, expect_column_values_to_be_between:v"}


def test_route_stop_stops_the_batch() -> None:
    """One row that breaks a rule with route stop refuses all."""
    with pytest.raises(QualityError, match="expect_column_values_to_be_between:v: 1 rows"):
        sort_rows(batch([1, 20, 3]), spec_of(BETWEEN | {"route": "stop"}), "sha")


def test_route_warn_lets_rows_through() -> None:
    """A warning counts and keeps the rows."""
    found = sort_rows(batch([1, 20, 30]), spec_of(BETWEEN | {"route": "warn"}), "sha")
    assert found.warnings == {"expect_column_values_to_be_between:v": 2}
    assert (found.positions.size, found.bad.size) == (3, 0)


def test_a_rule_about_the_whole_batch_stops_it() -> None:
    """An expectation that names no rows cannot quarantine any: it stops, and says what was seen."""
    with pytest.raises(QualityError, match="observed 3"):
        sort_rows(batch([1, 2, 3]), spec_of({"type": "expect_table_row_count_to_be_between", "min_value": 100}), "sha")


def test_mostly_keeps_the_exceptions() -> None:
    """A rule that holds for most rows is not broken by the others."""
    assert sort_rows(batch([1, 2, 30]), spec_of(BETWEEN | {"mostly": 0.6}), "sha").positions.size == 3


def test_more_bad_rows_than_allowed_stop_the_batch() -> None:
    """The quarantine has a budget; beyond it the batch stops, with counts and an example by row number."""
    values = [1.0] * 9 + [99.0]
    assert sort_rows(batch(values), spec_of(BETWEEN, allowed=0.1), "sha").bad.size == 1
    with pytest.raises(QualityError, match=r"(?s)1 of 10 rows are bad; allowed are 9.0%.*1 rows, such as row 10"):
        sort_rows(batch(values), spec_of(BETWEEN, allowed=0.09), "sha")


def test_two_rules_of_one_kind_on_one_column() -> None:
    """The same check twice with other arguments: the rows of both are quarantined, not of the last only."""
    low, high = BETWEEN | {"max_value": 100}, BETWEEN | {"min_value": -100}
    assert set(rules(sort_rows(batch([-1, 5, 20]), spec_of(low, high), "sha"))) == {0, 2}


def test_of_repeated_keys_the_last_is_kept() -> None:
    """The last row of a key is the newest word; the earlier ones are quarantined, unless the feed is appended."""
    decoded = batch([1, 2, 3, 4], ids=[7, 8, 7, 7])
    found = sort_rows(decoded, spec_of(), "sha")
    assert found.clean().read_all()["v"].to_pylist() == [2.0, 4.0]
    assert rules(found) == {0: "key:repeated", 2: "key:repeated"}
    assert sort_rows(decoded, spec_of(mode="append"), "sha").positions.size == 4


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"type": "expect_the_best", "column": "v"}, "expect_the_best"),
        (BETWEEN | {"maximum": 3}, "expect_column_values_to_be_between"),
        (BETWEEN | {"column": "nope"}, "expect_column_values_to_be_between:nope"),
    ],
    ids=["unknown expectation", "unknown argument", "unknown column"],
)
def test_an_expectation_that_cannot_run_is_a_fault_of_the_spec(expectation: dict[str, Any], said: str) -> None:
    """The spec is to be mended, not the data: the error names the feed's file and the expectation."""
    with pytest.raises(SpecError, match=r"feeds/f/feed\.yaml: expectations") as error:
        sort_rows(batch([1]), spec_of(expectation), "sha")
    assert said in str(error.value)


def test_no_expectations() -> None:
    """A feed without a suite keeps all rows."""
    assert sort_rows(batch([1, None]), spec_of(), "sha").positions.size == 2


CELLS = st.one_of(st.none(), st.floats(-20, 20).map(lambda v: round(v, 1)))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 5), CELLS), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_nothing_is_lost(rows: list[tuple[int, float | None]], bad: set[int]) -> None:
    """Whatever comes in: each row is in clean or in quarantine, none in both, and none is made up."""
    faults = {"type:w": sorted(i for i in bad if i < len(rows))}
    decoded = batch([v for _, v in rows], [i for i, _ in rows], faults)
    found = sort_rows(decoded, spec_of(BETWEEN), "sha")
    positions = found.quarantined().read_all()["position"].to_pylist()
    kept = Counter((row["id"], row["v"]) for row in found.clean().read_all().to_pylist())
    out = Counter((rows[i][0], rows[i][1]) for i in positions)
    assert len(set(positions)) == len(positions)
    assert kept + out == Counter(rows)
    assert [json.loads(cells) for cells in found.quarantined().read_all()["original"].to_pylist()] == [
        decoded.original.to_pylist()[i] for i in positions
    ]


@pytest.mark.parametrize(("personal", "said"), [([], "observed 20.0"), (["v"], "observed (personal)"), (["id"], "observed 20.0")])
def test_what_was_observed_of_a_personal_column_is_not_shown(personal: list[str], said: str) -> None:
    """The greatest value is somebody's: of a personal column, a refusal says only that the rule was broken."""
    greatest = {"type": "expect_column_max_to_be_between", "column": "v", "max_value": 10, "route": "stop"}
    with pytest.raises(QualityError) as error:
        sort_rows(batch([1, 20]), spec_of(greatest, personal=personal), "sha")
    assert f"expect_column_max_to_be_between:v: {said}" in str(error.value)
    assert ("20" in str(error.value)) == (personal != ["v"])


def test_a_crash_over_a_personal_column_shows_nothing_of_it() -> None:
    """What a check raises may quote the cell that it stumbled over."""
    odd = {"type": "expect_column_values_to_match_strftime_format", "column": "v", "strftime_format": "%Y"}
    with pytest.raises(SpecError, match=r"expect_column_values_to_match_strftime_format:v: \(personal\)"):
        sort_rows(batch([1, 20]), spec_of(odd, personal=["v"]), "sha")


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (pa.array(np.array([1, 2], dtype="float16")), [1.0, 2.0]),
        (pa.array([Decimal("1" * 45), Decimal(2)]), ["1" * 45, "2"]),
        (pa.array([2**60, 0], pa.timestamp("ms")), [f"<value out of range: {2**60}>", "1970-01-01 00:00:00"]),
    ],
    ids=["half", "long", "far"],
)
def test_cells_that_duckdb_does_not_know_are_kept_too(cells: pa.Array, kept: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is sorted whatever types its file holds, slice for slice: DuckDB does not answer any more after some of them."""
    monkeypatch.setattr("include.ratchet.steps.validate.SLICE", 1)
    came = batch([20, 30])
    came = Decoded(came.rows, came.original.append_column("w", cells), {})
    bad = sort_rows(came, spec_of(BETWEEN), "sha").quarantined().read_all()
    assert [json.loads(each) for each in bad["original"].to_pylist()] == [
        {"id": "000", "v": "20.0", "w": kept[0]},
        {"id": "001", "v": "30.0", "w": kept[1]},
    ]


def test_a_column_may_have_any_name() -> None:
    """The name that the rows have among themselves is no column's."""
    came = batch([20])
    original = came.original.append_column("came", pa.array(["x"])).append_column("Came_", pa.array(["y"]))
    bad = sort_rows(Decoded(came.rows, original, {}), spec_of(BETWEEN), "sha").quarantined().read_all()
    assert json.loads(bad["original"][0].as_py()) == {"id": "000", "v": "20.0", "came": "x", "Came_": "y"}
