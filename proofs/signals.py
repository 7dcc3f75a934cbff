"""Every signal is answered once, whoever sends it how often, and whoever dies meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from include.ratchet.domain.specs import PROJECT
from proofs.book import Json, Proof
from tests.databases import empty, server

PARTS, SIGNALS = 10, 1000


def run(part: int) -> Json:
    """Send a thousand signals from two killed processes to a ledger on a PostgreSQL of its own."""
    with server() as url, tempfile.TemporaryDirectory() as folder:
        return send(empty(url), part, SIGNALS, Path(folder))


def send(url: str, seed: int, count: int, folder: Path) -> Json:
    """Do it in a process of its own, which forks."""
    command = [sys.executable, "-m", "proofs.inside.signals", url, str(seed), str(count), str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=900, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])
    found: Json = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want as many signals held as were sent, every one answered, and no fault; some kills must have struck."""
    sent, held, runs, by_hand, kills = (sum(part[key] for part in parts) for key in ("sent", "held", "runs", "by_hand", "kills"))
    totals: Counter[str] = sum((Counter(part["totals"]) for part in parts), Counter())
    faults = [fault for part in parts for fault in part["faults"]]
    answered = ", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items()))
    said = f"{sent} signals sent, {held} held: {answered}; {runs} runs, {by_hand} of them by hand; {kills} kills; {len(faults)} faults"
    return sent == held == totals.total() and kills > 0 and not faults, said


SIGNALS_PROOF = Proof(
    "signals",
    f"{PARTS * SIGNALS} mixed signals of five kinds with duplicates, by two processes on PostgreSQL that are killed at random: each is "
    "answered once, none is lost or doubled, and no run passes cooldown or budget but a person's",
    (
        "include/ratchet/domain/arbiter.py",
        "include/ratchet/tasks/arbitrate.py",
        "include/ratchet/adapters/ledger/runs.py",
        "include/ratchet/adapters/ledger/seals.py",
        "include/ratchet/adapters/ledger/store.py",
        "proofs/signals.py",
        "proofs/inside/signals.py",
    ),
    PARTS,
    run,
    judge,
)
