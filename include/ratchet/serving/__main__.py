"""Start the prediction service: `python -m include.ratchet.serving`, at `serving.url` of `ratchet.yaml`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.promotion import former

if TYPE_CHECKING:
    from fastapi import FastAPI

    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.ports import Registry
    from include.ratchet.domain.records import Standing

# Imports inside functions: the thread pools read these variables when they are loaded, and /healthz
# should answer while the follower's thread still imports mlflow (2 s).
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Stores:
    """The ledger and the registry, opened at the first question and asked again if that failed."""

    config: Config

    @cached_property
    def ledger(self) -> Ledger:
        """The open ledger."""
        from include.ratchet.adapters import open_ledger

        return open_ledger(self.config)

    @cached_property
    def registry(self) -> Registry:
        """The open registry."""
        from include.ratchet.adapters import open_registry

        return open_registry(self.config)

    def standings(self) -> dict[str, Standing]:
        """Ask the ledger."""
        return self.ledger.standings()

    def former(self, model: str) -> int | None:
        """Ask the ledger."""
        return former(self.ledger.promotions(model))

    def beat(self, worker: str, serves: dict[str, tuple[int, int]], at: datetime) -> None:
        """Tell the ledger."""
        self.ledger.beat(worker, serves, at)

    def leave(self, worker: str) -> None:
        """Tell the ledger."""
        self.ledger.leave(worker)

    def load(self, model: str, version: int) -> Any:
        """Ask the registry for the file that the ledger's verdict names."""
        verdict = self.ledger.blessing(model, version)
        return self.registry.load(model, version, verdict.artifact if verdict else "")

    def baseline(self, model: str, version: int) -> Any:
        """Ask the registry."""
        return self.registry.baseline(model, version)


def main() -> int:
    """Serve; return 2 when the deployment's file does not say where."""
    # More threads slow a single row down and make predictions differ in the last digits.
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    from include.ratchet.serving import logs
    from include.ratchet.serving.server import address, run, run_workers

    # A thread that computes gives the event loop its turn after 1 ms, not 5: a single row waits for no batch.
    sys.setswitchinterval(0.001)
    try:
        config = load_config()
        host, port = address(config.serving.url)
        app = build(config)
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.set_up()
    if config.serving.workers > 1:
        run_workers("include.ratchet.serving.__main__:worker", host, port, config.serving.workers)
    else:
        run(app, host, port)
    return 0


def build(config: Config, wait: float = 0) -> FastAPI:
    """Build the application of a deployment; see `create_app` for `wait`.

    Raises:
        SpecError: The file of keys has faults.
    """
    from include.ratchet.adapters.segments import Segments
    from include.ratchet.serving.app import create_app
    from include.ratchet.serving.champions import Follower
    from include.ratchet.serving.doors import Doors
    from include.ratchet.serving.keys import Keys

    stores, asked = Stores(config), config.serving
    keys = Keys(Path(config.place(asked.keys, ""))) if asked.keys else Keys()
    doors = Doors(keys, timeout=asked.timeout, concurrency=asked.concurrency)
    return create_app(Follower(stores, stores), Segments(config.log_place), doors, wait)


def worker() -> FastAPI:
    """Build the application of one of several workers."""
    from include.ratchet.serving import logs

    sys.setswitchinterval(0.001)
    logs.set_up()
    return build(load_config(), wait=30)


if __name__ == "__main__":
    sys.exit(main())
