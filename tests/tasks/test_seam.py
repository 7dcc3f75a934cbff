"""What the ledger keeps of every task: who ran what, when, with what, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.adapters import open_connections, open_ledger, use_connections
from include.ratchet.domain.context import TaskContext, current
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.ports import Connection
from include.ratchet.domain.records import digest
from include.ratchet.tasks import seam

CONTEXT = TaskContext("m_train", "r1", "fit", 3, 2, executor="LocalExecutor", params={"window": "7d"})


def _body(number: int, how: str = "well") -> dict[str, Any]:
    errors = {"skip": Skip("nothing to do"), "ours": DataError("bad rows"), "foreign": OSError("no disk"), "ctrl_c": KeyboardInterrupt()}
    if how in errors:
        raise errors[how]
    return {"number": number, "task": current().task_id}


def _row() -> dict[str, Any]:
    (row,) = open_ledger().steps("r1")
    return row


def test_a_step_is_recorded_with_all_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """State, start, end, parameters, code version, executor, try and output are in one row."""
    monkeypatch.setenv("RATCHET_CODE_VERSION", "abc123")
    seam.code_version.cache_clear()
    before = datetime.now(UTC)
    made = seam.run_task(CONTEXT, _body, 5)
    seam.code_version.cache_clear()
    row = _row()
    assert made == {"number": 5, "task": "fit"}
    assert {k: row[k] for k in ("dag_id", "run_id", "task_id", "map_index", "try_number", "state", "executor", "code_version")} == {
        "dag_id": "m_train",
        "run_id": "r1",
        "task_id": "fit",
        "map_index": 3,
        "try_number": 2,
        "state": "success",
        "executor": "LocalExecutor",
        "code_version": "abc123",
    }
    assert row["parameters"] == {"args": ["5"], "params": {"window": "7d"}}
    assert before <= row["started_at"] <= row["ended_at"] <= datetime.now(UTC)
    assert row["output"] == digest(made)
    assert row["input"] == digest([(5,), {}])


@pytest.mark.parametrize(
    ("how", "error", "state", "reason"),
    [
        ("skip", Skip, "skipped", "nothing to do"),
        ("ours", DataError, "failed", "DataError: bad rows"),
        ("foreign", OSError, "failed", "OSError: no disk"),
        ("ctrl_c", KeyboardInterrupt, "failed", "KeyboardInterrupt: "),
    ],
)
def test_what_a_body_raises_is_recorded_and_passes(how: str, error: type[BaseException], state: str, reason: str) -> None:
    """The caller sees the body's own exception; the ledger keeps how it ended and why."""
    with pytest.raises(error):
        seam.run_task(CONTEXT, _body, 5, how)
    row = _row()
    assert (row["state"], row["reason"], row["output"]) == (state, reason, "")


def test_each_try_is_a_row() -> None:
    """A retry does not overwrite what the first try left: the ledger is append-only."""
    for _ in range(2):
        seam.run_task(CONTEXT, _body, 5)
    assert len(open_ledger().steps("r1")) == 2


def test_a_body_called_bare_has_no_context() -> None:
    """The context ends with the task."""
    seam.run_task(CONTEXT, _body, 5)
    with pytest.raises(LookupError):
        current()


def test_the_given_connections_are_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a task Airflow knows the secret, whatever the environment says."""

    class Airflows:
        def get(self, conn_id: str) -> Connection:
            """Know everything."""
            return Connection("postgres", host=conn_id)

    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "mysql://elsewhere/shop")
    assert open_connections().get("shop").kind == "mysql"
    monkeypatch.setattr("include.ratchet.adapters._first", [])
    seam.ask_first(Airflows())
    assert open_connections().get("shop") == Connection("postgres", host="shop")
    assert use_connections.__module__ == "include.ratchet.adapters"


@pytest.mark.parametrize(
    ("head", "refs", "expected"),
    [
        ("ref: refs/heads/main", {"refs/heads/main": "1" * 40}, "1" * 40),
        ("2" * 40, {}, "2" * 40),
        ("ref: refs/heads/main", {"packed-refs": f"# pack-refs\n{'3' * 40} refs/heads/main\n"}, "3" * 40),
        (None, {}, "unknown"),
    ],
    ids=["branch", "detached", "packed", "no_checkout"],
)
def test_the_code_version_is_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str | None, refs: dict[str, str], expected: str
) -> None:
    """Read from the checkout without git: a branch, a detached head, a packed branch, or unknown."""
    monkeypatch.setattr(seam, "PROJECT", tmp_path)
    for name, text in {**refs, **({"HEAD": head} if head else {})}.items():
        (tmp_path / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".git" / name).write_text(text + "\n")
    seam.code_version.cache_clear()
    try:
        assert seam.code_version() == expected
    finally:
        seam.code_version.cache_clear()
