"""Batches that nobody would think of lose no row, whatever is killed; and what was repaired is as if it had never been broken."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from include.ratchet.domain.specs import PROJECT
from proofs.book import Json, Proof

BATCHES_A_PART, KILLS_A_PART, PARTS = 50, 10, 20


def run(part: int, batches: int = BATCHES_A_PART, kills: int = KILLS_A_PART) -> Json:
    """Ingest fuzzed batches in a process of its own; return what was found.

    Raises:
        RuntimeError: The process failed; the message is the end of what it said.
    """
    import json

    with tempfile.TemporaryDirectory(prefix="ratchet-fuzz-") as folder:
        result = Path(folder) / "found.json"
        words = (str(result), str(part), str(batches), str(kills))
        whole = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET")}
        command = (sys.executable, "-m", "proofs.inside.fuzz", *words)
        done = subprocess.run(command, cwd=PROJECT, env=whole, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        if done.returncode or not result.exists():
            raise RuntimeError(done.stderr[-3000:])
        found: Json = json.loads(result.read_text(encoding="utf-8"))
        return found


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want no row lost, doubled or altered, before and after the repair, and every repaired table as the unbroken one."""
    names = ("rows", "clean", "quarantined", "stopped", "replaced", "lost", "doubled", "altered", "struck", "lost_after", "doubled_after")
    total = {name: sum(part[name] for part in parts) for name in names}
    same = sum(part["same"] for part in parts)
    wrong = sum(total[name] for name in ("lost", "doubled", "altered", "lost_after", "doubled_after"))
    ways = ", ".join(f"{total[name]} {name}" for name in ("clean", "quarantined", "stopped", "replaced"))
    said = f"{total['struck']} kills; {total['rows']} rows: {ways}; {total['lost']} lost, {total['doubled']} doubled; "
    return wrong == 0 and same == len(parts), f"{said}{same} of {len(parts)} repaired tables are as the unbroken one"


FUZZ = Proof(
    "fuzz",
    f"{BATCHES_A_PART * PARTS} fuzzed batches and {KILLS_A_PART * PARTS} kills at random lines: every row is clean, quarantined, stopped "
    "or replaced by a later one, and after the repair the table is that of an ingest that was never broken",
    (
        "include/ratchet/tasks/ingest.py",
        "include/ratchet/tasks/review.py",
        "include/ratchet/tasks/revise.py",
        "include/ratchet/adapters/lake.py",
        "include/ratchet/adapters/landing.py",
        "include/ratchet/adapters/store.py",
        "include/ratchet/adapters/ledger/batches.py",
        "include/ratchet/adapters/ledger/reviews.py",
        "include/ratchet/domain/feedspec.py",
        "include/ratchet/domain/suitespec.py",
        "include/ratchet/domain/skew.py",
        *(f"include/ratchet/steps/{name}.py" for name in ("columns", "decode", "formats", "headers", "skew", "suite", "validate")),
        "proofs/batches.py",
        "proofs/fuzz.py",
        "proofs/inside/fuzz.py",
    ),
    PARTS,
    run,
    judge,
)
