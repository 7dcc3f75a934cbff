"""Where one backtest lives: its plan, its folders, and the ports that its task bodies open.

```
<home>/backtests/<model>/backtest.html, backtest.json      the result
                         work/<key>/plan.json              what is replayed; the key is its digest
                                    cut/                   clean tables as they were known
                                    include/<policy>/      the specs, with the policy's triggers
                                    shared/                snapshots, sketches
                                    models/, trained/      every window's model; its figures
                                    policies/<policy>/     a ledger and a lake of its own; what happened in each window
```
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from include.ratchet import adapters
from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.adapters.ledger import opened
from include.ratchet.adapters.memory import Memory
from include.ratchet.adapters.online import opened as online
from include.ratchet.adapters.sandbox import FolderRegistry, PastLake, StillClock
from include.ratchet.adapters.store import Store
from include.ratchet.backtest.processes import environ
from include.ratchet.domain import specs
from include.ratchet.domain.backtest import Step
from include.ratchet.domain.config import PREFIX
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window

TEMPLATE = "ledger.db"
UNHEARD = {f"{PREFIX}LINEAGE__{key}": "" for key in ("URL", "PATH")}
"""Nobody is told of a task of the past by OpenLineage; what bodies write into the home, such as the monitor's page, goes elsewhere too."""
TRAINING = "training"
"""The name under which every window's model is trained, beside those of the policies."""


@dataclass(frozen=True)
class Bed:
    """One backtest's folder."""

    folder: Path

    @cached_property
    def plan(self) -> Json:
        """What is replayed."""
        content: Json = read(self.folder / "plan.json")
        return content

    @property
    def model(self) -> str:
        """The model."""
        return str(self.plan["model"])

    @cached_property
    def steps(self) -> list[Step]:
        """The windows, oldest first."""
        return [Step(each["number"], Window.from_json(each["window"]), each["tables"]) for each in self.plan["steps"]]

    def step(self, number: int) -> Step:
        """Return a window by its number."""
        return self.steps[number - 1]

    def cut(self, feed: str, number: int) -> Path:
        """Return the file of a feed as it was known at the end of a window."""
        return self.folder / "cut" / f"{feed}-{number:03}.parquet"

    @property
    def shared(self) -> DeltaLake:
        """What is the same for all policies."""
        return DeltaLake(str(self.folder / "shared"))

    @property
    def models(self) -> FolderRegistry:
        """Every window's model, its version the window's number."""
        return FolderRegistry(self.folder / "models")

    @contextmanager
    def at(self, number: int, name: str = TRAINING, who: str = "configured") -> Iterator[ModelSpec]:
        """Let task bodies run at the end of a window, on ports of their own.

        Args:
            number: The window.
            name: Whose folder: a policy's, or `training` with the window's number.
            who: The policy whose triggers `model.yaml` has.
        """
        place, step = self.folder / "policies" / name, self.step(number)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / TEMPLATE).exists():
            part = place / f".{TEMPLATE}.{os.getpid()}"
            shutil.copyfile(self.folder / TEMPLATE, part)  # its tables take a second to make
            part.replace(place / TEMPLATE)
        files = {(feed, version): self.cut(feed, each.number) for each in self.steps[:number] for feed, version in each.tables.items()}
        ports = adapters.Ports(
            ledger=opened(f"sqlite:///{place / TEMPLATE}"),
            lake=PastLake(step.tables, files, DeltaLake(str(place / "lake")), self.shared),
            registry=FolderRegistry(self.folder / "models", number),
            clock=StillClock(step.window.end),
            work=Store(str(place / "work"), None),
            online=online(f"sqlite:///{place / 'online.db'}"),
            memory=Memory(self.folder / "memory" / f"{number:03}"),
        )
        with adapters.instead(ports), reading(self.folder / "include" / who), environ(**{f"{PREFIX}HOME": str(place / "home"), **UNHEARD}):
            yield specs.model(self.model)


@contextmanager
def reading(include: Path) -> Iterator[None]:
    """Read specs from another folder within the block."""
    before, specs.INCLUDE = specs.INCLUDE, include
    try:
        yield
    finally:
        specs.INCLUDE = before


def read(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, content: Any) -> None:
    """Write a JSON file in one move."""
    write_text(path, json.dumps(content, indent=1, default=str))


def write_text(path: Path, text: str) -> None:
    """Write a text in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
