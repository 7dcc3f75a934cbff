"""From a snapshot to a verdict: what is registered and judged, and what a second call changes (nothing)."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.errors import RegistryError, Skip
from include.ratchet.tasks import arbitrate, snapshot, train
from tests.tiny import MODEL, MODEL_YAML, Project


def test_the_better_candidate_is_registered(landed: Project) -> None:
    """The fitted object with the best validation score becomes version 1, tagged with its snapshot."""
    made = landed.register()
    assert (made["version"], made["chosen"]) == (1, "logistic")
    assert open_registry().get(MODEL, 1).tags["ratchet.snapshot"] == made["snapshot"]["digest"]


def test_fit_is_reproducible(landed: Project) -> None:
    """The same job gives the same score and the same bytes' worth of model."""
    job = landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL))[0]
    first, again = landed.run(train.fit, job), landed.run(train.fit, job)
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_register_is_safe_to_run_again(landed: Project) -> None:
    """A second call finds the version that the first one made, although the fitted files are gone."""
    fitted = [landed.run(train.fit, job) for job in landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL))]
    assert landed.run(train.register, fitted) == landed.run(train.register, fitted)
    with pytest.raises(RegistryError, match="registered are 1"):
        open_registry().get(MODEL, 2)


def test_fitted_files_that_are_gone_before_the_registration_are_named(landed: Project) -> None:
    """Without the files and without a version there is nothing to register, and the message says what to clear."""
    jobs = landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL))
    fitted = [{**landed.run(train.fit, jobs[0]), "path": str(landed.home / "nowhere.skops")}]
    with pytest.raises(RegistryError, match="clear its fit"):
        landed.run(train.register, fitted)


def test_a_good_challenger_is_blessed_once(landed: Project) -> None:
    """The verdict is promote, with all rules passed; judging again gives the same verdict, not another one."""
    challenger = landed.register()
    first, again = landed.run(train.judge, challenger), landed.run(train.judge, challenger)
    assert first["outcome"] == "promote", first["sentence"]
    assert first["digest"] == again["digest"]
    assert len(open_ledger().verdicts(MODEL)) == 1
    assert landed.run(train.bless, first) == {"model": MODEL, "version": 1, "digest": first["digest"]}
    assert open_registry().get(MODEL, 1).tags["ratchet.verdict"] == "promote"


def test_a_refused_challenger_is_skipped_not_failed(landed: Project) -> None:
    """A bound that no model reaches: the verdict is refuse, and bless ends in Skip with the reason."""
    landed.write(model=MODEL_YAML.replace(">= 0.60", ">= 0.999"))
    verdict = landed.train()
    assert verdict["outcome"] == "refuse"
    with pytest.raises(Skip, match="business roc_auc"):
        landed.run(train.bless, verdict)


def test_a_challenger_that_is_the_champion_again_is_refused(serving: Project) -> None:
    """The same data and the same candidate answer every row the same: there is nothing to promote."""
    verdict = serving.train(candidates=["logistic"])
    assert verdict["outcome"] == "refuse"
    assert "differs from the champion" in [rule.rule for rule in open_ledger().verdicts(MODEL)[0].rules if rule.result == "fail"]
