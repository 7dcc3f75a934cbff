"""Faults of a model that only the installed packages can tell."""

from __future__ import annotations

import importlib.util
import re

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.tasks import inspect_model
from tests.tiny import MODEL, MODEL_YAML, Project

LOGISTIC = "sklearn.linear_model.LogisticRegression"


def _faults(project: Project, *changes: tuple[str, str]) -> list[str]:
    text = MODEL_YAML
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    project.write(model=text)
    return inspect_model.faults(specs.model(MODEL))


def test_the_bundled_models_are_sound() -> None:
    """Nothing is found in what Ratchet ships."""
    assert [inspect_model.faults(specs.model(name)) for name in specs.names("models")] == [[], []]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("metric: roc_auc", "metric: roc_acu"), "gate.metric: found 'roc_acu'; .*did you mean 'roc_auc'"),
        (('roc_auc: ">= 0.60"', 'acuracy: ">= 0.60"'), "gate.business.acuracy: found 'acuracy'; .*did you mean 'accuracy'"),
        (
            (LOGISTIC, "sklearn.linear_model.LogisticRegresion"),
            r"candidates.logistic.estimator: found '[\w.]+LogisticRegresion', cannot .*did you mean 'sklearn.linear_model.Logis",
        ),
        ((LOGISTIC, "sklearn.linear.LogisticRegression"), f"cannot be imported: .*did you mean '{LOGISTIC}'"),
        (
            (f"{LOGISTIC}}}", f"{LOGISTIC}, search: {{c: [1, 2]}}}}"),
            "logistic.search: found 'c'; LogisticRegression takes no",
        ),
        (("{max_depth: 4}", "{max_dept: 4}"), "candidates.tree.params: found 'max_dept'; .*did you mean 'max_depth'"),
        (
            ("metric: roc_auc", "metric: include.models.buys.code:own"),
            "gate.metric: found 'include.models.buys.code:own', cannot be",
        ),
        ((LOGISTIC, "lightgbm.LGBMWhatever"), "cannot be imported: [^;]*$"),
        ((LOGISTIC, "sklearn.metrics.roc_auc_score"), "found something without fit and predict"),
        ((LOGISTIC, "include.models.buys.code:Mine"), "found 'include.models.buys.code:Mine', cannot be imported"),
    ],
)
def test_each_fault_is_named(project: Project, change: tuple[str, str], said: str) -> None:
    """Key, what was found, and what was perhaps meant."""
    (found,) = _faults(project, change)
    assert re.search(said, found), found


def test_all_faults_come_at_once(project: Project) -> None:
    """As many lines as there are mistakes; and one error that holds them all."""
    found = _faults(project, ("metric: roc_auc", "metric: bogus"), (LOGISTIC, "sklearn.bogus.Bogus"))
    assert len(found) == 2
    with pytest.raises(SpecError, match="2 fault") as caught:
        inspect_model.require_sound(specs.model(MODEL))
    assert list(caught.value.faults) == found


def test_code_that_breaks_when_it_is_imported_is_a_fault(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's own code.py may raise anything; it is said, not raised."""

    def broken(_path: str) -> None:
        raise ZeroDivisionError("in code.py")

    monkeypatch.setattr("include.ratchet.steps.estimators.estimator_class", broken)
    found = _faults(project)
    assert len(found) == 2
    assert "cannot be imported: ZeroDivisionError: in code.py" in found[0]


def test_what_spark_cannot_do_is_a_fault(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point-in-time join of the transform by name, and pyspark when it is not there, both at once; the same SQL is sound on DuckDB."""
    (project.include / "models" / MODEL).mkdir(parents=True, exist_ok=True)
    (project.include / "models" / MODEL / "t.sql").write_text(
        "SELECT v.* FROM visits v ASOF JOIN visits w ON v.at >= w.at", encoding="utf-8"
    )
    transform = ("owner: shop", "owner: shop\n    transform: t.sql")
    assert _faults(project, transform) == []
    on_spark = (transform[0], transform[1] + "\n    engine: spark")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    missing, asof = _faults(project, on_spark)
    assert missing == "engine: found 'spark', and pyspark is not installed; make extras installs it"
    assert "found ASOF JOIN visits AS w; Spark has none" in asof
