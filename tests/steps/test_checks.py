"""Deterministic findings: what is not plausible is refused, each by its own rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps import checks
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.bench import Bench
from include.ratchet.steps.frames import Split
from tests.makers import model_spec
from tests.steps.worlds import bench_of, said, spec_of

COUNT = 3000
PARTS = Split(train=np.arange(COUNT) < 2000, test=np.arange(COUNT) >= 2000)


def rows(**changes: Any) -> pa.Table:
    """Make 2,000 train and 1,000 test rows."""
    draw = np.random.default_rng(4)
    columns: dict[str, Any] = {
        "id": np.arange(COUNT),
        "x": draw.normal(size=COUNT),
        "c": draw.choice(["a", "b"], COUNT),
        "y": draw.integers(0, 2, COUNT),
    }
    return pa.table(columns | changes)


def sane(table: pa.Table, spec: ModelSpec | None = None, challenger: Answers | None = None) -> dict[str, bool | None]:
    """Return each rule's finding on rows, for a challenger that is right on 80 %."""
    truth: npt.NDArray[Any] = table["y"].to_numpy()
    right = np.where(np.random.default_rng(5).uniform(size=1000) < 0.8, truth[2000:], 1 - truth[2000:])
    spec = spec or spec_of(gate__segments={"margin": 0.1})
    bench = bench_of(spec)
    answers = {"challenger": challenger or said(0.2 + 0.6 * right), "baseline": said(np.full(1000, 0.5))}
    made = Bench(spec, answers, truth[2000:], replace(bench.sampled, of=np.arange(1000) // 40), table.slice(2000))
    return {each.rule: each.ok for each in checks.sanity(made, table, PARTS, truth)}


def test_plausible_rows_pass() -> None:
    """Nothing is found in rows that are as they should be."""
    assert set(sane(rows()).values()) == {True}


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_one_answer_that_is_no_number_is_found(wrong: float) -> None:
    """A ranking metric hardly moves for one row among a thousand, and would take it."""
    scores = np.linspace(0.1, 0.9, 1000)
    scores[-1] = wrong
    assert sane(rows(), challenger=said(scores))["finite answers"] is False


def test_test_rows_that_were_trained_on_are_found_by_id() -> None:
    """One id on both sides is enough."""
    ids = np.arange(COUNT)
    ids[2500] = 7
    assert sane(rows(id=ids))["test rows were not trained on"] is False


def test_an_id_of_two_columns_is_the_pair() -> None:
    """Test rows that share one column of the id with train rows are others; those that share both are the same."""
    spec = spec_of(gate__segments={"margin": 0.1}, columns__id=["id", "shop"])
    ids, shop = np.arange(COUNT) % 2000, np.arange(COUNT) // 2000
    assert sane(rows(id=ids, shop=shop), spec)["test rows were not trained on"] is True
    shop[-1] = 0
    assert sane(rows(id=ids, shop=shop), spec)["test rows were not trained on"] is False


def test_copies_of_train_rows_are_found_by_what_they_hold() -> None:
    """A tenth of the test rows copied from the train rows, under new ids."""
    table = rows()
    copied = {name: table[name].to_numpy(zero_copy_only=False).copy() for name in ("x", "c", "y")}
    for values in copied.values():
        values[2000:2100] = values[:100]
    assert sane(rows(**copied))["test rows were not trained on"] is False


def test_rows_that_repeat_anyway_are_no_copies() -> None:
    """Where features take few values, test rows equal train rows as often as train rows equal each other."""
    assert sane(rows(x=np.zeros(COUNT)))["test rows were not trained on"] is True


def test_swapped_labels_shift_the_balance() -> None:
    """Of 20 % positives in train and 80 % in test the balance is off; of 20 and 30 % it is not."""
    train = (np.arange(COUNT) % 10 < 2).astype(int)
    swapped, drifted = train.copy(), train.copy()
    swapped[2000:], drifted[2000:] = 1 - train[2000:], (np.arange(1000) % 10 < 3).astype(int)
    assert [sane(rows(y=y))["label balance"] for y in (swapped, drifted)] == [False, True]


def test_the_balance_of_numbers_is_their_median() -> None:
    """A test window of labels in other units is off."""
    minutes = np.random.default_rng(6).normal(100, 20, COUNT)
    seconds = minutes.copy()
    seconds[2000:] *= 60
    spec = model_spec(task="regression", gate__metric="r2", gate__business={"r2": ">= 0"})
    said_numbers = Answers(minutes[2000:] + 5)
    found = []
    for y in (minutes, seconds):
        bench = Bench(spec, {"challenger": said_numbers}, y[2000:], bench_of(spec_of()).sampled, pa.table({"y": y[2000:]}))
        found.append(checks._balance(bench, y[:1000]).ok)
    assert found == [True, False]


@pytest.mark.parametrize(("allowed", "ok"), [(0.01, False), (0.0, True)])
def test_what_knows_the_answer_is_suspected(allowed: float, ok: bool) -> None:  # noqa: FBT001 - a case
    """A challenger without any error was told; whoever has such a problem says so with 0."""
    table = rows()
    perfect = said(table["y"].to_numpy()[2000:].astype(float))
    assert sane(table, spec_of(gate__sanity={"too_good": allowed}), perfect)["too good to be true"] is ok


def test_few_test_rows_decide_nothing() -> None:
    """Fewer than the spec's least."""
    assert sane(rows(), spec_of(gate__sanity={"min_rows": 1001}))["enough test rows"] is False


def test_a_segment_that_got_lost_is_found() -> None:
    """Half of the train rows are b, and none of the test rows: they did not vanish by chance."""
    table = rows()
    lost = table["c"].to_numpy(zero_copy_only=False).copy()
    lost[2000:] = "a"
    assert sane(rows(c=lost))["segments are there"] is False
    rare = np.where(np.arange(COUNT) < 20, "b", "a")
    assert sane(rows(c=rare))["segments are there"] is True


def test_looks_are_counted() -> None:
    """The last look allowed is good, one more is open; without time the last one says where the next rows come from."""
    assert ["arrive from now on" in checks.unseen(looks, 2, timed=False).sentence for looks in (0, 1)] == [False, True]
    assert [checks.unseen(looks, 2).ok for looks in (0, 1, 2)] == [True, True, None]
