"""The demo's waiting: show what runs, and stop at the first thing that is not as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import RatchetError
from include.ratchet.local import watch
from include.ratchet.local.api import Airflow
from include.ratchet.local.record import Stack
from include.ratchet.local.view import View
from include.ratchet.local.watch import Run

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger


_CALM = 4.0
_SPECS = "dags/specs.py"


class DemoError(RatchetError):
    """The demo did not get where it should."""


@dataclass
class Loop:
    """What is watched, since when, and until when (by the monotonic clock).

    Only the DAGs of `models` and `feeds` count: a model of the user's own may fail, or not end, meanwhile.
    """

    config: Config
    stack: Stack
    airflow: Airflow
    ledger: Ledger
    models: list[str]
    feeds: Sequence[str]
    view: View
    since: datetime
    deadline: float
    told: set[str] = field(default_factory=set)
    busy_at: float = field(default_factory=time.monotonic)

    def wait(self, what: str, done: Callable[[Sequence[Run]], bool]) -> None:
        """Show what runs until `done`.

        Raises:
            StackError: A part of the stack ended.
            DemoError: A DAG does not load, a task of what is watched failed, or the time is over.
        """
        while True:
            self.stack.require_alive()
            try:
                everything = watch.latest_runs(self.airflow)
                runs = [run for run in everything if self._counts(run)]
                unloaded = [each for each in self.airflow.import_errors() if not _about_specs(each)]
                broken = [*unloaded, *map(str, watch.failures(self.airflow, self.config, runs, self.since))]
                finished = done(runs)
            except httpx.HTTPError:
                everything, runs, broken, finished = [], [], [], False  # a busy server answers the next time; a dead one is found above
            self.view.runs(everything, what)
            self._tell_verdicts()
            if broken:
                raise DemoError("\n".join(broken))
            if finished:
                return
            self._require_time(what, runs)
            time.sleep(1)

    def is_quiet(self, runs: Sequence[Run], calm: float = _CALM) -> bool:
        """Say whether nothing has been at work for a while: between an event and the run that it starts nothing seems to be."""
        if any(run.state in {"running", "queued"} for run in runs):
            self.busy_at = time.monotonic()
        return time.monotonic() - self.busy_at > calm

    def _counts(self, run: Run) -> bool:
        return run.dag.rpartition("_")[0] in {*self.models, *self.feeds}

    def _require_time(self, what: str, runs: Sequence[Run]) -> None:
        if time.monotonic() > self.deadline:
            at_work = ", ".join(f"{r.dag} {r.state}" for r in runs if r.state in {"running", "queued"}) or "nothing"
            raise DemoError(f"timeout while waiting for {what}; at work: {at_work}; logs are in {self.config.folder / 'logs'}")

    def _tell_verdicts(self) -> None:
        for name in self.models:
            for verdict in reversed(self.ledger.verdicts(name)):
                if verdict.digest not in self.told:
                    self.told.add(verdict.digest)
                    self.view.say(f"{name} version {verdict.version}: {verdict.outcome}. {verdict.sentence}", "bold")


def _about_specs(error: str) -> bool:
    """Say whether it is the report of specs that cannot be read: those of the bundled models were read before."""
    return error.partition("\n")[0].rstrip(":").endswith(_SPECS)
