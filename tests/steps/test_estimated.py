"""Windows estimated before their labels, held against labels as they come; seeded worlds of the proof `labels`."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from include.ratchet.domain.records import Window
from include.ratchet.steps.estimated import basis, report, why_not
from proofs.inside import labels as worlds
from proofs.labels import COVERAGE, FALSELY_OFF, FEWEST_OFF, SOON
from tests.makers import model_spec

COUNT = 40
MODEL, FOUND, AFTER, SAID = worlds.world("roc_auc", 0, 7, 0.4, 0.0)
NOW = worlds.START + timedelta(days=28)


@pytest.mark.parametrize("metric", ["roc_auc", "neg_mean_absolute_error"])
def test_the_interval_holds_what_comes(metric: str) -> None:
    """Labels 0 to 60 days late, inputs shifted: at least 90 % of the intervals hold, by a binomial limit of 0.1 %."""
    found = [worlds.covered(metric, 9000 + seed) for seed in range(COUNT)]
    told = [each for each in found if each is not None]
    assert len(told) - sum(told) <= stats.binom.isf(0.001, len(told), 1 - COVERAGE)
    assert found.count(None) <= stats.binom.isf(0.001, COUNT, FALSELY_OFF)


def test_another_meaning_switches_it_off_soon() -> None:
    """Of ten worlds whose inputs lose their meaning, 80 % are off within 1,000 matured labels, by a binomial limit of 0.1 %."""
    counts = [worlds.labels_until_off("roc_auc", 9000 + seed) for seed in range(10)]
    found = sum(each is not None and each <= SOON for each in counts)
    assert found >= stats.binom.ppf(0.001, len(counts), FEWEST_OFF), counts


def test_past_windows_show_what_was_said_and_what_came() -> None:
    """Of matured windows both stand there; of those that wait only the estimate; the sentence says how far off it was."""
    made = worlds.look(MODEL, FOUND, AFTER, SAID, NOW, np.zeros(AFTER.num_rows))
    assert [each["start"] for each in made["windows"]] == ["2013-01-03", "2013-01-10", "2013-01-17", "2013-01-24"]
    assert [each["came"] is not None for each in made["windows"]] == [True, True, True, False]
    assert all(abs(each["came"] - each["then"]) < 0.1 for each in made["windows"][:3])
    assert all(each["low"] < each["estimate"] < each["high"] for each in made["windows"])
    assert made["off"] is None
    assert "3 windows whose labels came" in made["sentence"]


def test_a_drop_that_is_only_estimated_is_an_alarm_of_its_own() -> None:
    """Held against a test metric that it cannot reach, unlabelled windows are estimated worse; without a trigger nothing is."""
    trigger = {"drop": 0.05, "windows": "1 of 3"}
    content = MODEL.model_dump(mode="json")
    spec = MODEL.model_validate(content | {"triggers": {"degradation": trigger}})
    period = Window(worlds.START, worlds.START)
    made = report(spec, FOUND, AFTER, SAID, (1, 0.99), period)
    assert made["degraded"]
    assert "worse than allowed in" in made["sentence"]
    assert report(MODEL, FOUND, AFTER, SAID, (1, 0.99), period)["degraded"] == []
    assert report(spec, FOUND, AFTER, SAID, (1, made["windows"][-1]["estimate"]), period)["degraded"] == []


def test_an_earlier_champions_predictions_are_not_its_own() -> None:
    """Only what this version predicted is estimated."""
    assert report(MODEL, FOUND, AFTER, SAID, (2, 0.8), Window(worlds.START, NOW))["windows"] == []


def test_why_there_is_no_estimate() -> None:
    """R2 is no mean of losses, an AUC of several classes lacks probabilities, and few days have no error."""
    assert "no mean of losses" in str(why_not(model_spec(task="regression", gate__metric="r2", gate__business={"r2": ">= 0"})))
    several = model_spec(task="multiclass", gate__metric="roc_auc_ovr", gate__business={"roc_auc_ovr": ">= 0"})
    assert "all their probabilities" in str(why_not(several))
    assert why_not(model_spec()) is None
    few = worlds.rows(np.random.default_rng(0), 0, 5, 0.0, 0.0, numbers=False)
    reason = basis(MODEL, few, worlds.champion(np.random.default_rng(0), numbers=False))
    assert reason == "400 held-out rows of 5 days; needed are 50 of 20"
    assert report(MODEL, str(reason), AFTER, SAID, (1, 0.8), Window(worlds.START, NOW))["off"] == reason


def test_a_champion_without_an_error_says_nothing_of_errors() -> None:
    """Held-out rows that were all predicted rightly, or a metric without a value there, are no basis: the page says which."""
    held = worlds.rows(np.random.default_rng(0), 0, 28, 0.0, 0.0, numbers=False)
    model = worlds.champion(np.random.default_rng(0), numbers=False)
    strict = MODEL.model_dump(mode="json")
    strict["gate"] |= {"metric": "precision", "threshold": 0.999999, "business": {"precision": ">= 0"}}
    assert basis(MODEL.model_validate(strict), held, model) == "precision has no value on the held-out rows"
