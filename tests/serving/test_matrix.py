"""Many rows past pandas: the same matrix as the pipeline's own preparation makes, to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.checks import naming
from include.ratchet.serving.fast import Change, Fast, compiled
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.matrix import lookup, matrix
from include.ratchet.serving.proof import identical
from include.ratchet.serving.reader import MAX_ROWS, Reader, Table
from tests.serving.fakes import COLUMNS, prepared, toy_records

CASES = [
    f"sklearn.{name}"
    for name in ("ensemble.HistGradientBoostingClassifier", "linear_model.LogisticRegression", "tree.DecisionTreeClassifier")
]
ODD: list[dict[str, Any]] = [
    dict.fromkeys(COLUMNS.features),
    {"distance": 1e30, "hour": -0.0, "carrier": "never heard of"},
    {"distance": -5e-324, "hour": 2**60 + 1, "carrier": ""},
]
WORDS = st.one_of(st.none(), st.sampled_from(["UA", "AA", "B6", "", "never"]), st.text(max_size=3))
ROWS = st.fixed_dictionaries(
    {"distance": st.none() | st.floats(allow_nan=False, allow_infinity=False), "hour": st.none() | st.integers(-50, 50), "carrier": WORDS}
)


def table_of(rows: list[dict[str, Any]], columns: Columns = COLUMNS) -> Table:
    """Return rows as arrays."""
    frame = to_frame(columns, rows)
    return {name: frame[name].to_numpy() for name in columns.features}


@pytest.mark.parametrize("estimator", CASES)
def test_it_is_the_preparations_own(estimator: str) -> None:
    """Codes or a column per word, filled and scaled or not; and so is what the model answers to 5,000 rows of a request."""
    pipeline = prepared(COLUMNS, estimator)
    rows = [*toy_records(5000, seed=4), *ODD]
    read = Reader(COLUMNS, naming(COLUMNS)).read(json.dumps({"records": rows}).encode())
    fast = compiled(pipeline, COLUMNS)
    assert read is not None
    assert fast is not None
    found = fast.matrix(read)
    assert identical(found, np.asarray(pipeline[:-1].transform(to_frame(COLUMNS, rows))))
    assert identical(fast.model.predict_proba(found), pipeline.predict_proba(to_frame(COLUMNS, rows)))


DRAW = np.random.default_rng(5)
KINDS = {
    "numbers, linear": (0, 6, "linear_model.LogisticRegression", None),
    "numbers, linear, classes": (0, 6, "linear_model.LogisticRegression", np.array(["a", "b", "c"])[np.arange(400) % 3]),
    "numbers, regression": (0, 6, "linear_model.Ridge", DRAW.normal(size=400)),
    "numbers, boosted": (0, 6, "ensemble.HistGradientBoostingRegressor", DRAW.normal(size=400)),
    "numbers, layers": (0, 6, "neural_network.MLPRegressor", DRAW.normal(size=400)),
    "words, linear": (4, 2, "linear_model.LogisticRegression", None),
    "words, linear, classes": (4, 12, "linear_model.LogisticRegression", np.array(["a", "b", "c"])[np.arange(400) % 3]),
    "words, regression": (3, 12, "linear_model.Ridge", DRAW.normal(size=400)),
    "words, tree": (3, 12, "tree.DecisionTreeRegressor", DRAW.normal(size=400)),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_request_is_answered_as_the_pipeline_answers_it(kind: str) -> None:
    """To the last bit, for every kind of model: BLAS is given the same numbers in the same order of memory."""
    words, numbers, estimator, y = KINDS[kind]
    columns = Columns(
        id=("id",), label="y", numeric=tuple(f"n{i}" for i in range(numbers)), categorical=tuple(f"w{i}" for i in range(words))
    )
    pipeline = prepared(columns, f"sklearn.{estimator}", y)
    table: Table = {name: DRAW.normal(size=MAX_ROWS) for name in columns.numeric}
    table |= {name: DRAW.choice(np.array(["UA", "B6", None, "never"], dtype=object), MAX_ROWS) for name in columns.categorical}
    fast = compiled(pipeline, columns)
    assert fast is not None
    for ask in ("predict_proba", "predict"):
        if hasattr(pipeline, ask):
            assert identical(getattr(fast.model, ask)(fast.matrix(table)), getattr(pipeline, ask)(to_frame(columns, table)))


PIPELINES = [(each, compiled(each, COLUMNS)) for each in (prepared(COLUMNS, estimator) for estimator in CASES[:2])]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=8), st.sampled_from(PIPELINES))
def test_any_rows_that_may_be_sent(rows: list[dict[str, Any]], case: tuple[Any, Fast | None]) -> None:
    """Of any words, nulls and finite numbers."""
    pipeline, fast = case
    assert fast is not None
    with np.errstate(over="ignore"):
        expected = np.asarray(pipeline[:-1].transform(to_frame(COLUMNS, rows)))
        assert identical(fast.matrix(table_of(rows)), expected)


def test_words_alone_or_numbers_alone() -> None:
    """A version may have been fitted on either."""
    for columns in (
        COLUMNS.model_copy(update={"categorical": ()}),
        Columns(id=("id",), label="y", numeric=("a", "b"), categorical=("w", "v")),
    ):
        pipeline = prepared(columns, CASES[1])
        fast = compiled(pipeline, columns)
        rows = [dict.fromkeys(columns.features, value) for value in (None, 1)]
        assert fast is not None
        assert identical(fast.matrix(table_of(rows, columns)), np.asarray(pipeline[:-1].transform(to_frame(columns, rows))))


def test_a_word_changes_its_own_places() -> None:
    """One that changes nothing leaves the row as it was, and so does one that was never heard of."""
    found = lookup("w", {"a": ((2, 1.0),), "b": ((0, 5.0), (2, 3.0)), None: ()}, [0.5, 0.0, 0.25])
    assert found.places == (0, 2)
    table = {"w": np.array(["b", "never", "a", None], dtype=object)}
    assert matrix([0.5, 0.0, 0.25], [found], [], table, "C").tolist() == [
        [5.0, 0.0, 3.0],
        [0.5, 0.0, 0.25],
        [0.5, 0.0, 1.0],
        [0.5, 0.0, 0.25],
    ]


def test_words_of_one_change_share_a_line() -> None:
    """A column of 20,000 words, nearly all of them rare, keeps a line for each place and for the rare; they are looked up as before."""
    rare: dict[str | None, Change] = {f"w{number}": ((99, 1.0),) for number in range(20_000)}
    found = lookup("w", {**rare, **{f"often{number}": ((number, 1.0),) for number in range(99)}, None: ()}, [0.0] * 100)
    assert found.values.shape == (102, 100)
    table = {"w": np.array(["w0", "w19999", "often7", None, "never"], dtype=object)}
    made = matrix([0.0] * 100, [found], [], table, "C")
    assert [np.flatnonzero(row).tolist() for row in made] == [[99], [99], [7], [], []]


@pytest.mark.parametrize("estimator", CASES[:2])
def test_many_rare_words_are_the_preparations_own(estimator: str) -> None:
    """Of a fitted column too: what is infrequent to the encoder takes one line, and every word is prepared as the pipeline does."""
    words = [f"w{number}" for number in range(2000)]
    rows = [{"distance": 1.0, "hour": place % 24, "carrier": word} for place, word in enumerate([*words, *words[:9] * 30])]
    frame = to_frame(COLUMNS, rows)
    pipeline = prepared(COLUMNS, estimator).fit(frame, np.arange(len(rows)) % 2)
    fast = compiled(pipeline, COLUMNS)
    assert fast is not None
    assert len(fast.lookups[0].values) < 260
    assert identical(fast.matrix(table_of(rows)), np.asarray(pipeline[:-1].transform(frame)))
