"""Processes are started apart, found by their marker, and stopped: all of them, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from include.ratchet.local import processes
from include.ratchet.local.environment import MARKER
from include.ratchet.local.processes import Child

SLEEP = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print('ready', flush=True); time.sleep(600)"

Starter = Callable[[str, str], Child]


@pytest.fixture
def stack_id() -> Iterator[str]:
    """Return a marker of its own; whatever carries it at the end is killed."""
    name = uuid.uuid4().hex
    yield name
    for process in processes.marked(name):
        process.kill()


@pytest.fixture
def start(tmp_path: Path, stack_id: str) -> Starter:
    """Return a function that starts Python code with the marker."""

    def starter(name: str, code: str) -> Child:
        env = {**os.environ, MARKER: stack_id}
        return processes.start(name, [sys.executable, "-c", code], env, tmp_path, tmp_path / f"{name}.log")

    return starter


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def _running(child: Child) -> psutil.Process:
    process = child.process()
    assert process
    return process


def test_a_child_has_a_session_of_its_own(start: Starter) -> None:
    """Ctrl-C in the terminal reaches the supervisor, which then stops the parts in their order."""
    child = start("sleeper", SLEEP)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_its_output_goes_to_its_log(start: Starter) -> None:
    """What a part last said can be shown when it ended."""
    child = start("speaker", "print('last words')")
    _until(lambda: child.process() is None)
    assert child.tail() == "last words"


def test_a_pid_that_another_process_took_over_is_not_ours(start: Starter) -> None:
    """Pid and start time together name a process: after a reboot the same pid may be anybody's."""
    child = start("sleeper", SLEEP)
    assert Child(child.name, child.pid, child.created - 100, child.log).process() is None


def test_marked_finds_children_of_children(start: Starter, stack_id: str) -> None:
    """Forks and executed programs inherit the marker."""
    child = start("parent", PARENT)
    _until(lambda: child.tail() == "ready")
    assert len(processes.marked(stack_id)) == 2


def test_stop_ends_orphans_too(start: Starter, stack_id: str) -> None:
    """A killed parent leaves its children to init; the marker still finds them."""
    child = start("parent", PARENT)
    _until(lambda: child.tail() == "ready")
    _running(child).kill()
    _until(lambda: child.process() is None)
    assert len(processes.stop(stack_id, [], [])) == 1
    assert processes.marked(stack_id) == []


def test_stop_kills_what_does_not_listen(start: Starter, stack_id: str) -> None:
    """A process that ignores TERM ends after the grace."""
    child = start("deaf", DEAF)
    _until(lambda: child.tail() == "deaf")
    ended = processes.stop(stack_id, [_running(child)], [], grace=0.3)
    assert [p.pid for p in ended] == [child.pid]
    assert child.process() is None


def test_stop_lets_servers_outlive_those_who_talk_to_them(start: Starter, stack_id: str) -> None:
    """A task that is about to end can still report it: servers are asked when the others are gone."""
    head = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (print(time.time(), flush=True), "
    note = head + "sys.exit()))\nprint('up', flush=True)\n"
    slow = note.replace("sys.exit()", "time.sleep(1), sys.exit()") + "time.sleep(600)"
    worker, server = start("worker", slow), start("server", note + "time.sleep(600)")
    _until(lambda: worker.tail() == "up" == server.tail())
    processes.stop(stack_id, [_running(worker)], [_running(server)])
    assert float(server.tail(1)) >= float(worker.tail(1)) + 1


def test_stop_touches_nothing_without_the_marker(start: Starter, stack_id: str) -> None:
    """Another process of the same user and the same program lives on; so does this one."""
    start("sleeper", SLEEP)
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as other:
        processes.stop(stack_id, [], [])
        assert other.poll() is None
        other.kill()


def test_marked_spares_this_process_and_those_above_it(stack_id: str) -> None:
    """`ratchet down`, called by a process of the stack, does not end itself halfway."""
    code = f"import os; from include.ratchet.local import processes; print([p.pid for p in processes.marked({stack_id!r})])"
    env = {**os.environ, MARKER: stack_id}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to a chosen process")
def test_adopted_orphans_are_reaped(tmp_path: Path) -> None:
    """After a stop nothing is left, not even a zombie, where nobody else would reap it."""
    code = f"""
import os, sys, time, uuid, psutil
from pathlib import Path
from include.ratchet.local import processes
processes.adopt_orphans()
stack = uuid.uuid4().hex
log = Path({str(tmp_path)!r}) / "log"
env = {{**os.environ, {MARKER!r}: stack}}
child = processes.start("parent", [sys.executable, "-c", {PARENT!r}], env, log.parent, log)
while child.tail() != "ready": time.sleep(0.05)
child.process().kill()
processes.stop(stack, [], [])
print(len(psutil.Process().children(recursive=True)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_tail_of_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """A part that ended before it wrote anything has no last words."""
    assert processes.tail(tmp_path / "none.log") == ""
