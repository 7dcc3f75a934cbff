"""Ten demos in a row, each from a fresh home, end well and leave no process behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.project import FOLDER, free_ports
from include.ratchet.domain.config import load_config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local import environment, processes, stack
from proofs.book import Json, Proof

RUNS = 10
TIMEOUT = 25 * 60.0
HOME = FOLDER / "demo-ten"


def run(part: int) -> Json:
    """Run `make demo EXIT=1` with a home and ports of its own; return its status, its time, and what it left behind."""
    shutil.rmtree(HOME, ignore_errors=True)
    config = load_config(home=str(HOME))
    ports = {f"{name.upper()}_PORT": str(port) for name, port in free_ports().to_json().items()}
    env = os.environ | ports | {"RATCHET__HOME": str(HOME)}
    log = FOLDER / f"demo-ten-{part}.log"
    FOLDER.mkdir(exist_ok=True)
    began = time.monotonic()
    try:
        with log.open("wb") as output:
            command = ("make", "demo", "EXIT=1")
            status = subprocess.run(command, cwd=PROJECT, env=env, stdout=output, stderr=output, timeout=TIMEOUT, check=False).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        status = -1
    seconds = time.monotonic() - began
    left = [" ".join(each.cmdline())[:80] for each in processes.marked(environment.stack_id(config))]
    stack.down(config)
    found: Json = {"status": status, "seconds": round(seconds, 1), "left": left}
    return found if status == 0 and not left else found | {"end": _tail(log)}


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every run green, and no process left."""
    green = sum(part["status"] == 0 for part in parts)
    left = sum(len(part["left"]) for part in parts)
    times = sorted(part["seconds"] for part in parts)
    said = f"{green} of {len(parts)} green, {left} processes left; {times[0]:.0f} to {times[-1]:.0f} s, median {times[len(times) // 2]:.0f}"
    return green == len(parts) and left == 0, said


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


DEMO_TEN = Proof(
    "demo-ten",
    f"{RUNS} of {RUNS} runs of make demo EXIT=1, each from a fresh home, end with champions that serve, and leave no process",
    ("dags", "include", "config", "plugins", "ratchet.yaml", "requirements.lock", "proofs/demo_ten.py"),
    RUNS,
    run,
    judge,
)
