"""A whole service over fakes, asked through HTTP without a socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from include.ratchet.serving.app import create_app
from include.ratchet.serving.champions import Follower
from tests.serving.fakes import Stores, write_spec


@dataclass
class House:
    """A service over a folder of specs: write, promote, poll, ask."""

    include: Path
    stores: Stores
    follower: Follower
    client: TestClient

    def write(self, name: str, task: str = "binary", **changes: Any) -> None:
        """Write a model.yaml."""
        write_spec(self.include, name, task, **changes)

    def predict(self, name: str, content: Any) -> Any:
        """Ask for predictions; the response."""
        return self.client.post(f"/v1/models/{name}:predict", json=content)


def build_house(include: Path, max_body: int | None = None) -> House:
    """Build a service that looks only when the test polls."""
    (include / "feeds" / "flights").mkdir(parents=True, exist_ok=True)
    stores = Stores()
    follower = Follower(stores, stores, include=include, interval=3600)
    app = create_app(follower, max_body) if max_body else create_app(follower)
    return House(include, stores, follower, TestClient(app))
