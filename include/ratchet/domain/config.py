"""`ratchet.yaml`: this deployment. Every key can be set by a `RATCHET__` environment variable."""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from include.ratchet.domain.alertspec import Alerts
from include.ratchet.domain.durations import Duration
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.openlineage import Lineage
from include.ratchet.domain.specs import PROJECT, did_you_mean
from include.ratchet.domain.strict import Strict

CONFIG_FILE = "RATCHET_CONFIG"
"""Environment variable that names another file than `ratchet.yaml`."""
PREFIX = "RATCHET__"


class Mlflow(Strict):
    """Where runs and models are recorded."""

    tracking: str = ""
    artifacts: str = ""
    pages: str = ""
    """Where people open MLflow in a browser; a tracking server's own address when left out."""


class StoreSpec(Strict):
    """A place outside: its URI, and the id of the connection that opens it."""

    uri: str
    connection: str = ""


class Serving(Strict):
    """Where the prediction service answers."""

    url: str = "http://127.0.0.1:8090"
    workers: int = Field(1, ge=1)
    log: str = ""
    """Folder of the prediction log; the service writes there, and the monitor's `ship` reads."""
    keys: str = ""
    """File of API keys (docs/serving.md); without one everybody may ask."""
    timeout: float = Field(30, gt=0)
    """Seconds that a request may take."""
    concurrency: int = Field(64, ge=1)
    """Requests that one worker takes on at a time; more are told to come again."""


class Retention(Strict):
    """How long what no registered version needs is kept; raw bytes for ever, unless a time is given."""

    versions: Duration = Field(default="90d", validate_default=True)
    snapshots: Duration = Field(default="90d", validate_default=True)
    work: Duration = Field(default="7d", validate_default=True)
    raw: Duration | None = None


class Config(BaseSettings):
    """The deployment: where everything is kept. What is left out lies under `home`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    home: str = ".ratchet"
    clock: Literal["wall", "data"] = "wall"
    stores: dict[str, str | StoreSpec] = {}
    raw: str = ""
    lake: str = ""
    ledger: str = ""
    online: str = ""
    mlflow: Mlflow = Mlflow()
    serving: Serving = Serving(workers=1, timeout=30, concurrency=64)
    connections: dict[str, str] = {}
    retention: Retention = Retention()
    alerts: Alerts = Alerts(inconclusive=3)
    lineage: Lineage = Lineage(namespace="ratchet", timeout=3)

    @classmethod
    def settings_customise_sources(  # noqa: D102 - pydantic-settings' own hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = YamlConfigSettingsSource(settings_cls, yaml_file=_file())
        return init_settings, env_settings, file

    @cached_property
    def folder(self) -> Path:
        """The absolute path of `home`; a relative one is under the project."""
        return (PROJECT / self.home).resolve()

    def place(self, value: str, default: str) -> str:
        """Return where something is kept: a store's name resolved, a URI as it is, a path made absolute, the default under `home`."""
        scheme, found, rest = value.partition("://")
        if found and scheme in self.stores:
            return f"{self._uri(scheme).rstrip('/')}/{rest}".rstrip("/")
        if found:
            return value.replace("{home}", str(self.folder))
        return str((PROJECT / value).resolve()) if value else str(self.folder / default)

    @property
    def raw_place(self) -> str:
        """Where batches are kept as they came, by content."""
        return self.place(self.raw, "raw")

    @property
    def lake_place(self) -> str:
        """Where the Delta tables are."""
        return self.place(self.lake, "lake")

    @property
    def work_place(self) -> str:
        """Where the tasks of a run leave files for each other: beside the lake's tables, since any machine may run the next one."""
        return f"{self.lake_place}/_work"

    @property
    def docs_place(self) -> str:
        """Where the pages about batches are: beside the lake's tables."""
        return f"{self.lake_place}/_docs"

    @property
    def log_place(self) -> Path:
        """Where the service writes its prediction log, a local folder."""
        return Path(self.place(self.serving.log, "serving"))

    @property
    def lineage_file(self) -> Path:
        """The file of OpenLineage events, where one is wanted."""
        return Path(self.place(self.lineage.path.replace("{home}", str(self.folder)), ""))

    @property
    def ledger_place(self) -> str:
        """An SQLAlchemy URL, or the id of a connection."""
        return self.ledger.replace("{home}", str(self.folder)) or f"sqlite:///{self.folder / 'ledger.db'}"

    @property
    def online_place(self) -> str:
        """The online store of the feature views: an SQLAlchemy URL, or the id of a connection."""
        return self.online.replace("{home}", str(self.folder)) or f"sqlite:///{self.folder / 'online.db'}"

    @property
    def tracking_place(self) -> str:
        """MLflow's tracking URI."""
        return self.mlflow.tracking.replace("{home}", str(self.folder)) or f"sqlite:///{self.folder / 'mlflow' / 'mlflow.db'}"

    @property
    def artifacts_place(self) -> str:
        """Where MLflow keeps models; empty when the tracking server decides."""
        if self.mlflow.tracking.startswith("http"):
            return ""
        return self.place(self.mlflow.artifacts, "mlflow/artifacts")

    @property
    def mlflow_pages(self) -> str:
        """Where people open MLflow; empty when nobody said."""
        return self.mlflow.pages or (self.mlflow.tracking if self.mlflow.tracking.startswith("http") else "")

    def store(self, uri: str) -> str:
        """Resolve `store://rest` to a place; other URIs and paths pass through.

        Raises:
            SpecError: The store is not named in `ratchet.yaml`.
        """
        scheme, found, rest = uri.partition("://")
        if not found:
            return self.place(uri, "")
        if scheme == "landing" and scheme not in self.stores:
            return f"{self.folder}/landing/{rest}"
        if scheme in self.stores:
            return f"{self._uri(scheme).rstrip('/')}/{rest}"
        if scheme in {"file", "s3", "gs", "abfs", "memory"}:
            return uri
        raise SpecError(
            f"{uri}: unknown store",
            [f"found {scheme!r}; allowed are landing, {', '.join(self.stores) or 'the stores of ratchet.yaml'}, s3, file"],
        )

    def connection_of(self, uri: str) -> str:
        """Return the id of the connection that opens a resolved URI: that of the innermost store around it; empty when none is named."""
        around = {self._uri(name).rstrip("/"): each.connection for name, each in self.stores.items() if isinstance(each, StoreSpec)}
        found = [place for place in around if uri == place or uri.startswith(f"{place}/")]
        return around[max(found, key=len)] if found else ""

    def _uri(self, store: str) -> str:
        found = self.stores[store]
        uri = found if isinstance(found, str) else found.uri
        return uri.replace("{home}", str(self.folder)) if "://" in uri else self.place(uri, store)


def load_config(**overrides: Any) -> Config:
    """Read `ratchet.yaml` and the environment; what was read is remembered as long as both are the same.

    Raises:
        SpecError: A key is unknown or has a wrong value.
    """
    if overrides:
        return _read(**overrides)
    file = _file()
    written = file.read_bytes() if file.is_file() else b""
    said = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(PREFIX)))
    return _remembered(file, written, said)


@lru_cache(maxsize=8)
def _remembered(file: Path, written: bytes, said: tuple[tuple[str, str], ...]) -> Config:  # noqa: ARG001 - what it was read from
    """Read once: it takes 2.3 ms, and a request to the prediction service asks for it four times."""
    return _read()


def _file() -> Path:
    return Path(os.environ.get(CONFIG_FILE, PROJECT / "ratchet.yaml"))


def _read(**overrides: Any) -> Config:
    known = list(Config.model_fields)
    asked = {name: name.removeprefix(PREFIX).split("__")[0].lower() for name in os.environ if name.startswith(PREFIX)}
    unknown = [
        f"{name}: no such key; allowed are {', '.join(known)}{did_you_mean(key, known)}" for name, key in asked.items() if key not in known
    ]
    if unknown:
        raise SpecError("a RATCHET__ variable: not allowed", unknown)
    try:
        return Config(**overrides)
    except ValidationError as error:
        faults = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}; found {e['input']!r}" for e in error.errors(include_url=False)]
        raise SpecError("ratchet.yaml or a RATCHET__ variable: not allowed", faults) from error
