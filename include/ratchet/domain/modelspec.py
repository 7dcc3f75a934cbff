"""`model.yaml`: one model, as an adopter describes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from include.ratchet.domain.durations import Duration, format_duration
from include.ratchet.domain.feedspec import SNAKE_CASE
from include.ratchet.domain.gatespec import Gate
from include.ratchet.domain.sagemakerspec import SageMaker
from include.ratchet.domain.strict import Strict
from include.ratchet.domain.trainingspec import OWN_CODE, Training
from include.ratchet.domain.triggerspec import MOST_ALARMS, Cron, Triggers

FEWEST_DAYS = 5
"""A window of the monitor is tested for a degradation on no fewer day blocks: with one there is no error, with few a poor one."""


class Columns(Strict):
    """What each column of the transformed table is for."""

    id: tuple[str, ...] = Field(min_length=1)
    time: str | None = None
    entity: tuple[str, ...] = ()
    """Whose rows stay on one side of a random split. With `time` the split is by time, and this has no effect."""
    label: str
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    weight: str | None = None
    forbidden: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that a model sees, in the order in which it sees them."""
        return (*self.numeric, *self.categorical, *self.text)

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that the transform must return, each once."""
        extra = [name for name in (self.time, self.label, self.weight) if name]
        return tuple(dict.fromkeys([*self.id, *extra, *self.entity, *self.features, *self.segments]))

    @model_validator(mode="after")
    def _features_are_allowed(self) -> Columns:
        if not self.features:
            message = "no features; allowed is at least one column under numeric, categorical or text"
            raise ValueError(message)
        twice = sorted({name for name in self.features if self.features.count(name) > 1})
        if twice:
            message = f"{', '.join(twice)}: named twice; allowed is once among numeric, categorical and text"
            raise ValueError(message)
        leaked = [name for name in self.features if name in (*self.forbidden, self.label)]
        if leaked:
            message = f"{', '.join(leaked)}: a feature, and the label or forbidden; take it out of the features"
            raise ValueError(message)
        return self


class Labels(Strict):
    """When a label can be trusted."""

    lag: Duration = Field(default="0s", validate_default=True)
    missing: Literal["drop", "negative"] = "drop"
    arrived: str | None = None
    """A column of the transform that says when a label came; without it a label came when the monitor first saw it."""


class Score(Strict):
    """When predictions are made in batch, besides on new data and on a new champion."""

    schedule: Cron | None = None


class Monitor(Strict):
    """How often, and over what, the champion is measured."""

    schedule: Cron | None = None
    window: Duration = Field(default="7d", validate_default=True)


class Canary(Strict):
    """What a challenger must go through before it is promoted: first as a shadow, then for a part of the entities."""

    fraction: float = Field(0.1, gt=0, le=0.5)
    requests: int = Field(300, ge=20)
    within: Duration = Field(default="30m", validate_default=True)
    max_error_rate: float = Field(0.01, gt=0, lt=1)


class Deploy(Strict):
    """Where the champion serves, who must agree, and what a challenger must go through."""

    target: Literal["local", "batch", "sagemaker"] = "local"
    sagemaker: SageMaker | None = None
    approval: Literal["none", "required"] = "none"
    approval_within: Duration = Field(default="3d", validate_default=True)
    """Not answered for so long is a no."""
    canary: Canary | None = None
    rehearsal: Cron | None = Cron(cron="0 5 * * 0")
    """When the way back is tried; null is never."""

    @property
    def waits(self) -> timedelta:
        """How long a deployment may wait for a person, for requests and for SageMaker."""
        person = self.approval_within if self.approval == "required" else timedelta()
        outside = 3 * self.sagemaker.within if self.sagemaker else timedelta()  # a split, its end, a shift
        return person + outside + (2 * self.canary.within if self.canary else timedelta())

    @model_validator(mode="after")
    def _target_is_described(self) -> Deploy:
        if (self.target == "sagemaker") != (self.sagemaker is not None):
            found = "none" if self.sagemaker is None else "one"
            message = (
                f"sagemaker: found {found} with target {self.target}; target sagemaker needs it, and no other has it (docs/sagemaker.md)"
            )
            raise ValueError(message)
        return self


class ModelSpec(Strict):
    """Everything an adopter says about one model."""

    name: str = Field(pattern=SNAKE_CASE)
    description: str = ""
    owner: str = "ratchet"
    task: Literal["binary", "multiclass", "regression"]
    feeds: tuple[str, ...] = Field(min_length=1)
    transform: str | None = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What runs the transform; views are joined point-in-time beside it."""
    views: tuple[str, ...] = ()
    columns: Columns
    labels: Labels = Labels()
    training: Training
    gate: Gate
    triggers: Triggers = Triggers()
    score: Score = Score()
    monitor: Monitor = Monitor()
    deploy: Deploy = Deploy()
    late: Duration = Field(default="6h", validate_default=True)
    """A run that has not ended so long after it was queued is told; a deployment may wait for people and requests besides."""

    @model_validator(mode="after")
    def _parts_agree(self) -> ModelSpec:
        timed = self.columns.time is not None
        for key in ("validation", "test"):
            if isinstance(getattr(self.training.split, key), float) == timed:
                allowed = "a duration such as 14d, because columns.time is set" if timed else "a fraction, because columns.time is not set"
                message = f"training.split.{key}: found {getattr(self.training.split, key)!r}; allowed is {allowed}"
                raise ValueError(message)
        if self.views and not timed:
            message = "views: found without columns.time; a view is joined as it was known at a row's time, name that column"
            raise ValueError(message)
        for each in self.training.candidates:
            if self._foreign(each.estimator):
                message = f"training.candidates.{each.name}.estimator: found {each.estimator!r}; allowed is this model's own code.py"
                raise ValueError(message)
            if each.balance_classes and not self.classifies:
                message = f"training.candidates.{each.name}.balance_classes: found with task regression, which has no classes; leave it out"
                raise ValueError(message)
        for metric in (self.gate.metric, *self.gate.business):
            if self._foreign(metric):
                message = f"gate: found metric {metric!r}; allowed are scikit-learn's scorers and include.models.{self.name}.code:metric"
                raise ValueError(message)
        idle = list(self._idle())
        if idle:
            raise ValueError("; ".join(idle))
        return self

    def _foreign(self, path: str) -> bool:
        """Say whether a path leads into the project and not to this model's own `code.py`."""
        own = OWN_CODE.fullmatch(path)
        return path.startswith("include.") and not (own and own[1] == self.name)

    def _idle(self) -> Iterator[str]:
        """Name the rules that would be written down and never measured: a gate that seems to guard, and does not, is open."""
        gate, columns = self.gate, self.columns
        for key, rule in (("calibration", gate.calibration), ("fairness", gate.fairness)):
            if rule and self.task != "binary":
                yield f"gate.{key}: found with task {self.task}; allowed is task binary, leave it out"
        if gate.flips and not self.classifies:
            yield "gate.flips: found with task regression, where every number changes; allowed are binary and multiclass, leave it out"
        if gate.segments and not columns.segments:
            yield "gate.segments: found without columns.segments; name the columns to protect there, or leave it out"
        if gate.fairness and gate.fairness.by not in (*columns.segments, *columns.categorical):
            known = ", ".join(dict.fromkeys([*columns.segments, *columns.categorical])) or "none yet"
            yield f"gate.fairness.by: found {gate.fairness.by!r}; allowed is a column of columns.segments or columns.categorical ({known})"
        for kind, alarm in (("degradation", self.triggers.degradation), ("drift", self.triggers.drift)):
            if alarm and alarm.dial(self.monitor.window) >= MOST_ALARMS:
                most, yearly = MOST_ALARMS * timedelta(days=365.25) / self.monitor.window, alarm.false_alarms_per_year
                yield f"triggers.{kind}.false_alarms_per_year: found {yearly:g}; allowed with this monitor.window is less than {most:.3g}"
        yield from self._impossible_behaviour()
        fewest = timedelta(days=FEWEST_DAYS)
        if self.triggers.degradation and columns.time and self.monitor.window < fewest:
            found = format_duration(self.monitor.window)
            yield f"monitor.window: found {found}; allowed with triggers.degradation is {FEWEST_DAYS}d or more, it is tested on day blocks"

    def _impossible_behaviour(self) -> Iterator[str]:
        for each in self.gate.behaviour:
            if self.task == "multiclass" and each.expect != "invariant":
                yield f"gate.behaviour: found expect {each.expect} with task multiclass, which has no one score; allowed is invariant"
            for name, change in each.change.items():
                known = (*self.columns.categorical, *self.columns.text) if isinstance(change, str) else self.columns.numeric
                if name not in known:
                    kind = "a word for a categorical or text" if isinstance(change, str) else "a number for a numeric"
                    yield f"gate.behaviour: found {name}: {change!r}; allowed is {kind} feature ({', '.join(known) or 'none'})"

    @property
    def classifies(self) -> bool:
        """Whether the label is a class."""
        return self.task != "regression"

    def monitored_in(self, metric: str) -> ModelSpec:
        """Return what the monitor tests a champion by that was judged in `metric`: no drop, where the spec has another by now."""
        if metric == self.gate.metric:
            return self
        return self.model_copy(update={"triggers": self.triggers.model_copy(update={"degradation": None})})
