"""A service as its own process for tests: `python -m tests.serving.process FOLDER PORT`; its predictions take `hour` seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from include.ratchet.adapters.segments import Segments
from include.ratchet.serving import logs
from include.ratchet.serving.app import create_app
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.server import run
from tests.serving.fakes import Stores, write_feed, write_spec


class Sleeping:
    """Takes as many seconds as the row says."""

    def predict(self, frame: Any) -> Any:
        """Sleep, then answer."""
        time.sleep(frame["hour"].fillna(0).sum())
        return [1.0] * len(frame)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_feed(folder)
    write_spec(folder, "late", "regression")
    stores = Stores(champions={"late": 1}, pipelines={("late", 1): Sleeping()})
    logs.set_up()
    run(create_app(Follower(stores, stores, include=folder), Segments(folder / "log")), "127.0.0.1", int(sys.argv[2]))
