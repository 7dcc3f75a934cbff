"""What Ratchet asks of the outside. `adapters` answers; tests answer with fakes that pass the same contract."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.records import Batch, Delivery, Json, Stored, Window

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads


AIRFLOWS_OWN = frozenset(
    {
        *("aws_conn_id", "azure_conn_id", "iam", "redshift", "redshift-serverless", "cluster-identifier", "cluster_identifier"),
        *("workgroup-name", "client", "cursor", "enable_log_db_messages", "sqlalchemy_scheme"),
    }
)
"""Extras by which Airflow's own database hooks choose how to connect: no driver knows them."""


@dataclass(frozen=True)
class Connection:
    """An outside system's address and secret, resolved from a connection id."""

    kind: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    extra: Json = field(default_factory=dict, repr=False)

    @classmethod
    def from_uri(cls, uri: str) -> Connection:
        """Read `kind://login:password@host:port/schema?extra=value`, as Airflow writes it; SQLite keeps its path as the host."""
        kind, _, rest = uri.partition("://")
        if kind.startswith("sqlite"):
            return cls("sqlite", host="/" + rest.lstrip("/"))
        parts = urlsplit(uri)
        return cls(
            kind,
            parts.hostname or "",
            parts.port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            unquote(parts.path.lstrip("/")),
            _extra(parts.query),
        )

    @property
    def sqlalchemy_url(self) -> str:
        """The address as SQLAlchemy wants it; PostgreSQL by the driver that Airflow itself uses."""
        if self.kind == "sqlite":
            return f"sqlite:///{self.host or self.schema}"
        driver = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}.get(
            self.kind, self.kind
        )
        secret = f"{quote(self.login, safe='')}:{quote(self.password, safe='')}@" if self.login else ""
        port = f":{self.port}" if self.port else ""
        settings = urlencode(_settings(self.extra))
        return f"{driver}://{secret}{self.host}{port}/{self.schema}{'?' if settings else ''}{settings}"


def _extra(query: str) -> Json:
    """Read what follows the question mark; Airflow writes extras that are no plain texts as JSON under one name."""
    found: Json = dict(parse_qsl(query, keep_blank_values=True))
    nested = json.loads(found.pop("__extra__", "") or "{}")
    return found | (nested if isinstance(nested, dict) else {})


def _settings(extra: Json) -> dict[str, str]:
    """Return what the driver is told, TLS before all: an `sslmode` that got lost is a password sent in clear."""
    settings: dict[str, str] = {}
    for name, value in extra.items():
        if isinstance(value, dict) and name == "ssl":  # MySQL's form: {"ca": ...}, which SQLAlchemy calls ssl_ca
            settings |= _settings({f"ssl_{part}": inner for part, inner in value.items()})
        elif isinstance(value, dict) and name == "sqlalchemy_query":
            settings |= _settings(value)
        elif isinstance(value, str | int | float) and name not in AIRFLOWS_OWN:
            settings[name] = str(int(value) if isinstance(value, bool) else value)
    return settings


class Connections(Protocol):
    """Resolves connection ids: Airflow's own inside a task, the environment outside."""

    def get(self, conn_id: str) -> Connection:
        """Return the connection, or raise SpecError naming where it could be set."""


class Source(ABC):
    """One feed's origin. A new kind of source is one class that passes `tests/contract/test_sources.py`."""

    @abstractmethod
    def discover(self, seen: Sequence[str], watermark: Any) -> list[Delivery]:
        """List what is there and not yet seen, oldest first; reads no content.

        Args:
            seen: Fingerprints of deliveries that have landed, in the order in which they last did.
            watermark: The highest watermark that has landed, None before the first.
        """

    @abstractmethod
    def fetch(self, delivery: Delivery) -> BinaryIO:
        """Open the delivery's bytes: the same delivery, the same bytes."""

    def between(self, start: datetime, end: datetime, name: str) -> list[Delivery]:
        """Say what of the half-open window `[start, end)`, UTC, has not landed, as a delivery of that name; SpecError without windows."""
        raise SpecError("source: no windows", [f"found kind {type(self).__name__}, asked for {start} to {end} ({name}); allowed is sql"])

    @property
    @abstractmethod
    def format(self) -> str:
        """How the bytes are to be read: csv, jsonl or parquet."""


class Landing(ABC):
    """Raw bytes, kept by content before anything reads them."""

    @abstractmethod
    def put(self, feed: str, stream: BinaryIO) -> tuple[str, int]:
        """Keep the bytes; return their SHA-256 and size. Atomic; the same bytes twice are one object."""

    @abstractmethod
    def open(self, feed: str, sha: str) -> BinaryIO:
        """Open kept bytes, or raise DataError when they are not there."""

    @abstractmethod
    def held(self, feed: str) -> list[str]:
        """Return the SHA-256 of all bytes that are kept of a feed."""

    @abstractmethod
    def drop(self, feed: str, sha: str) -> None:
        """Remove kept bytes, when they are there."""

    @abstractmethod
    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished that died before a moment, UTC; return its names."""


@dataclass(frozen=True)
class TableFiles:
    """A version of a table for an engine that reads files itself: their places, none of them partitioned, and the schema."""

    paths: tuple[str, ...]
    schema: pa.Schema
    rows: pads.Dataset


class Lake(ABC):
    """Delta tables: `clean/<feed>`, `quarantine/<feed>`, `predictions/<model>`; and immutable Parquet files."""

    @abstractmethod
    def version(self, table: str) -> int | None:
        """Return the table's newest version, None when it does not exist."""

    @abstractmethod
    def wrote(self, table: str, write_ids: Sequence[str]) -> set[str]:
        """Return which of some writes are in the table."""

    @abstractmethod
    def dataset(self, table: str, version: int | None = None) -> pads.Dataset:
        """Return the rows of a version, to be read by DuckDB or Arrow; DataError when it is not there."""

    @abstractmethod
    def parquet(self, table: str, version: int | None = None) -> TableFiles:
        """Return the Parquet files of a version; DataError when it is not there, or files alone do not tell its rows."""

    @abstractmethod
    def whole(self, table: str, version: int) -> bool:
        """Say whether a version can still be read: `clean` removes files that only old versions need."""

    @abstractmethod
    def write(self, table: str, rows: pa.Table, *, write_id: str, mode: str, key: Sequence[str] = ()) -> int:
        """Write rows as one new version, once per `write_id`; return the version.

        Args:
            table: Name of the table; created by the first write.
            rows: The rows.
            write_id: A second write with the same id changes nothing.
            mode: merge (by `key`), insert (only rows whose `key` is not there), append or replace.
            key: Columns that name a row, for merge and insert.
        """

    @abstractmethod
    def revise(self, table: str, rows: pa.Table, *, column: str, value: str, write_id: str) -> int:
        """Put `rows` in place of all rows whose `column` is `value`, as one new version, once per `write_id`."""

    @abstractmethod
    def keep(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> str:
        """Write an immutable Parquet file, atomically, a stream of rows as they come; return its place."""

    @abstractmethod
    def kept(self, name: str) -> pa.Table:
        """Read a file that `keep` wrote, or raise DataError."""

    @abstractmethod
    def drop(self, *names: str) -> None:
        """Remove files that `keep` wrote and that nothing needs any more."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Name the tables that have been written to."""

    @abstractmethod
    def files(self, folder: str) -> list[Stored]:
        """List what `keep` wrote below a folder, by name."""

    @abstractmethod
    def clean(self, table: str, keep: Collection[int], older: timedelta) -> int:
        """Remove files that only versions replaced for longer than `older` need, none that a version of `keep` needs; return their number.

        Raises:
            DataError: A version of `keep` is no longer in the table's log; nothing was removed.
        """

    @abstractmethod
    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished that died before a moment, UTC; return its names."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered version."""

    model: str
    version: int
    run_id: str
    uri: str
    tags: dict[str, str]


@dataclass(frozen=True)
class TrainingReport:
    """What a training run hands to the registry: the chosen pipeline, how it came to be chosen, and the trivial model beside it.

    `files` are kept beside the run by their names; `data` says what was trained on: content, tables, window, place, rows.
    """

    model: str
    run_id: str
    chosen: str
    pipeline: Any
    candidates: tuple[Json, ...]
    columns: Columns
    parameters: dict[str, str]
    snapshot: str
    baseline: Any = None
    files: dict[str, bytes] = field(default_factory=dict)
    data: Json = field(default_factory=dict)
    code: str = ""


class Registry(ABC):
    """Registered models: what was fitted, and its aliases (a projection of the ledger)."""

    @abstractmethod
    def register(self, report: TrainingReport) -> ModelVersion:
        """Log the run and register the chosen pipeline; the same training run on the same snapshot registers once."""

    @abstractmethod
    def models(self) -> list[str]:
        """Name the models that have a registered version."""

    @abstractmethod
    def versions(self, model: str) -> list[ModelVersion]:
        """Return the versions that are registered."""

    @abstractmethod
    def track(self, report: TrainingReport) -> str:
        """Log a run that is only tried out, once, beside all registered ones; return where people read it. Nothing is registered."""

    @abstractmethod
    def artifact(self, model: str, version: int, sha: str = "") -> str:
        """Return the local path of the version's skops file; RegistryError when it was altered.

        Args:
            model: The model.
            version: The version.
            sha: The SHA-256 that its verdict names; empty where there is no verdict (yet).
        """

    @abstractmethod
    def get(self, model: str, version: int) -> ModelVersion:
        """Return a version, or raise RegistryError."""

    @abstractmethod
    def load(self, model: str, version: int, sha: str = "") -> Any:
        """Load the fitted pipeline from skops; RegistryError when it is altered or holds untrusted types."""

    @abstractmethod
    def baseline(self, model: str, version: int) -> Any:
        """Load the trivial model that was registered with a version, checked like it; None when there is none."""

    @abstractmethod
    def tag(self, model: str, version: int, tags: dict[str, str]) -> None:
        """Set tags on a version."""

    @abstractmethod
    def attach(self, model: str, version: int, files: dict[str, str]) -> str:
        """Keep texts beside the run that made a version, each under its name; return where people read the first one."""

    @abstractmethod
    def point(self, model: str, aliases: dict[str, int | None]) -> None:
        """Make the aliases point where the ledger says; None removes one."""


class Clock(Protocol):
    """Where every now comes from."""

    def now(self, feeds: Sequence[str]) -> datetime:
        """Return now for what is read from `feeds`, UTC; DataError while there is no data to tell it by."""


__all__ = ["Batch", "Clock", "Connection", "Connections", "Lake", "Landing", "ModelVersion", "Registry", "Source", "Window"]
