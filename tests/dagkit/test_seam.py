"""A body becomes a task: its context comes in, and its errors go out in Airflow's words."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.ratchet.adapters import open_ledger
from include.ratchet.dagkit import seam
from include.ratchet.domain.context import TaskContext, current
from include.ratchet.domain.errors import DataError, QualityError, RatchetError, Skip, SpecError


@pytest.fixture(autouse=True)
def airflow(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Be inside a task, as Airflow describes one."""
    monkeypatch.setattr("include.ratchet.adapters._first", [])
    pushed: dict[str, Any] = {}
    instance = SimpleNamespace(dag_id="m_train", task_id="fit", map_index=2, try_number=3, pushed=pushed, xcom_push=pushed.__setitem__)
    run = SimpleNamespace(run_id="scheduled__2026", run_type=SimpleNamespace(value="scheduled"), triggering_user_name=None)
    context = {"ti": instance, "dag_run": run, "params": {"window": "7d"}}
    monkeypatch.setattr(seam, "get_current_context", lambda: context)
    return context


def _call(body: Any, *args: Any) -> Any:
    """Call what Airflow would call."""
    return seam.step(body).function(*args)


def _tell(*_: Any) -> TaskContext:
    return current()


def _raise(error: BaseException) -> None:
    raise error


def test_the_body_knows_its_task(airflow: dict[str, Any]) -> None:
    """DAG, run, task, map index, try, kind of run, executor, who and the form's values arrive as one record."""
    assert _call(_tell) == TaskContext("m_train", "scheduled__2026", "fit", 2, 3, "scheduled", "LocalExecutor", "airflow", {"window": "7d"})
    airflow["ti"].map_index = None
    airflow["dag_run"].triggering_user_name = "ann"
    assert (_call(_tell).map_index, _call(_tell).who) == (-1, "ann")


def test_a_result_passes_through() -> None:
    """What the body returns is the task's XCom."""
    assert _call(_json) == {"a": 1}


def _json() -> dict[str, int]:
    return {"a": 1}


def test_a_skip_is_skipped_with_its_reason(airflow: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Nothing to do is no failure; the page of the task shows why, in a line of its log and without it."""
    caplog.set_level("INFO", seam.__name__)
    with pytest.raises(AirflowSkipException, match="nothing new has arrived"):
        _call(_raise, Skip("nothing new has arrived"))
    assert airflow["ti"].pushed == {"reason": "nothing new has arrived"}
    assert [each.getMessage() for each in caplog.records if each.name == seam.__name__] == ["nothing new has arrived"]


@pytest.mark.parametrize(
    "error", [SpecError("head", ["fault"]), DataError("head fault"), QualityError("head", ["fault"]), RatchetError("head fault")]
)
def test_an_error_of_ours_fails_without_a_retry(error: RatchetError, airflow: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Trying again gives the same answer; the text keeps headline and faults, and is a line of the log and an XCom of its own."""
    with pytest.raises(AirflowFailException, match=r"head(?s:.*)fault") as caught:
        _call(_raise, error)
    assert caught.value.__cause__ is error
    assert airflow["ti"].pushed == {"reason": str(error)}
    assert [each.getMessage() for each in caplog.records if each.name == seam.__name__] == [str(error)]


@pytest.mark.parametrize("error", [ConnectionError("no network"), KeyError("x"), TimeoutError()])
def test_a_foreign_error_passes_and_is_retried(error: Exception) -> None:
    """Airflow sees the error itself, and its retries decide."""
    with pytest.raises(type(error)) as caught:
        _call(_raise, error)
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "state"), [(None, "success"), (Skip("why"), "skipped"), (DataError("bad"), "failed"), (OSError("no"), "failed")]
)
def test_the_ledger_has_a_row_of_every_end(error: Exception | None, state: str) -> None:
    """State, start, end, parameters, code version and executor are kept, however it ended."""
    with contextlib.suppress(AirflowSkipException, AirflowFailException, OSError):
        _call(_raise if error else _tell, error)
    (row,) = open_ledger().steps("scheduled__2026")
    assert (row["state"], row["executor"], row["try_number"]) == (state, "LocalExecutor", 3)
    assert row["started_at"] <= row["ended_at"]
    assert row["parameters"]["params"] == {"window": "7d"}
    assert row["code_version"]


def test_options_reach_the_task() -> None:
    """Pool, retries and outlets are the DAG file's to say; the name is the body's."""
    made = seam.step(_tell, pool="ratchet_m", retries=0)
    assert made.kwargs["pool"] == "ratchet_m"
    assert made.kwargs["retries"] == 0
    assert made.function.__name__ == "_tell"


def test_an_outlet_is_told_what_came_out(airflow: dict[str, Any]) -> None:
    """The asset's event carries what the task returned: the version, the page."""
    asset, events = object(), {}
    events[asset] = SimpleNamespace(extra={})
    airflow["outlet_events"] = events
    assert seam.step(_json, outlets=[asset]).function() == {"a": 1}
    assert events[asset].extra == {"a": 1}


def test_the_reason_of_a_run_is_a_line_of_its_own(airflow: dict[str, Any]) -> None:
    """What starts a training says why: the UI shows it beside the result, which is folded."""
    pushed: list[tuple[str, str]] = []
    airflow["ti"].xcom_push = lambda *said: pushed.append(said)

    def body() -> dict[str, str]:
        return {"reason": "schedule: due Monday"}

    assert seam.step(body).function() == {"reason": "schedule: due Monday"}
    assert pushed == [("reason", "schedule: due Monday")]
