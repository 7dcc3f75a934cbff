"""The delivery that both sides are given: three months of flights, and the reference database that is there before."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from include.ratchet.domain.config import Config

MONTHS = ("2013-01", "2013-02", "2013-03")
FEED = "flights"
BEFORE = ("weather", "planes")
SETTLED = 1.2
"""How long a file must lie still before it is looked at; the plain process waits before its clock starts."""


def reference(delivered: Path, config: Config) -> None:
    """Put the reference database in its place."""
    config.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(delivered / "reference.db", config.folder / "reference.db")


def deliver(delivered: Path, config: Config) -> float:
    """Let all files arrive within a millisecond; return when [s since 1970]."""
    target = config.folder / "landing" / FEED
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((delivered / "landing" / FEED).glob("*.csv")):
        shutil.copyfile(path, target / f".{path.name}")
    at = time.time()
    for draft in target.glob(".*.csv"):
        os.utime(draft, (at, at))
        draft.rename(draft.with_name(draft.name[1:]))
    return at
