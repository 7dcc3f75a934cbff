"""Chains of work in processes: their order, what they raise, and their end."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.ratchet.backtest import processes
from include.ratchet.domain.specs import PROJECT


def test_work_in_processes() -> None:
    """Each chain keeps its order, chains run side by side, and what a piece raises comes through."""
    told: list[str] = []
    with processes.pool(2) as pool:
        chains = {"a": [("a1", operator.neg, (1,)), ("a2", operator.neg, (2,))], "b": [("b1", operator.neg, (3,))]}
        assert processes.chains(pool, chains, told.append) == {"a": [-1, -2], "b": [-3]}
        with pytest.raises(ZeroDivisionError):
            processes.chains(pool, {"c": [("c1", operator.floordiv, (1, 0))]}, told.append)
    assert sorted(told) == ["a1", "a2", "b1"]
    assert told.index("a1") < told.index("a2")


ENDLESS = """
import os, time
from include.ratchet.backtest import processes

if __name__ == "__main__":
    with processes.pool(2) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600)
        pool.submit(time.sleep, 600)
        time.sleep(600)
"""


def test_work_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    """A backtest that is killed leaves no process behind that would write beside the next one."""
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT)}
    ) as begun:
        assert begun.stdout
        worker = Path(f"/proc/{int(begun.stdout.readline())}")
        assert worker.exists()
        begun.kill()
    for _ in range(200):
        if not worker.exists():
            break
        time.sleep(0.1)
    assert not worker.exists()
