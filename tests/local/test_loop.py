"""The demo waits for what it wants, and not one moment longer than it should."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import psutil
import pytest
from rich.console import Console

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.config import Config
from include.ratchet.domain.records import Verdict
from include.ratchet.local.loop import DemoError, Loop
from include.ratchet.local.ports import Ports
from include.ratchet.local.processes import Child
from include.ratchet.local.record import Stack, StackError
from include.ratchet.local.view import View
from include.ratchet.local.watch import Run
from tests.local.conftest import FakeAirflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT_WORK = {"dag_id": "m_train", "dag_run_id": "r1", "state": "running", "start_date": NOON.isoformat(), "end_date": None}


class _Ledger:
    """Knows one verdict."""

    def verdicts(self, model: str) -> list[Verdict]:
        """Return it."""
        return [Verdict(model, 1, "r1", "promote", "All rules passed.", (), digest="d")]


@pytest.fixture
def loop(config: Config, fake_airflow: FakeAirflow) -> Loop:
    """Return a loop over this process as the only part, with a minute of time."""
    me = Child("me", os.getpid(), psutil.Process().create_time(), "me.log")
    view = View(Console(file=io.StringIO(), width=200))
    ledger = cast("Ledger", _Ledger())
    return Loop(config, Stack("id", Ports(), (me,), 0.0), fake_airflow.client(), ledger, ["m"], ["f"], view, NOON, time.monotonic() + 60)


def _text(loop: Loop) -> str:
    file = loop.view.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_verdict_is_told_once(loop: Loop) -> None:
    """However often the ledger is read."""
    answers = iter([False, True])
    loop.wait("something", lambda _: next(answers))
    assert _text(loop).count("m version 1: promote. All rules passed.") == 1


def test_a_dag_that_does_not_load_ends_the_wait(loop: Loop, fake_airflow: FakeAirflow) -> None:
    """There is no point in waiting for its runs."""
    fake_airflow.pages["/importErrors"] = {"import_errors": [{"filename": "dags/train.py", "stack_trace": "SyntaxError"}]}
    with pytest.raises(DemoError, match=r"dags/train\.py"):
        loop.wait("something", lambda _: False)


def test_a_failed_task_ends_the_wait_with_its_name(loop: Loop, fake_airflow: FakeAirflow) -> None:
    """Which task, of which run, and where its log is."""
    fake_airflow.pages["/dags/~/dagRuns"] = {"dag_runs": [AT_WORK | {"state": "failed", "end_date": NOON.isoformat()}]}
    task: dict[str, Any] = {"dag_id": "m_train", "dag_run_id": "r1", "task_id": "fit", "state": "failed", "map_index": -1, "try_number": 1}
    fake_airflow.pages["/dags/m_train/dagRuns/r1/taskInstances"] = {"task_instances": [task]}
    with pytest.raises(DemoError, match=r"m_train\.fit failed in run r1"):
        loop.wait("something", lambda _: False)


def test_what_the_user_added_may_fail(loop: Loop, fake_airflow: FakeAirflow) -> None:
    """A failed run of another model, and a spec that cannot be read, end nothing; the feeds and models of the demo are seen."""
    mine = AT_WORK | {"dag_id": "mine_train", "state": "failed", "end_date": NOON.isoformat()}
    fake_airflow.pages["/dags/~/dagRuns"] = {"dag_runs": [mine, AT_WORK, AT_WORK | {"dag_id": "f_ingest"}]}
    task: dict[str, Any] = {
        "dag_id": "mine_train",
        "dag_run_id": "r1",
        "task_id": "fit",
        "state": "failed",
        "map_index": -1,
        "try_number": 1,
    }
    fake_airflow.pages["/dags/mine_train/dagRuns/r1/taskInstances"] = {"task_instances": [task]}
    fake_airflow.pages["/importErrors"] = {"import_errors": [{"filename": "/x/dags/specs.py", "stack_trace": "SpecError: 1 fault"}]}
    seen: list[str] = []

    def done(runs: Sequence[Run]) -> bool:
        seen.extend(run.dag for run in runs)
        return True

    loop.wait("something", done)
    assert seen == ["m_train", "f_ingest"]


def test_the_time_is_over_with_a_word_on_what_is_at_work(loop: Loop, fake_airflow: FakeAirflow) -> None:
    """A timeout names what it waited for."""
    fake_airflow.pages["/dags/~/dagRuns"] = {"dag_runs": [AT_WORK]}
    loop.deadline = time.monotonic()
    with pytest.raises(DemoError, match="timeout while waiting for champions; at work: m_train running"):
        loop.wait("champions", lambda _: False)


def test_a_part_that_ended_ends_the_wait(loop: Loop) -> None:
    """A dead scheduler would otherwise look like a slow one."""
    loop.stack = Stack("id", Ports(), (Child("scheduler", 2**22 + 1, 1.0, "none.log"),), 0.0)
    with pytest.raises(StackError, match="scheduler ended by itself"):
        loop.wait("something", lambda _: False)


def test_a_server_that_is_busy_is_asked_again(loop: Loop, fake_airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer that does not come is no failure."""
    page = fake_airflow.pages.pop("/importErrors")
    monkeypatch.setattr(loop.view, "runs", lambda *_: fake_airflow.pages.setdefault("/importErrors", page))
    loop.wait("something", lambda _: True)
    assert [r.url.path for r in fake_airflow.requests].count("/api/v2/importErrors") == 2


def test_quiet_means_quiet_for_a_while(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between an event and the run that it starts nothing seems to be at work."""
    now = [0.0]
    monkeypatch.setattr("include.ratchet.local.loop.time.monotonic", lambda: now[0])
    loop.busy_at = 0.0
    now[0] = 5.0
    assert loop.is_quiet([])
    assert not loop.is_quiet([Run("d", "1", "queued", None, None)])
    now[0] = 8.0
    assert not loop.is_quiet([])
    now[0] = 9.1
    assert loop.is_quiet([])
