"""The `training:` part of `model.yaml`: how challengers are made."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from include.ratchet.domain.durations import Duration, parse_duration
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import SNAKE_CASE
from include.ratchet.domain.strict import Strict

ALLOWED_ESTIMATORS = ("sklearn.", "lightgbm.", "xgboost.")
"""An estimator is imported only from these packages, or from the model's own reviewed `code.py`."""
OWN_CODE = re.compile(r"include\.models\.([a-z][a-z0-9_]*)\.code:[A-Za-z_]\w*")
"""Something of a model's own `code.py`; the group is the model's name."""


class Range(Strict):
    """Numbers from `low` to `high`, both allowed: whole ones when all that is given is whole."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if not self.low < self.high:
            message = f"low {self.low}, high {self.high}; allowed is a low that is less than high"
            raise ValueError(message)
        if self.log and (self.low <= 0 or self.step is not None):
            message = f"low {self.low}, step {self.step} with log; allowed with log is a low above 0 and no step"
            raise ValueError(message)
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            message = f"step {self.step}; allowed is a step above 0 that fits between low and high"
            raise ValueError(message)
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return all(isinstance(each, int) for each in (self.low, self.high, self.step or 1))


Axis = tuple[Any, ...] | Range


class Candidate(Strict):
    """One estimator that competes, with fixed parameters and perhaps some to search."""

    name: str = Field(pattern=SNAKE_CASE)
    estimator: str
    params: dict[str, Any] = {}
    search: dict[str, Axis] = {}
    """Per parameter a list of choices, or a range {low, high, log, step}."""
    select_features: bool = False
    """Leave out, before the model, the inputs that a quick forest finds of little use."""
    balance_classes: bool = False
    """Weigh rows so that every class counts the same; probabilities are then no frequencies any more."""

    @field_validator("estimator")
    @classmethod
    def _allowed(cls, value: str) -> str:
        if OWN_CODE.fullmatch(value) or (value.startswith(ALLOWED_ESTIMATORS) and re.fullmatch(r"[\w.]+\.[A-Za-z_]\w*", value)):
            return value
        message = (
            f"found {value!r}; allowed are classes of {', '.join(p + '*' for p in ALLOWED_ESTIMATORS)} and include.models.<name>.code:Class"
        )
        raise ValueError(message)

    @field_validator("search", mode="before")
    @classmethod
    def _choices_or_range(cls, value: Any) -> Any:
        """Say of each parameter in one line what is wrong: a union would report each of its types."""
        if not isinstance(value, dict):
            return value
        faults = [f"{name}: {fault}" for name, axis in value.items() for fault in [_fault(axis)] if fault]
        if faults:
            raise ValueError("; ".join(faults))
        return {name: Range.model_validate(axis) if isinstance(axis, dict) else axis for name, axis in value.items()}


def _fault(axis: Any) -> str:
    allowed = "allowed is a list of choices, or {low, high} of numbers with log: true or a step where wanted"
    if isinstance(axis, list | tuple):
        return "" if axis else f"found an empty list; {allowed}"
    if isinstance(axis, Range):
        return ""
    if not (isinstance(axis, dict) and {"low", "high"} <= set(axis) <= set(Range.model_fields)):
        return f"found {axis!r}; {allowed}"
    try:
        Range.model_validate(axis)
    except ValidationError as error:
        return "; ".join(str(each.get("ctx", {}).get("error", f"found {axis!r}; {allowed}")) for each in error.errors()[:1])
    return ""


class Split(Strict):
    """How much is held out: durations where there is time, fractions where there is none."""

    validation: Duration | float
    test: Duration | float

    @field_validator("validation", "test", mode="before")
    @classmethod
    def _fraction_first(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not 0 < value < 1:
                message = f"found {value!r}; allowed is a fraction between 0 and 1, or a duration such as 14d"
                raise ValueError(message)
            return float(value)
        return parse_duration(value)  # here, where one fault is one line: a union would report each of its types


class Budget(Strict):
    """What one training run may spend on each candidate."""

    trials: int = Field(12, ge=1)
    minutes: float = Field(10, gt=0)


class Training(Strict):
    """How challengers are made."""

    window: Duration | None = None
    split: Split
    folds: int = Field(3, ge=1, le=20)
    """How often candidates are compared before the test rows, each time on `split.validation` of held-out rows."""
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    budget: Budget = Budget(trials=12, minutes=10)
    seed: int = 7
    shap: int | None = Field(None, ge=50, le=5000)
    """So many test rows are explained by Shapley values in the dossier; None: none, since they cost seconds."""

    @field_validator("candidates")
    @classmethod
    def _names_differ(cls, value: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        names = [each.name for each in value]
        if len(set(names)) < len(names):
            message = f"two candidates share a name; found {', '.join(names)}"
            raise ValueError(message)
        return value


OPEN = ("candidates", "folds", "budget", "seed")
"""What an experiment may say otherwise; the split is not among it, or it could train on the gate's test rows."""


def overridden(content: dict[str, Any], changes: Any) -> dict[str, Any]:
    """Return the text of `training:` as an experiment wants it.

    A candidate without an estimator is the spec's of that name, with some of its keys said otherwise; its `params` are
    added to, its other keys replaced.

    Raises:
        SpecError: Something is to be changed that an experiment leaves alone, or a candidate is not there.
    """
    if not isinstance(changes, dict) or not isinstance(changes.get("candidates", []), list):
        raise SpecError("the experiment's overrides", [f"found {changes!r}; allowed is a mapping of {', '.join(OPEN)}"])
    faults = [f"{key}: found; allowed are {', '.join(OPEN)}" for key in changes if key not in OPEN]
    written = [each for each in content.get("candidates") or [] if isinstance(each, dict)]
    known = {str(each.get("name")): each for each in written}
    made = []
    for each in changes.get("candidates", []):
        if not isinstance(each, dict) or "name" not in each:
            faults.append(f"candidates: found {each!r}; allowed is a mapping with a name")
        elif "estimator" in each:
            made.append(each)
        elif each["name"] in known:
            base = known[each["name"]]
            made.append(base | each | {"params": {**(base.get("params") or {}), **(each.get("params") or {})}})
        else:
            faults.append(f"candidates: found {each['name']!r} without an estimator; allowed without one are {', '.join(known)}")
    if faults:
        raise SpecError("the experiment's overrides", faults)
    names = {each["name"] for each in made}
    return content | changes | {"candidates": [*made, *(each for each in written if each.get("name") not in names)]}
