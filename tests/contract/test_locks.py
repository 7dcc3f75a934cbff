"""Work that one process does at a time, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.specs import PROJECT

HOLD = """
import os, sys, time
from include.ratchet.adapters.ledger import Ledger
with Ledger(sys.argv[1]).alone("merge f"):
    print("in", flush=True)
    sys.stdin.readline()
    open(sys.argv[2], "a").write("first\\n")
"""


def _holder(url: str, said: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until it is told to end."""
    command = [sys.executable, "-c", HOLD, url, str(said)]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "in\n"
    return process


def test_the_second_waits_for_the_first(url: str, tmp_path: Path) -> None:
    """Of two processes one is in; other work is not kept waiting."""
    said, ledger = tmp_path / "said", Ledger(url)
    process = _holder(url, said)
    assert process.stdin
    with ledger.alone("merge other"):
        assert not said.exists()
    process.stdin.write("go on\n")
    process.stdin.flush()
    with ledger.alone("merge f"), said.open("a", encoding="utf-8") as file:
        file.write("second\n")
    process.wait()
    assert said.read_text(encoding="utf-8") == "first\nsecond\n"


def test_a_lock_ends_with_the_process_that_was_killed(url: str, tmp_path: Path) -> None:
    """Nobody has to free it."""
    process = _holder(url, tmp_path / "said")
    process.kill()
    process.wait()
    with Ledger(url).alone("merge f"):
        assert not (tmp_path / "said").exists()


def test_who_waits_says_so_once(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A task that stands still is no riddle to who reads its log; one that need not wait says nothing."""
    process = _holder(url, tmp_path / "said")
    waited = threading.Event()

    class Seen(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            waited.set()
            process.kill()

    log, seen = logging.getLogger("ratchet.ledger"), Seen()
    log.addHandler(seen)
    with caplog.at_level(logging.INFO, "ratchet.ledger"):
        with Ledger(url).alone("merge other"):
            assert not waited.is_set()
        threading.Timer(20, process.kill).start()  # else one that says nothing would wait for ever
        with Ledger(url).alone("merge f"):
            assert waited.is_set()
    log.removeHandler(seen)
    process.wait()
    assert [each.getMessage() for each in caplog.records] == ["merge f: another run is at it; waiting until it has ended"]
