"""The ledger: an SQL record of what happened. SQLite on one machine, PostgreSQL where several write.

No record is ever removed. Runs, signals and their dispositions, steps, snapshots, verdicts, promotions, decisions and
reports are written once, each sealed over the one before (`seals`); a batch moves on by its status, why a signal waits is
written over at every look, and an alert and its messages until they are cleared and sent. Each part of the ledger is a
module: its tables, and what is read and written there. `docs/ledger.md` says how to add a table.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from sqlalchemy import make_url

from include.ratchet.adapters.ledger.alerts import Alerts
from include.ratchet.adapters.ledger.batches import Batches
from include.ratchet.adapters.ledger.holds import Holds
from include.ratchet.adapters.ledger.locks import Locks
from include.ratchet.adapters.ledger.promotions import Promotions
from include.ratchet.adapters.ledger.recipes import Recipes
from include.ratchet.adapters.ledger.reviews import Reviews
from include.ratchet.adapters.ledger.routes import Routes
from include.ratchet.adapters.ledger.runs import Runs
from include.ratchet.adapters.ledger.seals import Audits
from include.ratchet.adapters.ledger.steps import Steps
from include.ratchet.adapters.ledger.trials import Trials
from include.ratchet.adapters.ledger.verdicts import Verdicts
from include.ratchet.adapters.ledger.workers import Workers


class Ledger(Batches, Reviews, Runs, Verdicts, Promotions, Routes, Workers, Holds, Steps, Audits, Recipes, Trials, Alerts, Locks):
    """Reads and writes of the ledger; each method is one transaction."""


def opened(url: str) -> Ledger:
    """Return this process's ledger at a URL, opened once: every task body and every look of a watcher asks for it."""
    file = make_url(url).database if url.startswith("sqlite") else None
    if file and not Path(file).exists():
        return Ledger(url)  # not there yet, or removed since it was opened: its tables are to be made
    return _opened(url, os.getpid())


@functools.cache
def _opened(url: str, pid: int) -> Ledger:  # noqa: ARG001 - a fork must not use its parent's connections
    return Ledger(url)
