"""A whole service over fakes, asked through HTTP without a socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from include.ratchet.adapters.segments import Segments, closed
from include.ratchet.serving.app import create_app
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.doors import Doors
from tests.serving.fakes import Stores, write_feed, write_spec


@dataclass
class House:
    """A service over a folder of specs: write, promote, poll, ask."""

    include: Path
    stores: Stores
    follower: Follower
    client: TestClient
    segments: Segments

    def lines(self, stream: str) -> list[Any]:
        """Close the prediction log, and read what a stream holds."""
        self.segments.sync(close=True)
        return [line for segment in closed(self.segments.place, stream) for line in segment.lines()[0]]

    def write(self, name: str, task: str = "binary", **changes: Any) -> None:
        """Write a model.yaml."""
        write_spec(self.include, name, task, **changes)

    def predict(self, name: str, content: Any) -> Any:
        """Ask for predictions; the response."""
        return self.client.post(f"/v1/models/{name}:predict", json=content)


def build_house(include: Path, doors: Doors | None = None) -> House:
    """Build a service that looks only when the test polls."""
    write_feed(include)
    stores = Stores()
    follower = Follower(stores, stores, include=include, interval=3600)
    segments = Segments(include / "log")
    return House(include, stores, follower, TestClient(create_app(follower, segments, doors)), segments)
