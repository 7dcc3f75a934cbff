"""`model.yaml`: leaks, splits, estimators and keys of later are refused by name."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.trainingspec import Candidate

TIMED: dict[str, Any] = {
    "name": "late",
    "task": "binary",
    "feeds": ["flights"],
    "columns": {"id": ["id"], "time": "at", "label": "late", "numeric": ["x"], "categorical": ["c"], "segments": ["c"]},
    "training": {"split": {"validation": "14d", "test": "28d"}, "candidates": [{"name": "a", "estimator": "sklearn.svm.SVC"}]},
    "gate": {"metric": "roc_auc", "business": {"roc_auc": ">= 0.6"}},
}


def model(**changes: Any) -> ModelSpec:
    """Make a spec with dotted changes; `a__b=1` sets `a.b`, None takes it out."""
    content = copy.deepcopy(TIMED)
    for dotted, value in changes.items():
        *path, last = dotted.split("__")
        part = content
        for key in path:
            part = part.setdefault(key, {})
        part[last] = value
    return ModelSpec.model_validate(content)


def refused(**changes: Any) -> str:
    """Return what is said about a spec that is refused."""
    with pytest.raises(ValidationError) as error:
        model(**changes)
    return str(error.value)


def test_needed_names_each_column_once() -> None:
    """The transform must return ids, time, label, features and segments, none twice."""
    assert model().columns.needed == ("id", "at", "late", "x", "c")


@pytest.mark.parametrize("group", ["numeric", "categorical", "text"])
def test_the_label_is_no_feature(group: str) -> None:
    """A label among the features would be answered by itself."""
    assert "late: a feature, and the label or forbidden" in refused(**{f"columns__{group}": ["late"]})


def test_a_forbidden_column_is_no_feature() -> None:
    """What is known only afterwards cannot be a feature, and all such columns are named."""
    assert "x, c: a feature, and the label or forbidden" in refused(columns__forbidden=["x", "c", "other"])


def test_a_feature_is_named_once() -> None:
    """A column cannot be a number and a category at once."""
    assert "x: named twice" in refused(columns__categorical=["x"])


def test_no_features() -> None:
    """A model needs something to look at."""
    with pytest.raises(ValidationError, match="no features"):
        Columns(id=("id",), label="y")


def test_durations_are_for_time_and_fractions_for_none() -> None:
    """A split must suit the data: durations where there is a time column, fractions where there is none."""
    assert "training.split.test: found 0.2; allowed is a duration such as 14d" in refused(training__split__test=0.2)
    assert "training.split.validation: found datetime.timedelta" in refused(columns__time=None)
    spec = model(columns__time=None, training__split__test=0.2, training__split__validation=0.1)
    assert spec.training.split.test == 0.2


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1])
def test_a_fraction_lies_between_nothing_and_everything(fraction: float) -> None:
    """Neither an empty part nor all rows can be held out."""
    assert "allowed is a fraction between 0 and 1" in refused(training__split__test=fraction)


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess.Popen",
        "sklearn",
        "sklearn.svm.SVC()",
        "include.models.Late.code:X",
        "include.models.late.other:X",
        "pickle.loads",
        "builtins.eval",
    ],
)
def test_estimators_from_elsewhere_are_refused(path: str) -> None:
    """Code is imported only from the allowed packages or from a reviewed code.py."""
    with pytest.raises(ValidationError, match=r"allowed are classes of sklearn\.\*"):
        Candidate(name="a", estimator=path)


@pytest.mark.parametrize("path", ["sklearn.svm.SVC", "lightgbm.LGBMClassifier", "include.models.late.code:Mine"])
def test_estimators_that_are_allowed(path: str) -> None:
    """The packages of the environment, and the model's own code."""
    assert model(training__candidates=[{"name": "a", "estimator": path}]).training.candidates[0].estimator == path


def test_the_code_of_another_model_is_refused() -> None:
    """A model's code.py was reviewed for that model."""
    assert "allowed is this model's own code.py" in refused(
        training__candidates=[{"name": "a", "estimator": "include.models.other.code:X"}]
    )


def test_two_candidates_cannot_share_a_name() -> None:
    """A name says which candidate a score belongs to."""
    twice = [{"name": "a", "estimator": "sklearn.svm.SVC"}] * 2
    assert "two candidates share a name; found a, a" in refused(training__candidates=twice)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "regression", "gate__calibration": {"max_error": 0.1}}, "gate.calibration: found with task regression"),
        ({"task": "multiclass", "gate__calibration": {"max_error": 0.1}}, "gate.calibration: found with task multiclass"),
        ({"task": "multiclass", "gate__fairness": {"by": "c", "max_gap": 0.1}}, "gate.fairness: found with task multiclass"),
        ({"task": "regression", "gate__flips": {"max_rate": 0.1}}, "gate.flips: found with task regression"),
        ({"columns__segments": [], "gate__segments": {"margin": 0.1}}, "gate.segments: found without columns.segments"),
        ({"gate__fairness": {"by": "region", "max_gap": 0.1}}, "gate.fairness.by: found 'region'; allowed is a column of"),
    ],
)
def test_a_rule_that_would_never_be_measured_is_refused(changes: dict[str, Any], words: str) -> None:
    """A gate that says that it guards, and does not, is open: the key is named."""
    assert words in refused(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"gate__calibration": {"max_error": 0.1}, "gate__flips": {"max_rate": 0.1}, "gate__segments": {"margin": 0.1}},
        {"task": "multiclass", "gate__flips": {"max_rate": 0.1}},
        {"columns__segments": [], "gate__fairness": {"by": "c", "max_gap": 0.1}},
        {"columns__segments": ["group"], "gate__fairness": {"by": "group", "max_gap": 0.1}},
    ],
)
def test_rules_that_suit_the_task_are_accepted(changes: dict[str, Any]) -> None:
    """Each rule where it is measured; groups may be segments or categorical features."""
    assert model(**changes).name == "late"


def test_all_rules_that_would_never_be_measured_are_named_at_once() -> None:
    """One pass is enough to find them all."""
    rules = {"gate__calibration": {"max_error": 0.1}, "gate__flips": {"max_rate": 0.1}, "gate__fairness": {"by": "r", "max_gap": 0.1}}
    said = refused(task="regression", **rules)
    assert all(f"{key}: found" in said for key in ("gate.calibration", "gate.flips", "gate.fairness", "gate.fairness.by"))


def test_a_window_too_short_to_be_tested_is_refused() -> None:
    """A degradation is tested on five day blocks or more: a shorter window would never signal one."""
    assert "monitor.window: found 4d; allowed with triggers.degradation is 5d or more" in refused(
        monitor__window="4d", triggers__degradation={"drop": 0.1}
    )
    assert model(monitor__window="5d", triggers__degradation={"drop": 0.1}).triggers.degradation
    assert model(monitor__window="1d").triggers.degradation is None
    split = {"training__split__validation": 0.2, "training__split__test": 0.2}
    assert model(columns__time=None, monitor__window="1d", triggers__degradation={"drop": 0.1}, **split).columns.time is None


def test_views_need_a_time() -> None:
    """A view is joined as it was known at a row's time; a row without one knows nothing."""
    split = {"training__split__validation": 0.2, "training__split__test": 0.2}
    assert "views: found without columns.time" in refused(views=["v"], columns__time=None, **split)
    assert model(views=["v"]).views == ("v",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deploy__target", "vertex"),
        ("deploy__approval", "maybe"),
        ("deploy__canary", {"fraction": 0.9}),
        ("deploy__canary", {"requests": 3}),
    ],
)
def test_a_deployment_that_is_not_to_be_had_is_refused(key: str, value: Any) -> None:
    """Targets, approvals and canaries are what is allowed, and the fault names the key."""
    assert key.replace("__", ".") in refused(**{key: value})


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd"])
def test_a_schedule_in_no_zone_is_refused(zone: str) -> None:
    """A cron expression means nothing in a zone that does not exist."""
    assert "a name of the zone database" in refused(triggers__schedule={"cron": "0 3 * * 1", "zone": zone})


@pytest.mark.parametrize("cron", ["@daily", "61 * * * *", "0 0 30 2 *"])
def test_a_cron_that_never_fires_is_refused(cron: str) -> None:
    """What Airflow could not read, or would wait for for ever, is a fault of the spec and not of the DAG file."""
    assert "the five fields of cron" in refused(triggers__schedule={"cron": cron})


def test_a_drift_alarm_in_every_fourth_window_is_refused() -> None:
    """The dial follows from false alarms a year and the window; one that always rings says nothing."""
    assert "allowed with this monitor.window is less than 13" in refused(triggers__drift={"false_alarms_per_year": 20})


BEHAVIOUR = [
    ({"change": {"y": 1}, "expect": "invariant"}, "found y: 1.0; allowed is a number for a numeric feature (x)"),
    ({"change": {"x": "a"}, "expect": "invariant"}, "found x: 'a'; allowed is a word for a categorical or text feature (c)"),
]


@pytest.mark.parametrize(("behaviour", "said"), BEHAVIOUR)
def test_a_behaviour_test_changes_features(behaviour: Any, said: str) -> None:
    """A test that would change nothing that the model sees is refused, naming what it could change."""
    assert said in refused(gate__behaviour=[behaviour])


def test_a_direction_needs_one_score() -> None:
    """Of several classes none is up."""
    said = refused(task="multiclass", gate__behaviour=[{"change": {"x": 1}, "expect": "up"}])
    assert "found expect up with task multiclass" in said


def test_a_champion_is_not_held_against_a_metric_that_it_was_not_judged_in() -> None:
    """After `gate.metric` changed, no drop is tested until a champion was judged in the new one; nothing else changes."""
    spec = model(triggers={"degradation": {"drop": 0.1, "windows": "1 of 3"}}, monitor={"window": "7d"})
    assert spec.monitored_in(spec.gate.metric) is spec
    other = spec.monitored_in("neg_log_loss")
    assert other.triggers.degradation is None
    assert other.gate == spec.gate
