"""Prove in a fresh process that a version loads and answers: what serving will do, before it must."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from include.ratchet.domain.specs import PROJECT

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Probe:
    """What the fresh process said: predictions per row, 99th percentile of the CPU time of one row [ms], size [MB], error.

    `odd` says what is wrong with its answers to an empty row and to unseen words; empty when nothing is.
    """

    predictions: list[list[float]]
    p99_ms: float
    size_mb: float
    error: str = ""
    odd: str = ""


def probe(artifact: str, features: pd.DataFrame) -> Probe:
    """Load the artifact in a fresh interpreter and predict the rows, and one that is empty and one with unseen words."""
    size = Path(artifact).stat().st_size / 1e6
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.parquet"
        features.to_parquet(rows)
        command = [sys.executable, "-m", "include.ratchet.serving.probe", artifact, str(rows)]
        try:
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603 - our own module
        except subprocess.TimeoutExpired:
            return Probe([], 0.0, size, f"no answer within {TIMEOUT_SECONDS} s")
    if done.returncode != 0:
        return Probe([], 0.0, size, (done.stderr.strip().splitlines() or ["it died without a word"])[-1])
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Probe(said["predictions"], said["p99_ms"], size, odd=said["odd"])
