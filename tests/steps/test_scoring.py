"""The metric by its name: scikit-learn's, or a reviewed function."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import make_scorer

from include.ratchet.domain.errors import SpecError
from include.ratchet.steps.scoring import scorer_of

CODE = "include.models.m.code"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Make a model's code.py that can be imported."""
    module = ModuleType(CODE)
    for parent in ("include.models", "include.models.m"):
        monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    monkeypatch.setitem(sys.modules, CODE, module)
    return module


def test_a_scorer_of_scikit_learn() -> None:
    """The name is enough."""
    model = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [0, 1])
    assert scorer_of("accuracy")(model, [[0]] * 4, [1, 1, 1, 0]) == 0.75


def test_a_function_of_the_models_own_code(code: ModuleType) -> None:
    """A function of (truth, predicted) is a metric; what make_scorer made is taken as it is."""
    code.cost = lambda truth, predicted: -float(np.sum(truth != predicted) * 10)  # type: ignore[attr-defined]
    code.made = make_scorer(lambda _truth, scores: float(scores.mean()), response_method="predict_proba")  # type: ignore[attr-defined]
    model = DummyClassifier(strategy="prior").fit([[0]] * 4, [1, 1, 1, 0])
    assert scorer_of(f"{CODE}:cost")(model, [[0]] * 4, np.array([1, 1, 0, 0])) == -20
    assert scorer_of(f"{CODE}:made")(model, [[0]], np.array([1])) == 0.75


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rocauc", "not among scikit-learn's"),
        (f"{CODE}:nothing", "cannot be imported"),
        ("include.models.gone.code:f", "cannot be imported"),
    ],
)
def test_a_metric_that_is_not_there(name: str, said: str) -> None:
    """The message names it, and what to do."""
    with pytest.raises(SpecError, match=said):
        scorer_of(name)


def test_a_metric_that_is_none(code: ModuleType) -> None:
    """A number of code.py is no metric."""
    code.number = 7  # type: ignore[attr-defined]
    with pytest.raises(SpecError, match=r"found 7; allowed is a function of \(truth, predicted\)"):
        scorer_of(f"{CODE}:number")
