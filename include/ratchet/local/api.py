"""The few calls that the local tools make to Airflow's REST API and to the prediction service."""

from __future__ import annotations

from typing import Any

import httpx

_TIMEOUT = 30.0


def reply(url: str, timeout: float = 2.0) -> httpx.Response | None:
    """Ask a page; None while nobody answers."""
    try:
        return httpx.get(url, timeout=timeout, trust_env=False)
    except httpx.HTTPError:
        return None


class Airflow:
    """Airflow's REST API on this machine; the demo's auth manager gives everybody a token."""

    def __init__(self, url: str) -> None:
        """Keep the address; the first call fetches the token."""
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read one page of the API.

        Raises:
            httpx.HTTPError: Nobody answers, or the answer is an error.
        """
        return self._call("GET", path, params=query)

    def ensure_pools(self, pools: dict[str, tuple[int, str]]) -> None:
        """Create or update pools: name, slots, description."""
        entities = [{"name": name, "slots": slots, "description": text} for name, (slots, text) in pools.items()]
        action = {"action": "create", "entities": entities, "action_on_existence": "overwrite"}
        if entities:
            self._call("PATCH", "/pools", json={"actions": [action]})

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        if "authorization" not in self._client.headers:
            token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
            self._client.headers["authorization"] = f"Bearer {token}"
        found: dict[str, Any] = self._client.request(method, f"/api/v2{path}", **arguments).raise_for_status().json()
        return found
