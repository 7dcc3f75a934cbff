"""Ports in memory, for tests of tasks: each subclasses its port and passes the contract suite of the real adapter."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from include.ratchet.adapters.models import load_skops, save_skops
from include.ratchet.domain.errors import DataError, RegistryError, SpecError
from include.ratchet.domain.online import Entity, Known, Lookup, OnlineStore
from include.ratchet.domain.ports import Connection, Connections, ModelVersion, Registry, Source, TrainingReport
from include.ratchet.domain.records import Delivery


class MemorySource(Source):
    """Deliveries that a test puts in, oldest first."""

    format = "csv"

    def __init__(self, *contents: bytes) -> None:
        """Start with some deliveries."""
        self._contents: list[bytes] = list(contents)

    def put(self, content: bytes) -> None:
        """Deliver some bytes."""
        self._contents.append(content)

    def discover(self, seen: Sequence[str], watermark: Any) -> list[Delivery]:  # noqa: ARG002 - memory has no watermark
        """List what has not landed."""
        found = [Delivery(f"memory://{i}", f"{i}|{hashlib.sha256(content).hexdigest()}") for i, content in enumerate(self._contents)]
        return [each for each in found if each.fingerprint not in seen]

    def fetch(self, delivery: Delivery) -> BinaryIO:
        """Open the bytes."""
        number = int(delivery.uri.removeprefix("memory://"))
        if number >= len(self._contents):
            message = f"{delivery.uri}: gone"
            raise DataError(message)
        return io.BytesIO(self._contents[number])


@dataclass
class MemoryConnections(Connections):
    """Connections that a test names."""

    known: dict[str, str] = field(default_factory=dict)

    def get(self, conn_id: str) -> Connection:
        """Return the connection."""
        if conn_id not in self.known:
            raise SpecError(f"connection {conn_id!r}: not known", [f"found {', '.join(self.known) or 'none'}"])
        return Connection.from_uri(self.known[conn_id])


class MemoryRegistry(Registry):
    """Versions and aliases in memory; the artifacts are files, because other processes load them."""

    def __init__(self, folder: Path) -> None:
        """Keep artifacts under `folder`."""
        self._folder = folder
        self.made: dict[str, list[ModelVersion]] = {}
        self.aliases: dict[str, dict[str, int]] = {}
        self._shas: dict[str, str] = {}
        self.tracked: list[TrainingReport] = []

    def register(self, report: TrainingReport) -> ModelVersion:
        """Keep the pipeline's file."""
        made = self.made.setdefault(report.model, [])
        known = [each for each in made if each.run_id == report.run_id]
        if known:
            return known[0]
        path = self._folder / report.model / str(len(made) + 1) / "model.skops"
        save_skops(report.pipeline, path)
        self._shas[str(path)] = _sha(path)
        if report.baseline is not None:
            save_skops(report.baseline, path.with_name("baseline.skops"))
            self._shas[str(path.with_name("baseline.skops"))] = _sha(path.with_name("baseline.skops"))
        version = ModelVersion(report.model, len(made) + 1, report.run_id, str(path), {"ratchet.candidate": report.chosen})
        made.append(version)
        return version

    def track(self, report: TrainingReport) -> str:
        """Keep the report, once, and no version."""
        if report.run_id not in [each.run_id for each in self.tracked]:
            self.tracked.append(report)
        return f"memory://{report.model}/{report.run_id}"

    def get(self, model: str, version: int) -> ModelVersion:
        """Return a version."""
        made = self.made.get(model, [])
        if not 0 < version <= len(made):
            message = f"model {model} version {version}: not in the registry; registered are {len(made)}"
            raise RegistryError(message)
        return made[version - 1]

    def models(self) -> list[str]:
        """Name the models."""
        return list(self.made)

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the versions."""
        return list(self.made.get(model, []))

    def artifact(self, model: str, version: int, sha: str = "") -> str:
        """Return the file, as it was registered and judged."""
        uri = self.get(model, version).uri
        if not Path(uri).is_file() or {_sha(Path(uri)), sha or self._shas[uri]} != {self._shas[uri]}:
            message = f"model {model} version {version}: the artifact was altered after it was {'judged' if sha else 'registered'}"
            raise RegistryError(message)
        return uri

    def load(self, model: str, version: int, sha: str = "") -> Any:
        """Load the file."""
        return load_skops(self.artifact(model, version, sha))

    def baseline(self, model: str, version: int) -> Any:
        """Load the file beside it."""
        path = Path(self.get(model, version).uri).with_name("baseline.skops")
        if str(path) not in self._shas:
            return None
        if _sha(path) != self._shas[str(path)]:
            message = f"model {model} version {version}: the artifact was altered after registration"
            raise RegistryError(message)
        return load_skops(path)

    def tag(self, model: str, version: int, tags: Mapping[str, str]) -> None:
        """Add tags."""
        found = self.get(model, version)
        self.made[model][version - 1] = replace(found, tags={**found.tags, **tags})

    def attach(self, model: str, version: int, files: Mapping[str, str]) -> str:
        """Write the files beside the artifact."""
        folder = Path(self.get(model, version).uri).parent
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return (folder / next(iter(files))).as_uri()

    def point(self, model: str, aliases: Mapping[str, int | None]) -> None:
        """Move or remove aliases."""
        known = self.aliases.setdefault(model, {})
        for alias, version in aliases.items():
            if version is None:
                known.pop(alias, None)
            else:
                known[alias] = self.get(model, version).version


class MemoryOnline(OnlineStore):
    """Rows and answers in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._rows: dict[tuple[str, Entity], Known] = {}
        self._answers: dict[tuple[Any, ...], Lookup] = {}
        self._lock = Lock()

    def put(self, rows: Sequence[Known]) -> int:
        """Keep what is newer."""
        moved = 0
        with self._lock:
            for row in rows:
                old = self._rows.get((row.view, row.entity))
                if old is None or old.definition != row.definition or _newness(old) < _newness(row):
                    self._rows[row.view, row.entity] = row
                    moved += 1
        return moved

    def get(self, view: str, definition: str, entities: Sequence[Entity]) -> Mapping[Entity, Known]:
        """Return what is known."""
        found = {each: self._rows.get((view, each)) for each in entities}
        return {entity: row for entity, row in found.items() if row and row.definition == definition}

    def log(self, lookups: Sequence[Lookup]) -> None:
        """Keep the first of each kind."""
        for each in lookups:
            row = each.known
            self._answers.setdefault((row.view, row.definition, row.entity, *_newness(row), each.lasted), each)

    def logged(self, view: str, definition: str, since: datetime | None = None) -> list[Lookup]:
        """Return them by time."""
        mine = [each for each in self._answers.values() if (each.known.view, each.known.definition) == (view, definition)]
        return sorted((each for each in mine if since is None or each.at >= since), key=lambda each: each.at)


def _newness(row: Known) -> tuple[datetime, int]:
    return row.time, sum(row.tables.values())


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
