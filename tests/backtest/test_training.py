"""Windows of the past: what has no model, and what cannot be measured."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.backtest import planning, training
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, SpecError
from tests.tiny import MODEL, MODEL_YAML, Project

WINDOWS = 4
SEARCHED = MODEL_YAML.replace("params: {max_depth: 4}", "search: {max_depth: [2, 4]}").replace(
    "- {name: logistic, estimator: sklearn.linear_model.LogisticRegression}\n", "\n"
)


@pytest.mark.parametrize(("search", "tried"), [("once", [2, 1]), ("every", [2, 2])])
def test_a_search_is_made_as_often_as_is_asked(landed: Project, search: str, tried: list[int]) -> None:
    """Once: the oldest model that can be searches, and later ones fit what it found; in every window: all of them search."""
    landed.write(model=SEARCHED)
    made = planning.plan(specs.model(MODEL), WINDOWS, search)
    for number in range(1, WINDOWS + 1):
        training.uncover(made, number)
    training.search(made)
    found = {number: training.model_of(made, number) for number in range(1, WINDOWS + 1)}
    trained = [number for number, each in found.items() if "params" in each]
    assert trained == [3, 4]
    for number, trials in zip(trained, tried, strict=True):
        with made.at(number, f"training/{number:03}"):
            recipe = open_ledger().recipe(MODEL, number)
        assert recipe is not None
        assert len(recipe.content["trials"]) == trials
    if search == "once":
        assert found[4]["params"] == found[3]["params"]


def test_an_unknown_search_is_refused(landed: Project) -> None:
    """What is allowed, and the nearest, before anything is planned."""
    with pytest.raises(SpecError, match="found 'onec'; allowed are once and every; did you mean 'once'"):
        planning.plan(specs.model(MODEL), WINDOWS, "onec")
    assert not (landed.home / "backtests").exists()


def test_a_window_whose_training_fails_has_no_model(landed: Project) -> None:
    """A training that Ratchet refuses, for whatever reason, is a window without a model; the others go on."""
    landed.write(model=MODEL_YAML.replace("max_depth: 4", "max_depth: nonsense"))
    made = planning.plan(specs.model(MODEL), WINDOWS)
    training.uncover(made, WINDOWS)
    found = training.model_of(made, WINDOWS)
    assert "candidate tree" in found["skipped"]
    assert "max_depth" in found["skipped"]
    assert found["later"] == {}


def test_a_window_that_cannot_be_read_is_named(landed: Project) -> None:
    """An error of the transform says in which window, and when that was."""
    failing = "SELECT * REPLACE (CAST(error('out of ' || colour) AS DOUBLE) AS x) FROM visits"
    (landed.include / "models" / MODEL / "rows.sql").write_text(failing, encoding="utf-8")
    landed.write(model=MODEL_YAML.replace("feeds: [visits]", "feeds: [visits]\n    transform: rows.sql"))
    made = planning.plan(specs.model(MODEL), WINDOWS)
    training.uncover(made, 2)
    with pytest.raises(DataError, match=r"(?s)^window 2, 2020-01-15 to 2020-01-30, cannot be measured: .*out of (red|green)"):
        training.prepare(made, 2)
