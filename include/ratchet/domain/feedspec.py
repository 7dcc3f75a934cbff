"""`feed.yaml`: one stream of raw data, as an adopter describes it."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from include.ratchet.domain.durations import Duration
from include.ratchet.domain.strict import Strict
from include.ratchet.domain.suitespec import Expectation, Labels, Quarantine, Volume, suite_of

COLUMN_TYPES = ("string", "int64", "float64", "bool", "timestamp", "date")
EVENT_TIME = "event_time"
"""Name of the column that Ratchet adds when a feed's event time is spread over several columns."""
BATCH_COLUMN = "_batch"
"""Name of the column of a clean table that holds the SHA-256 of the batch that brought the row."""
NULL_STRINGS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
SNAKE_CASE = r"^[a-z][a-z0-9_]*$"


def _cron_that_fires(value: str) -> str:
    from croniter import croniter  # what Airflow reads it by: an expression that it cannot read ends the DAG file of every feed

    fault = "" if re.fullmatch(r"\S+(\s+\S+){4}", value) else "it has not five fields"
    try:
        croniter(value).get_next(float)
    except ValueError as error:  # of which croniter's own errors are a kind
        fault = fault or str(error)
    if fault:
        message = f"found {value!r}: {fault}; allowed are the five fields of cron, such as 15 * * * *"
        raise ValueError(message)
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the zone database, such as Europe
        message = f"found {value!r}; allowed is a name of the zone database, such as UTC or Europe/Paris"
        raise ValueError(message) from None
    return value


CronText = Annotated[str, AfterValidator(_cron_that_fires)]
"""Five fields of cron, of which the next time is known."""
Zone = Annotated[str, AfterValidator(_known_zone)]
"""A name of the zone database."""


SOURCES = Path(__file__).resolve().parents[1] / "adapters" / "sources"


@functools.cache
def source_kinds() -> tuple[str, ...]:
    """Name the kinds of source: there is one file for each."""
    return tuple(sorted(path.stem for path in SOURCES.glob("[a-z]*.py")))


class Events(Strict):
    """A queue in which the store announces what has arrived: S3's notifications, on SQS."""

    queue: str
    connection: str = "aws_default"
    region: str | None = None


class Wait(Strict):
    """An object that a scheduled run waits for: a pattern in which Airflow fills in `{{ ds }}` and the like."""

    key: str
    within: Duration = Field(default="6h", validate_default=True)


class Source(Strict):
    """Where a feed's data comes from."""

    kind: str
    uri: str | None = None
    format: Literal["csv", "parquet", "jsonl"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    nulls: tuple[str, ...] = NULL_STRINGS
    connection: str | None = None
    table: str | None = None
    query: str | None = None
    watermark: str | None = None
    lag: Duration | float | None = None
    settle: Duration = Field(default="1s", validate_default=True)
    marker: str | None = None
    events: Events | None = None
    wait: Wait | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if value not in source_kinds():
            message = f"found {value!r}; allowed are {', '.join(source_kinds())}. A kind is a file of {SOURCES.name}/: see docs/sources.md"
            raise ValueError(message)
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "a".encode(value)  # more than codecs.lookup: base64 and rot13 are codecs too, and no encodings of text
        except (LookupError, ValueError):
            message = f"found {value!r}; allowed are Python's encodings, such as utf-8, utf-16 or latin-1"
            raise ValueError(message) from None
        return value

    @field_validator("delimiter", "decimal")
    @classmethod
    def _one_sign(cls, value: str) -> str:
        if len(value) != 1 or not value.isascii() or value.isalnum() or value in '"\r\n\0':
            message = f"found {value!r}; allowed is one ASCII character that is no letter, digit, quote or end of line"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.kind == "files" and not self.uri:
            message = "kind files needs uri, such as landing://flights/*.csv"
            raise ValueError(message)
        if self.kind == "sql" and (not self.connection or bool(self.table) == bool(self.query)):
            message = "kind sql needs connection, and either table or query"
            raise ValueError(message)
        if self.lag is not None and not self.watermark:
            message = "lag is how far below the watermark rows may still arrive: it needs watermark"
            raise ValueError(message)
        if self.kind != "files" and (self.events or self.wait):
            message = f"events and wait are about objects of a store: found kind {self.kind}, allowed is files"
            raise ValueError(message)
        if self.marker is not None and (self.kind != "files" or "/" in self.marker):
            message = (
                f"found marker {self.marker!r}; allowed is the name of a file beside those of kind files, such as _SUCCESS or {{name}}.done"
            )
            raise ValueError(message)
        return self


class EventTime(Strict):
    """When a row happened: one column, or several joined by a blank (a date and an hour)."""

    column: str | None = None
    columns: tuple[str, ...] = ()
    zone: Zone = "UTC"
    format: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> EventTime:
        if bool(self.column) == bool(self.columns):
            message = "needs either column or columns"
            raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """The column of the clean table that holds the event time, UTC."""
        return self.column or EVENT_TIME

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the raw batch that the event time is read from."""
        return (self.column,) if self.column else self.columns


class Units(Strict):
    """Columns whose unit may change unannounced; `*` is all of them."""

    ignore: tuple[str, ...] = ()

    def ignores(self, column: str) -> bool:
        """Say whether a column's unit is not watched."""
        return column in self.ignore or "*" in self.ignore


class Freshness(Strict):
    """How old the newest row may be."""

    within: Duration


class FeedSpec(Strict):
    """Everything an adopter says about one feed."""

    name: str = Field(pattern=SNAKE_CASE)
    description: str = ""
    source: Source
    key: tuple[str, ...] = Field(min_length=1)
    mode: Literal["merge", "replace", "append"] = "merge"
    time: EventTime | None = None
    schedule: CronText | None = None
    poll: Duration = Field(default="10s", validate_default=True)
    columns: dict[str, str] = Field(alias="schema", min_length=1)
    expectations: tuple[Expectation, ...] = ()
    engine: Literal["pandas", "spark"] = "pandas"
    """What runs the expectations."""
    quarantine: Quarantine = Quarantine(max_fraction=0.02)
    freshness: Freshness | None = None
    units: Units = Units()
    volume: Volume | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    labels: dict[str, Labels] = Field(default_factory=dict)
    personal: tuple[str, ...] = ()

    @field_validator("columns")
    @classmethod
    def _known_types(cls, value: dict[str, str]) -> dict[str, str]:
        for column, kind in value.items():
            if kind.removesuffix("?") not in COLUMN_TYPES:
                message = f"column {column}: found {kind!r}; allowed are {', '.join(COLUMN_TYPES)}, with ? where null may be"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _names_exist(self) -> FeedSpec:
        time = self.time.sources if self.time else ()
        for key, names in (
            ("key", self.key),
            ("time", time),
            ("personal", self.personal),
            ("units.ignore", self.units.ignore),
            *self._named(),
        ):
            missing = [n for n in names if n not in self.columns and n not in (EVENT_TIME, "*")]
            if missing:
                message = f"{key}: {', '.join(missing)} not in schema; schema has {', '.join(self.columns)}"
                raise ValueError(message)
        empty = [n for n in self.key if n in self.columns and self.nullable(n)]
        if empty:
            message = f"schema: {', '.join(empty)} may be null (?); allowed are key columns that may not: a null names no row"
            raise ValueError(message)
        if self.source.wait and (not self.schedule or self.source.events):
            message = "source.wait: a run of the schedule waits; give the feed a schedule, and no events"
            raise ValueError(message)
        if self.source.kind == "sql" and self.mode != "replace" and not self.source.watermark:
            message = "source.watermark: needed by kind sql unless mode is replace"
            raise ValueError(message)
        if self.source.kind == "sql" and self.source.watermark and self.source.watermark not in self.columns:
            message = f"source.watermark: {self.source.watermark} not in schema; what has landed is told from what has not by it"
            raise ValueError(message)
        if self.mode == "replace" and self.source.watermark:
            message = "source.watermark: with mode replace the table would shrink to the newest window; leave it out, or use mode merge"
            raise ValueError(message)
        return self

    def _named(self) -> list[tuple[str, tuple[str, ...]]]:
        return [("labels", tuple(self.labels)), *((f"unique.{number}", names) for number, names in enumerate(self.unique))]

    def suite(self, usual_rows: float | None = None) -> tuple[Expectation, ...]:
        """Return all that a batch is held against, see `suite_of`."""
        return (*self.expectations, *suite_of(self.volume, self.unique, self.labels, usual_rows))

    @property
    def suite_digest(self) -> str:
        """Return what names the suite: the rules that rows are held against, whatever else the spec says."""
        rules = [each.model_dump(mode="json") for each in self.suite()]
        parts = [rules, self.columns, self.key, self.quarantine.model_dump(), self.volume.model_dump() if self.volume else None]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Return what names this spec: another schema, expectation or key, another digest."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def nullable(self, column: str) -> bool:
        """Say whether the schema lets `column` be empty."""
        return self.columns[column].endswith("?")
