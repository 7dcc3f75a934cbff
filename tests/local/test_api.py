"""The client of Airflow's REST API."""

from __future__ import annotations

import json

import httpx
import pytest

from include.ratchet.local.api import reply
from tests.local.conftest import FakeAirflow


def test_the_token_is_fetched_once_and_sent_with_every_call(fake_airflow: FakeAirflow) -> None:
    """The demo's auth manager gives everybody a token."""
    client = fake_airflow.client()
    client.runs()
    client.runs()
    assert [r.url.path for r in fake_airflow.requests] == ["/auth/token", "/api/v2/dags/~/dagRuns", "/api/v2/dags/~/dagRuns"]
    assert fake_airflow.requests[-1].headers["authorization"] == "Bearer secret"


def test_an_error_of_the_server_is_raised(fake_airflow: FakeAirflow) -> None:
    """A page that is not there is not an empty answer."""
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        fake_airflow.client().get("/nothing")


def test_missing_pools_are_created_in_one_call(fake_airflow: FakeAirflow) -> None:
    """Starting again, or after a model was added, leaves one pool per model; slots that an operator set stay."""
    fake_airflow.pages["/pools"] = {"pools": [{"name": "default_pool"}, {"name": "ratchet_n"}]}
    fake_airflow.client().ensure_pools({"ratchet_m": (1, "one at a time"), "ratchet_n": (1, "one at a time")})
    [action] = json.loads(fake_airflow.requests[-1].content)["actions"]
    assert action["action_on_existence"] == "skip"
    assert action["entities"] == [{"name": "ratchet_m", "slots": 1, "description": "one at a time"}]


def test_where_all_pools_are_there_nothing_is_written(fake_airflow: FakeAirflow) -> None:
    """A write while a task starts may hang Airflow's API server on SQLite; so a restart after a kill writes none."""
    fake_airflow.pages["/pools"] = {"pools": [{"name": "ratchet_m"}]}
    fake_airflow.client().ensure_pools({"ratchet_m": (1, "one at a time")})
    assert [each.method for each in fake_airflow.requests[1:]] == ["GET"]


def test_without_models_no_pool_is_asked_for(fake_airflow: FakeAirflow) -> None:
    """The API refuses an empty list."""
    fake_airflow.client().ensure_pools({})
    assert fake_airflow.requests == []


def test_tasks_can_be_asked_for_by_state(fake_airflow: FakeAirflow) -> None:
    """Several states are one query."""
    fake_airflow.client().tasks("~", "~", "running", "queued")
    assert fake_airflow.requests[-1].url.params.get_list("state") == ["running", "queued"]


def test_import_errors_name_file_and_reason(fake_airflow: FakeAirflow) -> None:
    """A DAG file that does not load is said at once, not after a timeout."""
    fake_airflow.pages["/importErrors"] = {"import_errors": [{"filename": "dags/x.py", "stack_trace": "boom\n"}]}
    assert fake_airflow.client().import_errors() == ["dags/x.py:\nboom"]


def test_nobody_answering_is_no_error() -> None:
    """While a server starts there is nothing to ask."""
    assert reply("http://127.0.0.1:1/health", timeout=0.2) is None


def test_a_dag_is_started_as_its_form_does(fake_airflow: FakeAirflow) -> None:
    """Now, and with what the form would ask."""
    fake_airflow.pages["/dags/m_train/dagRuns"] = {"dag_run_id": "manual__1"}
    assert fake_airflow.client().start("m_train", {"reason": "why not"}) == "manual__1"
    assert json.loads(fake_airflow.requests[-1].content) == {"logical_date": None, "conf": {"reason": "why not"}}
