"""The metric that a spec names: a scorer of scikit-learn, or a function of the model's own reviewed `code.py`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sklearn.metrics import get_scorer, make_scorer

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.trainingspec import OWN_CODE

Scorer = Callable[[Any, Any, Any], float]
"""Asks `(model, features, truth)`; higher is better."""


def scorer_of(name: str) -> Scorer:
    """Return what scores a model by the metric's name, higher is better.

    A function of `code.py` is called with `(truth, predicted)` unless it was made by `make_scorer`, which says what
    it wants to be given.

    Raises:
        SpecError: There is no such metric.
    """
    if not OWN_CODE.fullmatch(name):
        try:
            return get_scorer(name)
        except ValueError as error:
            raise SpecError(f"metric {name}", ["not among scikit-learn's scorers"]) from error
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpecError(f"metric {name}", [f"cannot be imported: {error}"], f"Define {attribute} in the model's code.py.") from error
    if not callable(found):
        raise SpecError(f"metric {name}", [f"found {found!r}; allowed is a function of (truth, predicted), or what make_scorer makes"])
    return found if hasattr(found, "_score_func") else make_scorer(found)
