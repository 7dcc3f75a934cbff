"""What was computed before, by what it was computed of: for replays of the past, which ask the same again and again."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from include.ratchet.adapters.models import load_skops, save_skops
from include.ratchet.domain.records import digest

T = TypeVar("T")


class Memory:
    """Files in a folder, each named by the digest of its key; without a folder nothing is remembered."""

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in a folder."""
        self._folder = folder

    def table(self, key: Any, make: Callable[[], pa.Table]) -> pa.Table:
        """Return a table, made once per key."""
        return self._once(key, make, pq.write_table, lambda path: pq.ParquetFile(path).read())

    def pipelines(self, key: Any, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return fitted pipelines by name, made once per key."""
        return self._once(key, make, save_skops, load_skops)

    def record(self, key: Any, make: Callable[[], T], kind: type[T]) -> T:
        """Return a dataclass of JSON values, made once per key."""

        def write(made: Any, path: Path) -> None:
            path.write_text(json.dumps(dataclasses.asdict(made)), encoding="utf-8")

        return self._once(key, make, write, lambda path: kind(**json.loads(path.read_text(encoding="utf-8"))))

    def _once(self, key: Any, make: Callable[[], T], write: Callable[[Any, Path], None], read: Callable[[Path], T]) -> T:
        if self._folder is None:
            return make()
        path = self._folder / digest(key)[:32]
        if not path.exists():
            made = make()
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            part.parent.mkdir(parents=True, exist_ok=True)
            write(made, part)
            part.replace(path)
        return read(path)
