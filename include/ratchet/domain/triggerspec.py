"""The `triggers:` part of `model.yaml`: what may start a training run, and how often."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field, field_validator, model_validator

from include.ratchet.domain.durations import Duration
from include.ratchet.domain.feedspec import CronText, Zone
from include.ratchet.domain.strict import Strict

MOST_WINDOWS = 12
MOST_ALARMS = 0.25
"""An alarm that rings in every fourth window of a model that is well says nothing."""


class Cron(Strict):
    """A cron expression and the zone that it is meant in."""

    cron: CronText
    zone: Zone = "UTC"


class NewData(Strict):
    """How many new labelled rows are a reason to retrain."""

    min_rows: int = Field(ge=1)


class Alarm(Strict):
    """How often a model that is well may raise an alarm, and for how long something must be off."""

    false_alarms_per_year: float = Field(1.0, gt=0)
    windows: str = "2 of 3"

    @field_validator("windows")
    @classmethod
    def _some_of_few(cls, value: str) -> str:
        found = re.fullmatch(r"(\d+) of (\d+)", value)
        if not found or not 1 <= int(found[1]) <= int(found[2]) <= MOST_WINDOWS:
            message = f"found {value!r}; allowed is such as '2 of 3', of at most {MOST_WINDOWS}"
            raise ValueError(message)
        return value

    @property
    def persistence(self) -> tuple[int, int]:
        """Windows that must be off, and of how many."""
        k, m = self.windows.split(" of ")
        return int(k), int(m)

    def dial(self, window: timedelta) -> float:
        """Return the probability that a window of a model that is well is in alarm."""
        return self.false_alarms_per_year * window / timedelta(days=365.25)


class Degradation(Alarm):
    """How much worse than on its test rows the champion may be shown to be."""

    drop: float = Field(gt=0)
    estimated: bool = False
    """Whether a drop that is only estimated, before its labels have come, is a reason to retrain too."""


class Drift(Alarm):
    """How far a column, the prediction or the label may move."""

    min_effect: float = Field(0.03, ge=0, lt=1)
    """A shift below this, on the scale of shares, is a trifle, however sure."""


class RunBudget(Strict):
    """How many training runs, and minutes of their tasks, a day (of the clock) may see."""

    runs_per_day: int | None = Field(None, ge=1)
    minutes_per_day: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _says_something(self) -> RunBudget:
        if self.runs_per_day is None and self.minutes_per_day is None:
            message = "found nothing; allowed is runs_per_day, minutes_per_day, or both"
            raise ValueError(message)
        return self


class Breaker(Strict):
    """After how many challengers in a row that were refused for a fault no run starts by itself."""

    refused: int = Field(ge=1)


class Triggers(Strict):
    """What may start a training run, and how often."""

    schedule: Cron | None = None
    new_data: NewData | None = None
    degradation: Degradation | None = None
    drift: Drift | None = None
    cooldown: Duration = Field(default="0s", validate_default=True)
    budget: RunBudget | None = None
    breaker: Breaker | None = None
    expire: Duration = Field(default="90d", validate_default=True)
    """A signal that waited longer than this is no reason any more."""
