"""Drift of a million rows by 50 columns against kept statistics, beside Evidently's preset on the same frames.

Evidently fails on pandas 3, so it runs in an environment of its own, made once under `.ratchet-bench`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.project import FOLDER
from benchmarks.table import Row
from include.ratchet.domain.specs import PROJECT

ROWS, COLUMNS = 1_000_000, 50
TITLE = f"Drift: a window of {ROWS:,} rows x {COLUMNS} columns against kept statistics"
EVIDENTLY = ("evidently==0.7.23", "pandas<3", "pyarrow")
INSIDE = Path(__file__).parent / "inside"


def rows(repeat: int = 3) -> Iterator[Row]:
    """Measure a look at a window, the making of the reference, and the peer on the same frames."""
    place = FOLDER / "evidently"
    place.mkdir(parents=True, exist_ok=True)
    ours = [_said(sys.executable, "-m", "benchmarks.inside.drift", str(ROWS), str(COLUMNS), str(place)) for _ in range(repeat)]
    python = _peer(place / "venv")
    peer = _said(str(python), "-P", str(INSIDE / "evidently.py"), str(place))
    window, reference = (statistics.median(each[name] for each in ours) for name in ("window", "reference"))
    yield Row("a window", window, peer=peer["seconds"], peer_name="Evidently's preset", limit=1 / 30, of_ratio=True)
    yield Row("the reference, once a version", reference, note="bins chosen, counts of 25 blocks, 8 projections")
    alarms = (ours[0]["alarms"] * 100, peer["alarms"] * 100)
    note = "of 100 windows of 100 rows x 5 columns beside 1,000 rows of the same; dialled at 2 %"
    yield Row("undrifted windows in alarm", alarms[0], "%", alarms[1], "Evidently's preset", note=note)


def _said(*command: str) -> Any:
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)  # noqa: S603 - our own command
    return json.loads(done.stdout.splitlines()[-1])


def _peer(place: Path) -> Path:
    """Return the Python of an environment with Evidently, made when it is not there."""
    python = place / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", str(place)], check=True)  # noqa: S603 - our own command
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *EVIDENTLY], check=True)  # noqa: S603
    return python
