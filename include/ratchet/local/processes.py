"""Start processes, find them again by their marker, and stop them all and nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from include.ratchet.local.environment import MARKER

_PR_SET_CHILD_SUBREAPER = 36
_LOG_TAIL = 20
_KILL_ROUNDS = 5


@dataclass(frozen=True)
class Child:
    """One process that was started; pid and start time together name it for good."""

    name: str
    pid: int
    created: float
    log: str

    def to_json(self) -> dict[str, object]:
        """Write what `Child(**...)` reads."""
        return asdict(self)

    def process(self) -> psutil.Process | None:
        """Return the running process; None when it ended, or the pid belongs to another one now."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.created) < 1 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return found if same else None

    def tail(self, lines: int = _LOG_TAIL) -> str:
        """Return the last lines of its log."""
        return tail(Path(self.log), lines)


def start(name: str, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> Child:
    """Start a process in a session of its own, so that Ctrl-C reaches it only through us.

    Args:
        name: What the process is called in messages.
        command: Program and arguments.
        env: Its whole environment, with the marker.
        folder: Working folder.
        log: File that its output is appended to.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are our own
            list(command), env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    process.returncode = 0  # the child outlives this object on purpose; without this its destructor warns
    return Child(name, process.pid, psutil.Process(process.pid).create_time(), str(log))


def adopt_orphans() -> None:
    """Make orphans of our children ours, where Linux allows it: they can then be reaped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def marked(stack: str) -> list[psutil.Process]:
    """Find the living processes of a stack, whoever their parent is now; never this process or one above it."""
    me = psutil.Process()
    spared = {me.pid, *(p.pid for p in me.parents())}
    return [p for p in psutil.process_iter() if p.pid not in spared and _carries(p, stack)]


def stop(stack: str, first: Sequence[psutil.Process], last: Sequence[psutil.Process], grace: float = 6) -> list[psutil.Process]:
    """Stop everything that carries the marker.

    Args:
        stack: Id of the stack.
        first: Asked to end, and given the time: they wait for their own children.
        last: Servers that the others talk to; asked to end when the others are gone. Neither given,
            everything is asked at once.
        grace: Time [s] that each group is given before it is killed.

    Returns:
        Every process that ran and has ended.
    """
    seen = {p.pid: p for p in marked(stack)}
    if not first and not last:
        last = list(seen.values())
    _signal(first, kill=False)
    _wait(first, grace)
    # Killed at one blow: a supervisor that outlived its task would report a failure, and cost a retry.
    spared = {each.pid for server in last for each in (server, *_below(server))}
    _signal([p for p in marked(stack) if p.pid not in spared], kill=True)
    _signal(last, kill=False)
    _wait(last, grace)
    for _ in range(_KILL_ROUNDS):  # a process may fork between the look and the blow
        left = marked(stack)
        seen |= {p.pid: p for p in left}
        if not left:
            break
        _signal(left, kill=True)
        _wait(left, grace)
    _reap()
    return [p for p in seen.values() if not _alive(p)]


def tail(path: Path, lines: int = _LOG_TAIL) -> str:
    """Return the last lines of a file; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _carries(process: psutil.Process, stack: str) -> bool:
    try:
        return process.uids().real == os.getuid() and process.environ().get(MARKER) == stack and _alive(process)
    except (psutil.Error, OSError):
        return False  # gone meanwhile, or not ours to look at: then it is not ours to stop either


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _signal(processes: Iterable[psutil.Process], *, kill: bool) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # psutil refuses when the pid was taken over by another process
            process.kill() if kill else process.terminate()


def _wait(processes: Sequence[psutil.Process], patience: float) -> None:
    # Not psutil.wait_procs: to it a zombie lives, and in a container nobody may ever reap an orphan.
    end = time.monotonic() + patience
    while time.monotonic() < end and any(_alive(p) for p in processes):
        time.sleep(0.05)


def _reap() -> None:
    """Collect children that ended, orphans among them; otherwise they stay as zombies until we exit."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
