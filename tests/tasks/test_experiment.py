"""An experiment goes the same way as a training run, and can neither register nor bless."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.errors import RegistryError, Skip, SpecError
from include.ratchet.domain.records import Json
from include.ratchet.tasks import arbitrate, snapshot, train
from tests.tiny import MODEL, MODEL_YAML, Project

FOREST = {"name": "forest", "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}


def try_out(project: Project, **params: Any) -> list[Json]:
    """Go as far as an experiment goes: arbitrate, snapshot, fit."""
    run = project.run(arbitrate.arbitrate, MODEL, experiment=True, **params)
    return [project.run(train.fit, job) for job in project.run(snapshot.snapshot, run)]


def test_it_registers_nothing_and_blesses_nothing(landed: Project) -> None:
    """After all its steps, twice, no version, no run, no verdict and no promotion is there; the signals stay as they were."""
    before = open_ledger().signals(MODEL)
    for _ in range(2):
        fitted = try_out(landed)
        with pytest.raises(
            Skip, match=r"an experiment, tracked and never registered: logistic 0\.9\d+; experiment buys_experiments, run \w+"
        ):
            landed.run(train.register, fitted)
    ledger = open_ledger()
    assert (ledger.runs(MODEL), ledger.verdicts(MODEL), ledger.champion(MODEL)) == ([], [], None)
    assert ledger.signals(MODEL) == before
    with pytest.raises(RegistryError, match="registered are none"):
        open_registry().get(MODEL, 1)


def test_what_claims_to_be_a_challenger_is_not_judged(blessed: Project) -> None:
    """Even with the version of another run in its hand, an experiment gets no verdict."""
    fitted = try_out(blessed)
    before = open_ledger().verdicts(MODEL)
    forged = {"run": fitted[0]["snapshot"]["run"], "snapshot": fitted[0]["snapshot"], "version": 1, "chosen": "tree"}
    with pytest.raises(RegistryError, match="is an experiment of buys; it is never judged or blessed"):
        blessed.run(train.judge, forged)
    assert open_ledger().verdicts(MODEL) == before


def test_it_takes_other_candidates_and_other_parameters(landed: Project) -> None:
    """A candidate of its own, and one of the spec's with other parameters; those of the spec alone are left out unless asked for."""
    overrides = {"candidates": [FOREST, {"name": "tree", "params": {"max_depth": 2}}], "folds": 2}
    fitted = try_out(landed, overrides=overrides)
    assert [each["name"] for each in fitted] == ["forest", "tree"]
    assert [each["best"]["params"] for each in fitted] == [{"n_estimators": 5}, {"max_depth": 2}]
    assert {len(each["best"]["scores"]) for each in fitted} == {2}
    only = try_out(landed, overrides=overrides, candidates=["logistic"])
    assert [each["name"] for each in only] == ["logistic"]


def test_it_asks_for_a_window_like_any_run(landed: Project) -> None:
    """Fifty days of forty rows."""
    assert {each["snapshot"]["rows"] for each in try_out(landed, window="50d")} == {2000}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"split": {"test": "1d"}}, "split: found; allowed are candidates, folds, budget, seed"),
        ({"candidates": [{"name": "forest"}]}, "found 'forest' without an estimator; allowed without one are logistic, tree"),
        ({"candidates": [{**FOREST, "estimator": "os.system"}]}, "found 'os.system'; allowed are classes of"),
        ({"candidates": [{**FOREST, "estimator": "sklearn.ensemble.RandomForest"}]}, "cannot be imported"),
        ({"candidates": "forest"}, "allowed is a mapping of candidates"),
        ({"folds": 0}, "folds: found 0"),
    ],
)
def test_overrides_that_cannot_be(landed: Project, overrides: Json, said: str) -> None:
    """They are read as strictly as model.yaml, before any work."""
    with pytest.raises(SpecError) as caught:
        landed.run(arbitrate.arbitrate, MODEL, experiment=True, overrides=overrides)
    assert said in str(caught.value)


def test_overrides_are_for_experiments_only(landed: Project) -> None:
    """What is registered is trained by the reviewed spec alone; nothing is recorded."""
    with pytest.raises(SpecError, match="found without experiment: true"):
        landed.run(arbitrate.arbitrate, MODEL, overrides={"candidates": [FOREST]})
    assert open_ledger().runs(MODEL) == []


def test_a_training_run_is_not_touched_by_an_experiment(landed: Project) -> None:
    """The budget, the cooldown and the new rows are those of before: an experiment is no run."""
    landed.write(model=MODEL_YAML.replace("    triggers:\n", "    triggers:\n      budget: {runs_per_day: 1}\n"))
    try_out(landed)
    landed.run_id = "real"
    assert "new data" in landed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"]
