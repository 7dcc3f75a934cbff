"""Start the prediction service: `python -m include.ratchet.serving`, at `serving.url` of `ratchet.yaml`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import SpecError

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.ports import Registry

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

    def champion(self, model: str) -> int | None:
        """Ask the ledger."""
        return self.ledger.champion(model)

    def load(self, model: str, version: int) -> Any:
        """Ask the registry for the file that the ledger's verdict names."""
        verdict = self.ledger.blessing(model, version)
        return self.registry.load(model, version, verdict.artifact if verdict else "")


def main() -> int:
    """Serve; return 2 when the deployment's file does not say where."""
    # More threads slow a single row down and make predictions differ in the last digits.
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    from include.ratchet.serving import logs
    from include.ratchet.serving.app import create_app
    from include.ratchet.serving.champions import Follower
    from include.ratchet.serving.server import address, run

    try:
        config = load_config()
        host, port = address(config.serving.url)
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.set_up()
    stores = Stores(config)
    run(create_app(Follower(stores, stores)), host, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
