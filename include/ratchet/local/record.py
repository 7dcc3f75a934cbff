"""Which processes make up the stack of this home: kept on disk, so that any later command finds them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import RatchetError
from include.ratchet.local.ports import Ports
from include.ratchet.local.processes import Child


class StackError(RatchetError):
    """The embedded stack cannot start, or a part of it ended."""


@dataclass(frozen=True)
class Stack:
    """A stack that was started: its parts, its ports, and when [s since 1970]."""

    id: str
    ports: Ports
    children: tuple[Child, ...]
    started: float

    def dead(self) -> list[Child]:
        """Return the parts that ended."""
        return [each for each in self.children if each.process() is None]

    def require_alive(self) -> None:
        """Raise StackError with the last lines of its log when a part ended."""
        for each in self.dead():
            raise StackError(f"{each.name} ended by itself; the end of {each.log}:\n{each.tail()}")


def read(config: Config) -> Stack | None:
    """Return the stack that was started last and not taken down."""
    try:
        content = json.loads(_file(config).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Stack(content["id"], Ports(**content["ports"]), tuple(Child(**c) for c in content["children"]), content["started"])


def write(config: Config, stack: Stack) -> None:
    """Keep the record, whole or not at all."""
    content = {"id": stack.id, "ports": stack.ports.to_json(), "children": [c.to_json() for c in stack.children], "started": stack.started}
    draft = _file(config).with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
    draft.replace(_file(config))


def forget(config: Config) -> None:
    """Take the record away: nothing runs."""
    _file(config).unlink(missing_ok=True)


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Let one start at a time work on this home."""
    with (config.folder / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _file(config: Config) -> Path:
    return config.folder / "run" / "stack.json"
