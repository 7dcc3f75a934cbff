"""Segments: files of JSON lines that a service appends to before it answers, and a task reads once they are closed.

A line that `append` has written survives a kill of the process, and within 100 ms the machine's too. A writer holds a
lock on its segment, which the kernel drops when it dies: a segment that can be locked is closed, whoever closed it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.domain.records import Json

SUFFIX = ".jsonl"
MAX_BYTES = 32 * 2**20
MAX_SECONDS = 10.0
"""A segment is closed after this much, so that what it holds can be read."""
_SYNC_EVERY = 0.04
_LOOK_EVERY = 1.0


@dataclass
class _Open:
    """The segment that a stream writes to; `fd` is None before the first line and after a close."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    fd: int | None = None
    size: int = 0
    opened: float = 0.0
    dirty: bool = False
    named: bool = False
    ended: list[int] = field(default_factory=list)
    """Segments that nothing is written to any more; the next sync closes them."""

    def write(self, parts: Sequence[bytes]) -> None:
        size = sum(map(len, parts))
        with self.lock:
            if self.fd is None:
                self.fd, self.size, self.opened, self.named = _created(self.folder), 0, time.monotonic(), False
            try:
                written = os.writev(self.fd, parts)
                while written < size:  # a disk that was full for a moment, or a signal
                    written += os.write(self.fd, b"".join(parts)[written:])
            except OSError:
                self._take_back(self.fd)
                raise
            self.size += size
            self.dirty = True

    def end(self) -> None:
        """Write to another segment from now on."""
        if self.fd is not None:
            self.ended.append(self.fd)
            self.fd = None

    def _take_back(self, fd: int) -> None:
        """Cut off what a full disk took of a line: the next line would be glued to it, and lost with it."""
        try:
            os.ftruncate(fd, self.size)
        except OSError:
            self.end()  # torn at its end, where no reader looks


class Segments:
    """The segments of one process, a stream per model; a thread syncs and closes them."""

    def __init__(self, place: Path, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS) -> None:
        """Write under `place`, a folder per stream; nothing is made before the first line."""
        self.place, self._max_bytes, self._max_seconds = place, max_bytes, max_seconds
        self._streams: dict[str, _Open] = {}
        self._wake, self._stop, self._syncing = threading.Event(), threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self.told: Callable[[str], None] = lambda _: None

    def append(self, stream: str, *line: bytes) -> None:
        """Write one line, whole or in parts, which ends in a line break and holds no other; it outlives the process when this returns.

        Raises:
            OSError: It could not be written; then nobody may rely on it.
        """
        found = self._streams.get(stream) or self._streams.setdefault(stream, _Open(self.place / stream))
        found.write(line)
        self._wake.set()

    def start(self) -> None:
        """Sync and close in a thread from now on."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="segments", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sync and close everything."""
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join(5)
        self.sync(close=True)

    def sync(self, *, close: bool = False) -> None:
        """Bring what was written to the disk; close what is large or old, or everything.

        Raises:
            OSError: The disk refused for a stream, the first of them; the others are done.
        """
        failed: list[OSError] = []
        with self._syncing:  # who closes a file must be the only one that holds its number
            for each in list(self._streams.values()):
                try:
                    self._sync(each, close=close)
                except OSError as error:  # the other streams are not held up by it
                    failed.append(error)
        if failed:
            raise failed[0]

    def _sync(self, each: _Open, *, close: bool) -> None:
        with each.lock:
            if close or each.size >= self._max_bytes or time.monotonic() - each.opened >= self._max_seconds:
                each.end()
            ended, each.ended = each.ended, []
            fd, dirty, named = each.fd, each.dirty, each.named
            each.dirty = False
        # Outside the lock: an append must not wait for the disk.
        try:
            for old in ended:
                os.fdatasync(old)
            if fd is not None and dirty:
                os.fdatasync(fd)
            if ended or (fd is not None and not named):
                _sync_folder(each.folder)
        except OSError:
            each.dirty = True  # tried again
            raise
        finally:
            for old in ended:
                os.close(old)  # whatever failed: its lock goes with it, and its lines can be read
        with each.lock:
            each.named = each.named or each.fd == fd  # not where another was opened meanwhile

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._wake.wait(_LOOK_EVERY):
                time.sleep(_SYNC_EVERY)
                self._wake.clear()
            try:
                self.sync()
            except OSError as error:
                self.told(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Segment:
    """A closed segment; its name is unique, and names what is written of it."""

    path: Path

    @property
    def name(self) -> str:
        """The name without its suffix."""
        return self.path.stem

    def lines(self) -> tuple[list[Json], int]:
        """Return the lines, and how many were no JSON object: a torn last line was never answered and does not count."""
        found, bad = [], 0
        whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        for line in whole.split(b"\n") if whole else []:
            try:
                read = json.loads(line)
            except ValueError:
                read = None
            if isinstance(read, dict):
                found.append(read)
            else:
                bad += 1
        return found, bad

    @property
    def kept(self) -> Path:
        """Where it is kept when something in it could not be read."""
        return self.path.with_suffix(".damaged")

    def done(self, *, keep: bool = False) -> None:
        """Remove it; or, where something in it could not be read, put it aside."""
        if keep:
            self.path.replace(self.kept)
        else:
            self.path.unlink(missing_ok=True)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield False  # another reader was first
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield path.exists()
    finally:
        os.close(fd)


def closed(place: Path, stream: str) -> Iterator[Segment]:
    """Give the closed segments of a stream, oldest first; each is this caller's alone until the next is asked for."""
    for path in sorted((place / stream).glob(f"*{SUFFIX}")):
        with _held(path) as mine:
            if mine:
                yield Segment(path)


def _created(folder: Path) -> int:
    """Make a segment that is locked before it can be found."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{os.getpid()}-{secrets.token_hex(4)}"
    draft = folder / f".{name}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        draft.rename(folder / f"{name}{SUFFIX}")
    except OSError:
        os.close(fd)
        raise
    return fd


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
