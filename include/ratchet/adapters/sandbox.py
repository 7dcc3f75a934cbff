"""Ports for a past that is replayed: the lake as it was known, a registry in a folder, a clock that stands still.

They read the project's lake and write into a folder of their own, never into the project's ledger, registry or lake.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from include.ratchet.adapters.models import load_skops, save_skops, sha256_of
from include.ratchet.domain.errors import DataError, RegistryError
from include.ratchet.domain.ports import Lake, ModelVersion, Registry, TableFiles, TrainingReport
from include.ratchet.domain.records import Stored

CLEAN = "clean/"
SHARED = ("snapshots/", "sketches/")
"""Files that are the same whoever makes them: named by their content, or by a version and a window."""


@dataclass(frozen=True)
class StillClock:
    """Now is always the same."""

    at: datetime

    def now(self, feeds: Sequence[str]) -> datetime:  # noqa: ARG002 - the same for all feeds
        """Return the time, UTC."""
        return self.at


def cut(real: Lake, feed: str, version: int, before: tuple[str, datetime] | None, target: Path) -> None:
    """Copy a clean table's version, without what happened at a time or later, into one Parquet file; batch by batch.

    Args:
        real: The lake.
        feed: The feed.
        version: The version of its clean table.
        before: The column of the event time and the time; None for a feed that has none.
        target: The file, written in one move.
    """
    dataset = real.dataset(f"{CLEAN}{feed}", version)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(part, dataset.schema) as writer:
        for batch in dataset.to_batches(use_threads=False):
            rows = pa.Table.from_batches([batch])
            if before is not None:
                times = rows[before[0]]
                rows = rows.filter(pc.less(times, pa.scalar(before[1], type=times.type)))
            writer.write_table(rows)
    part.replace(target)


class PastLake(Lake):
    """Clean tables at pinned versions, each from a file that holds what was known; all else in a lake of one's own."""

    def __init__(self, pinned: Mapping[str, int], files: Mapping[tuple[str, int], Path], own: Lake, shared: Lake) -> None:
        """Replay a moment.

        Args:
            pinned: The version of every clean table, by feed.
            files: The rows of feeds at versions: the pinned ones, and those of earlier moments.
            own: Where one replay keeps its tables.
            shared: Where all replays keep what is the same for each.
        """
        self._pinned, self._files, self._own, self._shared = pinned, files, own, shared

    def version(self, table: str) -> int | None:
        """Return the pinned version of a clean table, else the newest one."""
        if table.startswith(CLEAN):
            return self._pinned.get(table.removeprefix(CLEAN))
        return self._own.version(table)

    def dataset(self, table: str, version: int | None = None) -> pads.Dataset:
        """Return the rows that were known."""
        return pads.dataset(self._past(table, version)) if table.startswith(CLEAN) else self._own.dataset(table, version)

    def parquet(self, table: str, version: int | None = None) -> TableFiles:
        """Return the file of the rows that were known."""
        if not table.startswith(CLEAN):
            return self._own.parquet(table, version)
        rows = pads.dataset(path := self._past(table, version))
        return TableFiles((str(path),), rows.schema, rows)

    def whole(self, table: str, version: int) -> bool:
        """Say whether a version can be read: of a clean table one that was known."""
        if table.startswith(CLEAN):
            return (table.removeprefix(CLEAN), version) in self._files
        return self._own.whole(table, version)

    def wrote(self, table: str, write_ids: Sequence[str]) -> set[str]:
        """Return which of some writes are in a table of one's own."""
        return self._own.wrote(table, write_ids)

    def write(self, table: str, rows: pa.Table, *, write_id: str, mode: str, key: Sequence[str] = ()) -> int:
        """Write to a table of one's own; the past stays as it is."""
        self._require_own(table)
        return self._own.write(table, rows, write_id=write_id, mode=mode, key=key)

    def revise(self, table: str, rows: pa.Table, *, column: str, value: str, write_id: str) -> int:
        """Put rows in place of others in a table of one's own."""
        self._require_own(table)
        return self._own.revise(table, rows, column=column, value=value, write_id=write_id)

    def keep(self, name: str, rows: pa.Table) -> str:
        """Keep a file."""
        return self._of(name).keep(name, rows)

    def kept(self, name: str) -> pa.Table:
        """Read a file."""
        return self._of(name).kept(name)

    def drop(self, *names: str) -> None:
        """Remove files; those that are shared stay."""
        self._own.drop(*(name for name in names if not name.startswith(SHARED)))

    def tables(self) -> list[str]:
        """Name the clean tables and one's own."""
        return sorted([*(f"{CLEAN}{feed}" for feed in self._pinned), *self._own.tables()])

    def files(self, folder: str) -> list[Stored]:
        """List what was kept below a folder."""
        return self._of(f"{folder}/").files(folder)

    def clean(self, table: str, keep: Collection[int], older: timedelta) -> int:
        """Remove what old versions of a table of one's own need."""
        self._require_own(table)
        return self._own.clean(table, keep, older)

    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished."""
        return self._own.abort(before)

    def _of(self, name: str) -> Lake:
        return self._shared if name.startswith(SHARED) else self._own

    def _past(self, table: str, version: int | None) -> Path:
        feed = table.removeprefix(CLEAN)
        asked = self._pinned.get(feed) if version is None else version
        found = self._files.get((feed, asked)) if asked is not None else None
        if found is None:
            message = f"table {table}: version {asked} was not known at this moment of the past"
            raise DataError(message)
        return found

    def _require_own(self, table: str) -> None:
        if table.startswith((CLEAN, "quarantine/")):
            message = f"table {table}: a replay of the past does not write to it"
            raise DataError(message)


class FolderRegistry(Registry):
    """Versions in a folder that several replays share; aliases, and tags that are set later, are each replay's own."""

    def __init__(self, folder: Path, number: int | None = None) -> None:
        """Keep versions under `folder`; the next one that is registered is `number`, or one more than the newest."""
        self._folder, self._number = folder, number
        self._tags: dict[tuple[str, int], dict[str, str]] = {}
        self.aliases: dict[str, dict[str, int]] = {}

    def register(self, report: TrainingReport) -> ModelVersion:
        """Keep the pipeline; what describes it is written last, so that a version is there whole or not at all."""
        same = [
            each for each in self.versions(report.model) if (each.run_id, each.tags["ratchet.snapshot"]) == (report.run_id, report.snapshot)
        ]
        if same:
            return same[0]
        number = self._number or 1 + max((each.version for each in self.versions(report.model)), default=0)
        if report.pipeline is None:
            message = f"model {report.model} run {report.run_id}: not registered yet, and the fitted {report.chosen} is gone"
            raise RegistryError(message)
        path = self._path(report.model, number)
        content: dict[str, Any] = {"run_id": report.run_id, "candidate": report.chosen, "snapshot": report.snapshot, "sha": {}}
        for name, pipeline in (("model", report.pipeline), ("baseline", report.baseline)):
            if pipeline is not None:
                save_skops(pipeline, path / f"{name}.skops")
                content["sha"][name] = sha256_of(path / f"{name}.skops")
        part = path / f".version.{os.getpid()}.part"
        part.write_text(json.dumps(content), encoding="utf-8")
        part.replace(path / "version.json")
        return self.get(report.model, number)

    def models(self) -> list[str]:
        """Name the models."""
        return sorted({path.parent.parent.name for path in self._folder.glob("*/*/version.json")})

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the versions that are there."""
        numbers = sorted(int(path.parent.name) for path in (self._folder / model).glob("*/version.json"))
        return [self.get(model, number) for number in numbers]

    def track(self, report: TrainingReport) -> str:
        """Refuse: a replay tries nothing out."""
        message = f"model {report.model} run {report.run_id}: a replay of the past tracks no experiments"
        raise RegistryError(message)

    def get(self, model: str, version: int) -> ModelVersion:
        """Return a version."""
        content = self._read(model, version)
        tags = {"ratchet.snapshot": content["snapshot"], "ratchet.run_id": content["run_id"], "ratchet.candidate": content["candidate"]}
        return ModelVersion(model, version, content["run_id"], str(self._path(model, version)), tags | self._tags.get((model, version), {}))

    def artifact(self, model: str, version: int, sha: str = "") -> str:
        """Return the file, when its bytes are those that were registered and judged."""
        return self._checked(model, version, "model", sha)

    def load(self, model: str, version: int, sha: str = "") -> Any:
        """Load the fitted pipeline."""
        return _loaded(self.artifact(model, version, sha))

    def baseline(self, model: str, version: int) -> Any:
        """Load the trivial model; None when there is none."""
        there = "baseline" in self._read(model, version)["sha"]
        return load_skops(self._checked(model, version, "baseline")) if there else None

    def tag(self, model: str, version: int, tags: Mapping[str, str]) -> None:
        """Remember tags."""
        self.get(model, version)
        self._tags.setdefault((model, version), {}).update(tags)

    def attach(self, model: str, version: int, files: Mapping[str, str]) -> str:
        """Write texts beside the version."""
        for name, text in files.items():
            path = self._path(model, version) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return (self._path(model, version) / next(iter(files))).as_uri()

    def point(self, model: str, aliases: Mapping[str, int | None]) -> None:
        """Remember aliases."""
        known = self.aliases.setdefault(model, {})
        for alias, version in aliases.items():
            if version is None:
                known.pop(alias, None)
            else:
                known[alias] = self.get(model, version).version

    def _path(self, model: str, version: int) -> Path:
        return self._folder / model / str(version)

    def _read(self, model: str, version: int) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self._path(model, version) / "version.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            message = f"model {model} version {version}: not in the registry of this replay"
            raise RegistryError(message) from None
        return content

    def _checked(self, model: str, version: int, name: str, sha: str = "") -> str:
        path, known = self._path(model, version) / f"{name}.skops", self._read(model, version)["sha"][name]
        if not path.is_file() or {sha256_of(path), sha or known} != {known}:
            message = f"model {model} version {version}: the artifact was altered after it was {'judged' if sha else 'registered'}"
            raise RegistryError(message)
        return str(path)


@functools.lru_cache(maxsize=32)
def _loaded(path: str) -> Any:
    """Load a pipeline once a process: half a second each, three times a window. Its file was checked by the caller."""
    return load_skops(path)
