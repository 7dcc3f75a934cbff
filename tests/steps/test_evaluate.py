"""The evidence that the gate sees, on real pipelines and real rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.domain.gate import Decision
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import Gain, Occasion
from include.ratchet.domain.records import Window
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.evaluate import evaluate, gains, window_tested
from include.ratchet.steps.frames import Split, features, labels, split
from include.ratchet.steps.pipeline import build_pipeline
from tests.makers import model_spec, untimed

DAYS, PER_DAY = 70, 30
START = datetime(2013, 1, 1, tzinfo=UTC)


@dataclass
class Said:
    """What a fresh process is taken to have said."""

    predictions: list[list[float]] = field(default_factory=list)
    p99_ms: float = 1.0
    size_mb: float = 0.1
    error: str = ""
    odd: str = ""


def rows() -> pa.Table:
    """Make 30 rows a day whose label follows `x` and `z`; `noise` says nothing; 'b' is a small segment."""
    draw = np.random.default_rng(5)
    count = DAYS * PER_DAY
    x, z = draw.normal(size=count), draw.normal(size=count)
    at = [START + timedelta(days=i // PER_DAY, minutes=i % PER_DAY) for i in range(count)]
    columns: dict[str, Any] = {
        "id": np.arange(count),
        "at": pa.array(at, pa.timestamp("us", tz="UTC")),
        "y": (x + z + draw.normal(size=count) / 2 > 0).astype(int),
        "x": x,
        "z": z,
        "noise": draw.normal(size=count),
        "c": np.where(np.arange(count) % 5 == 0, "b", "a"),
    }
    return pa.table(columns)


ROWS = rows()
WINDOW = Window(START, START + timedelta(days=DAYS))


def fitted(spec: ModelSpec, parts: Split, *, seed: int = 0, flipped: bool = False) -> Any:
    """Fit the spec's features on its train rows; a flipped model learnt the opposite."""
    pipeline = build_pipeline(spec, Candidate(name="a", estimator="sklearn.linear_model.LogisticRegression"), {"C": 1.0 + seed})
    x, y = features(ROWS, spec.columns)[parts.train], labels(ROWS, spec)[parts.train]
    return pipeline.fit(x, 1 - y if flipped else y)


def judge(
    champion: str | None = None, said: Said | None = None, challenger: str = "good", occasion: Occasion | None = None, **changes: Any
) -> tuple[Decision, dict[str, Any]]:
    """Judge a challenger that is good, flipped or blind against a champion of these kinds."""
    spec = model_spec(**{"columns__numeric": ["x", "z", "noise"], "columns__segments": ["c"], **changes})
    parts = split(ROWS, spec, WINDOW)

    def fit(kind: str, seed: int) -> Any:
        seen = model_spec(columns__numeric=["noise"]) if kind == "blind" else spec
        return fitted(seen, parts, seed=seed, flipped=kind == "flipped")

    mine = fit(challenger, 0)
    here = mine.predict_proba(features(ROWS.filter(pa.array(parts.test)), spec.columns).head(5))
    made = said or Said()
    if not made.predictions and not made.error:
        made.predictions = here.tolist()
    return evaluate(spec, ROWS, parts, mine, fit(champion, 1) if champion else None, made, occasion or Occasion())


CHECKS = {
    "unseen test rows",
    "enough test rows",
    "test rows were not trained on",
    "label balance",
    "too good to be true",
    "loads in a fresh process",
    "same answers in a fresh process",
    "answers empty and unseen values",
    "latency",
    "size",
    "finite answers",
}


def result(decision: Decision, rule: str) -> str:
    """Return what came of one rule."""
    return next(each.result for each in decision.rules if each.rule == rule)


def test_a_first_good_model_is_promoted() -> None:
    """Business bound and baseline are shown, nothing speaks against it, and the figures are of the 28 test days."""
    decision, figures = judge()
    assert decision.outcome == "promote"
    proofs = {"business accuracy", "gain over the baseline", "gain over one feature"}
    assert {each.rule for each in decision.rules if each.kind == "proof"} == proofs
    assert {each.rule for each in decision.rules if each.kind == "check"} == CHECKS
    assert (figures["test_rows"], figures["test_blocks"]) == (28 * PER_DAY, 28)
    assert figures["challenger"] > 0.8 > figures["baseline"]
    low, high = figures["intervals"]["challenger"]
    assert low < figures["challenger"] < high


def test_a_model_no_better_than_the_trivial_one_is_not_promoted() -> None:
    """A blind model is not shown to beat the baseline."""
    decision, _ = judge(challenger="blind", gate__business={"accuracy": ">= 0.1"})
    assert decision.outcome != "promote"
    assert result(decision, "gain over the baseline") != "pass"


@pytest.mark.parametrize(
    ("bound", "outcome"), [("accuracy: >= 0.99", "refuse"), ("neg_log_loss: <= -0.9", "refuse"), ("neg_log_loss: <= 0", "promote")]
)
def test_the_business_bound_has_both_signs(bound: str, outcome: str) -> None:
    """At least and at most both refuse what is shown to break them, for metrics other than the deciding one too."""
    metric, text = bound.split(": ")
    decision, _ = judge(gate__business={metric: text})
    assert decision.outcome == outcome


def test_a_worse_challenger_is_refused() -> None:
    """A flipped model is shown worse than the champion by more than the margin, and harms its segments."""
    decision, _ = judge("good", challenger="flipped", gate__business={"accuracy": ">= 0.01"}, gate__segments={"margin": 0.05})
    assert decision.outcome == "refuse"
    assert result(decision, "gain over the champion") == "fail"
    assert [result(decision, f"segment c={name}") for name in ("a", "b", "(other)")] == ["fail", "fail", "fail"]


@dataclass
class Holed:
    """Answers as another pipeline does, and some rows with NaN."""

    pipeline: Any

    @property
    def classes_(self) -> Any:
        """The classes of the other."""
        return self.pipeline.classes_

    def predict_proba(self, seen: Any) -> Any:
        """Answer every seventh row with NaN."""
        said = self.pipeline.predict_proba(seen)
        said[::7] = np.nan
        return said


def test_answers_of_nan_are_refused_without_a_warning() -> None:
    """What NaN does to sums and casts is no news in the guards either, which are measured in another thread."""
    spec = model_spec(columns__numeric=["x", "z"], gate__calibration={"max_error": 0.1})
    parts = split(ROWS, spec, WINDOW)
    decision, _ = evaluate(spec, ROWS, parts, Holed(fitted(spec, parts)), None, Said(error="not asked"))
    assert result(decision, "finite answers") == "fail"
    assert decision.outcome == "refuse"


def test_superior_asks_for_more_than_non_inferior() -> None:
    """An equal challenger is not worse by the margin, and not shown to be better."""
    margin, _ = judge("good")
    strict, _ = judge("good", gate__champion={"mode": "superior"})
    assert result(margin, "gain over the champion") == "pass"
    assert result(strict, "gain over the champion") == "inconclusive"


def test_the_same_model_again_is_refused() -> None:
    """A challenger that answers every row as the champion does would be a promotion without a change."""
    spec = model_spec(columns__numeric=["x", "z"])
    parts = split(ROWS, spec, WINDOW)
    same = fitted(spec, parts)
    answers = same.predict_proba(features(ROWS.filter(pa.array(parts.test)), spec.columns).head(5)).tolist()
    decision, _ = evaluate(spec, ROWS, parts, same, fitted(spec, parts), Said(answers))
    assert result(decision, "differs from the champion") == "fail"


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (Said(error="no module named x"), "loads in a fresh process"),
        (Said(predictions=[[0.5, 0.5]] * 5), "same answers in a fresh process"),
        (Said(predictions=[[float("nan")] * 2] * 5), "same answers in a fresh process"),
        (Said(p99_ms=51), "latency"),
        (Said(size_mb=201), "size"),
        (Said(odd="an empty row is answered with NaN"), "answers empty and unseen values"),
    ],
    ids=["does not load", "other answers", "no answers", "slow", "big", "empty"],
)
def test_what_is_not_ready_to_serve_is_refused(said: Said, rule: str) -> None:
    """The artifact must load, answer the same, in time, and fit, in a process of its own."""
    decision, _ = judge(said=said)
    assert (decision.outcome, result(decision, rule)) == ("refuse", "fail")


GUARDS = [
    ({"gate__calibration": {"max_error": 0.1}, "challenger": "flipped"}, "calibration", "fail"),
    ({"gate__calibration": {"max_error": 0.5}}, "calibration", "pass"),
    ({"gate__flips": {"max_rate": 0.01}, "challenger": "flipped"}, "flips", "fail"),
    ({"gate__flips": {"max_rate": 0.5}}, "flips", "pass"),
    ({"gate__fairness": {"by": "c", "max_gap": 0.9}}, "fairness gap", "pass"),
]


@pytest.mark.parametrize(("changes", "rule", "expected"), GUARDS)
def test_guards(changes: dict[str, Any], rule: str, expected: str) -> None:
    """Calibration, flips and fairness refuse what is shown to exceed its bound, and nothing else."""
    decision, _ = judge("good", **changes)
    assert result(decision, rule) == expected


def test_a_fairness_gap_is_found() -> None:
    """A model that says yes to one group only has a gap of nearly one."""
    spec = model_spec(columns__numeric=["x", "z"], gate__fairness={"by": "c", "measure": "positive_rate", "max_gap": 0.2})
    parts = split(ROWS, spec, WINDOW)
    group = (ROWS["c"].to_numpy(zero_copy_only=False) == "b").astype(int)
    biased = build_pipeline(spec, spec.training.candidates[0], {}).fit(features(ROWS, spec.columns), group)
    answers = biased.predict_proba(features(ROWS.filter(pa.array(parts.test)), spec.columns).head(5)).tolist()
    decision, _ = evaluate(spec, ROWS, parts, biased, None, Said(answers))
    assert result(decision, "fairness gap") == "fail"


def test_a_segment_column_that_is_not_there() -> None:
    """A configured segment that is absent from the data refuses, and names the column: fail closed."""
    decision, _ = judge("good", columns__segments=["region"], gate__fairness={"by": "region", "max_gap": 0.1})
    assert (decision.outcome, result(decision, "segments are there")) == ("refuse", "fail")
    assert "segment column 'region' is not in the data" in decision.sentence


def test_a_required_segment_that_is_not_there() -> None:
    """A required segment without rows cannot be judged: inconclusive, naming it; with rows it does not stand in the way."""
    absent, _ = judge("good", gate__segments={"margin": 0.5, "required": ["c=z", "c=a"]})
    assert absent.outcome == "inconclusive"
    assert "required segment c=z cannot be measured" in absent.sentence
    there, _ = judge("good", gate__segments={"margin": 0.5, "required": ["c=a"]})
    assert there.outcome == "promote"


def test_a_champion_is_asked_for_its_own_features() -> None:
    """A spec that dropped a feature compares with the champion all the same, on the features of its day."""
    spec = model_spec(columns__numeric=["x", "z"])
    parts = split(ROWS, spec, WINDOW)
    champion = fitted(model_spec(columns__numeric=["x", "z", "noise"]), parts)
    mine = fitted(spec, parts, seed=1)
    said = Said(mine.predict_proba(features(ROWS.filter(pa.array(parts.test)), spec.columns).head(5)).tolist())
    decision, figures = evaluate(spec, ROWS, parts, mine, champion, said)
    assert result(decision, "gain over the champion") == "pass"
    assert "champion" in figures


def test_a_champion_that_cannot_be_asked_is_not_replaced() -> None:
    """The transform no longer returns what it was fitted on: nothing is shown against it, and the column is named."""
    spec = model_spec(columns__numeric=["x", "z"])
    parts = split(ROWS, spec, WINDOW)
    champion = fitted(model_spec(columns__numeric=["x", "z", "noise"]), parts)
    mine = fitted(spec, parts, seed=1)
    without = ROWS.drop_columns(["noise"])
    said = Said(mine.predict_proba(features(without.filter(pa.array(parts.test)), spec.columns).head(5)).tolist())
    decision, _ = evaluate(spec, without, parts, mine, champion, said)
    assert decision.outcome == "inconclusive"
    assert "needs noise of the transform" in decision.sentence


def test_power_is_stated_at_fixed_gains() -> None:
    """Each proof says what it would have shown at 0, 0.5, 1 and 2 points and the smallest gain, whatever was observed."""
    decision, _ = judge("good", gate__smallest_gain=0.04, gate__champion={"mode": "superior"})
    gain = next(each for each in decision.rules if each.rule == "gain over the champion")
    assert list(gain.power) == ["0", "0.005", "0.01", "0.02", "smallest_gain"]
    assert gain.power["0"] < 0.06 < gain.power["0.02"] <= gain.power["smallest_gain"]
    assert gain.needed["smallest_gain"] >= 20
    assert gain.detectable is not None
    assert gain.detectable > 0
    business = next(each for each in decision.rules if each.rule == "business accuracy")
    assert (business.alpha, business.blocks, business.rows) == (0.05, 28, 28 * PER_DAY)


def test_power_of_a_metric_in_its_own_unit() -> None:
    """Minutes have no points: half, one and two times the smallest gain take their place."""
    assert list(gains("neg_mean_absolute_error", 0.5).values()) == [0.0, 0.25, 0.5, 1.0, 0.5]
    assert list(gains("roc_auc", 0.03).values()) == [0.0, 0.005, 0.01, 0.02, 0.03]


def test_candidates_chosen_by_hand_must_be_superior() -> None:
    """Without a mode in the spec an equal challenger passes in a retrain, and not when its candidates were chosen by hand."""
    plain, _ = judge("good", gate__champion={"margin": 0.02})
    by_hand, _ = judge("good", gate__champion={"margin": 0.02}, occasion=Occasion(by_hand=True))
    said, _ = judge("good", gate__champion={"margin": 0.02, "mode": "non_inferior"}, occasion=Occasion(by_hand=True))
    assert [result(each, "gain over the champion") for each in (plain, by_hand, said)] == ["pass", "inconclusive", "pass"]


def test_each_look_at_the_same_rows_has_its_share_of_alpha() -> None:
    """Of two looks each proof is held to half of alpha; the third is inconclusive, and says why."""
    second, _ = judge(gate__test_reuse={"looks": 2}, occasion=Occasion(looks=1))
    assert second.outcome == "promote"
    assert {each.alpha for each in second.rules if each.kind == "proof"} == {0.025}
    third, figures = judge(gate__test_reuse={"looks": 2}, occasion=Occasion(looks=2))
    assert third.outcome == "inconclusive"
    assert "2 earlier verdicts saw some of these test rows; allowed are 2 in all" in third.sentence
    assert figures["alpha"] == 0.025


def test_the_claimed_gain_is_less_than_the_observed_one() -> None:
    """Earlier challengers without a gain pull the claim towards zero."""
    _, alone = judge("blind")
    _, among = judge("blind", occasion=Occasion(gains=(Gain(0.0, 0.01),) * 9))
    assert 0 < among["claimed_gain"]["gain"] < alone["claimed_gain"]["gain"] < alone["claimed_gain"]["observed"]
    assert among["claimed_gain"]["challengers"] == 10


def test_the_test_window_is_where_the_test_rows_are() -> None:
    """The times of the first and the last test row; the wave without time."""
    spec = model_spec()
    window = window_tested(spec, ROWS, split(ROWS, spec, WINDOW))
    assert window == {"first": "2013-02-12T00:00:00+00:00", "last": "2013-03-11T00:29:00+00:00"}
    assert window_tested(untimed(), ROWS, split(ROWS, spec, WINDOW)) == {"wave": 0}
