"""`view.yaml`: one feature view, as an adopter describes it; models share it."""

from __future__ import annotations

import keyword
import re
from datetime import timedelta

from pydantic import Field, field_validator, model_validator

from include.ratchet.domain.durations import Duration
from include.ratchet.domain.feedspec import SNAKE_CASE
from include.ratchet.domain.records import digest
from include.ratchet.domain.strict import Strict

JOINED_BY = "__"
"""Between a view's name and its feature's, in the columns of a model."""


class ViewSpec(Strict):
    """What is known of an entity, from when on, and for how long."""

    name: str = Field(pattern=SNAKE_CASE)
    description: str = ""
    owner: str = "ratchet"
    feeds: tuple[str, ...] = Field(min_length=1)
    sql: str = "view.sql"
    entity: tuple[str, ...] = Field(min_length=1)
    """The columns that name what the values are of; a model's transform returns columns of the same names."""
    time: str
    """The column that says from when on a row's values are known, UTC."""
    ttl: Duration
    """How long they are worth something: a row older than this at the time of the prediction counts as none."""
    features: tuple[str, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _name_can_be_joined(cls, value: str) -> str:
        if JOINED_BY in value or value.endswith("_") or keyword.iskeyword(value):
            message = f"found {value!r}; allowed is snake_case without {JOINED_BY!r}, which joins it with its features"
            raise ValueError(message)
        return value

    @field_validator("entity", "features")
    @classmethod
    def _names_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        odd = [name for name in value if not re.fullmatch(r"[A-Za-z_]\w*", name)]
        if twice or odd:
            message = f"{', '.join(twice or odd)}: {'named twice' if twice else 'no name of a column'}; allowed are plain names, each once"
            raise ValueError(message)
        return value

    @field_validator("ttl")
    @classmethod
    def _lasts(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            message = "found 0; allowed is a time longer than that, such as 6h: nothing would ever be joined"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _each_column_has_one_use(self) -> ViewSpec:
        both = [name for name in self.features if name in (*self.entity, self.time)]
        if self.time in self.entity or both:
            message = f"{', '.join(both or [self.time])}: found as two of entity, time and features; allowed is one of them"
            raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """What the SQL must return."""
        return (*self.entity, self.time, *self.features)

    def definition(self, sql: str) -> str:
        """Name what makes the values: under another SQL, entity or time a feature of the same name is another one."""
        return digest([self.feeds, self.entity, self.time, self.features, sql])

    def joined(self, feature: str) -> str:
        """Return the name under which models have a feature: `airport_load__departures`."""
        return f"{self.name}{JOINED_BY}{feature}"
