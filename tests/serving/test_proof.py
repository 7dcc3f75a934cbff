"""What proves a fast way finds what differs from the pipeline, in what a model sees and in what it answers."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.pipeline import Pipeline

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.fast import Fast, compiled
from include.ratchet.serving.proof import identical, is_same
from include.ratchet.serving.reader import MAX_ROWS, Table
from tests.serving.fakes import COLUMNS, prepared

NUMBERS = Columns(id=("id",), label="y", numeric=tuple("abcdef"))
LINEAR = "sklearn.linear_model.LogisticRegression"


def test_what_differs_is_not_used() -> None:
    """A leaf, a filling or a category that is another one is found by the proof."""
    pipeline = prepared(COLUMNS)
    fast = compiled(pipeline, COLUMNS)
    assert fast is not None
    assert fast.trees is not None
    assert is_same(fast, pipeline, COLUMNS)
    wrong_start = replace(fast, trees=replace(fast.trees, start=(fast.trees.start[0] + 1e-9,)))
    first = fast.numbers[0]
    wrong_fill = replace(fast, numbers=(replace(first, missing=((first.place, 0.25), *first.missing[1:])), *fast.numbers[1:]))
    name, table = fast.words[0]
    wrong_word = replace(fast, words=((name, {**table, "UA": table["AA"]}),))
    for each in (wrong_start, wrong_fill, wrong_word):
        assert not is_same(each, pipeline, COLUMNS)


def test_many_rows_that_differ_are_found() -> None:
    """The proof looks at the preparation of a table too."""

    class Wrong(Fast):
        def matrix(self, table: Table) -> npt.NDArray[np.float64]:
            found = super().matrix(table)
            found[-1, -1] += 1e-9
            return found

    pipeline = prepared(COLUMNS)
    found = compiled(pipeline, COLUMNS)
    assert found is not None
    assert not is_same(Wrong(**{each.name: getattr(found, each.name) for each in fields(found)}), pipeline, COLUMNS)


@pytest.mark.parametrize("columns", [COLUMNS, NUMBERS], ids=["words and numbers", "numbers"])
def test_another_order_in_memory_is_found(columns: Columns) -> None:
    """The values are the same; what a linear model makes of them would not be, to the last bit."""
    pipeline = prepared(columns, LINEAR)
    found = compiled(pipeline, columns)
    assert found is not None
    assert not is_same(replace(found, order="C" if found.order == "F" else "F"), pipeline, columns)


class Watched:
    """A model that answers by what `off` adds to each row, and remembers how many rows it was asked for."""

    def __init__(self, off: Any) -> None:
        """Take what is added."""
        self.off = off
        self.asked: list[int] = []

    def predict(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Answer."""
        self.asked.append(len(rows))
        answers: npt.NDArray[np.float64] = rows.sum(axis=1) + self.off(self)
        return answers


def test_the_models_answers_are_compared() -> None:
    """Of the largest request too: a model whose answers to the same rows differ there, and only there, has no fast way."""
    prepare = prepared(COLUMNS, LINEAR)[0]
    steady, moody = Watched(lambda _: 0.0), Watched(lambda model: 1e-9 * len(model.asked) if model.asked[-1] == MAX_ROWS else 0.0)
    assert compiled(Pipeline([("prepare", prepare), ("model", steady)]), COLUMNS) is not None
    assert compiled(Pipeline([("prepare", prepare), ("model", moody)]), COLUMNS) is None
    assert moody.asked.count(MAX_ROWS) == 2


def test_identical_is_to_the_bit() -> None:
    """Zeros have signs, words are words, and one NaN is as good as another."""
    assert identical(np.array([np.nan, -0.0, 1.0]), np.array([np.nan, -0.0, 1.0]))
    assert not identical(np.array([0.0]), np.array([-0.0]))
    assert not identical(np.array([1.0]), np.array([np.nextafter(1.0, 2.0)]))
    assert not identical(np.array([1.0]), np.array([1.0, 1.0]))
    assert identical(np.array(["a", "b"]), np.array(["a", "b"]))
    assert not identical(np.array(["a"]), np.array(["b"]))
