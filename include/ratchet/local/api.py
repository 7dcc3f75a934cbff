"""The few calls that the local tools make to Airflow's REST API and to the prediction service."""

from __future__ import annotations

from typing import Any

import httpx

_TIMEOUT = 30.0
_PAGE = 100
"""The most that Airflow lists at once."""


def reply(url: str, timeout: float = 2.0) -> httpx.Response | None:
    """Ask a page; None while nobody answers."""
    try:
        return httpx.get(url, timeout=timeout, trust_env=False)
    except httpx.HTTPError:
        return None


class Airflow:
    """Airflow's REST API on this machine; the demo's auth manager gives everybody a token."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        """Keep the address; the first call fetches the token. Tests bring a transport of their own."""
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False, transport=transport)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read one page of the API.

        Raises:
            httpx.HTTPError: Nobody answers, or the answer is an error.
        """
        return self._call("GET", path, params=query)

    def runs(self, dag: str = "~", limit: int = 100) -> list[dict[str, Any]]:
        """List DAG runs, newest first."""
        found: list[dict[str, Any]] = self.get(f"/dags/{dag}/dagRuns", order_by="-run_after", limit=limit)["dag_runs"]
        return found

    def tasks(self, dag: str = "~", run: str = "~", *states: str) -> list[dict[str, Any]]:
        """List task instances in some states, or all."""
        query = {"state": list(states)} if states else {}
        found: list[dict[str, Any]] = self.get(f"/dags/{dag}/dagRuns/{run}/taskInstances", limit=100, **query)["task_instances"]
        return found

    def start(self, dag: str, conf: dict[str, Any]) -> str:
        """Start a DAG by hand, as its form does; return the run's id."""
        return str(self._call("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})["dag_run_id"])

    def import_errors(self) -> list[str]:
        """List DAG files that do not load, with the reason."""
        return [f"{each['filename']}:\n{each['stack_trace'].strip()}" for each in self.get("/importErrors")["import_errors"]]

    def ensure_pools(self, pools: dict[str, tuple[int, str]]) -> None:
        """Create the pools that are not there: name, slots, description; one that is there keeps an operator's slots.

        Where all are there nothing is written. Airflow logs a change of pools in its event loop: while a task that is just
        starting holds SQLite's lock, which it gives up by that loop, the API server would hang until the driver's timeout.
        """
        there = self._pool_names() if pools else set()
        entities = [{"name": name, "slots": slots, "description": text} for name, (slots, text) in pools.items() if name not in there]
        action = {"action": "create", "entities": entities, "action_on_existence": "skip"}
        if entities:
            self._call("PATCH", "/pools", json={"actions": [action]})

    def _pool_names(self) -> set[str]:
        found: set[str] = set()
        while True:
            page = self.get("/pools", limit=_PAGE, offset=len(found), order_by="name")["pools"]
            found |= {each["name"] for each in page}
            if len(page) < _PAGE:
                return found

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        if "authorization" not in self._client.headers:
            token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
            self._client.headers["authorization"] = f"Bearer {token}"
        found: dict[str, Any] = self._client.request(method, f"/api/v2{path}", **arguments).raise_for_status().json()
        return found
