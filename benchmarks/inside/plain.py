"""From delivered files to champions in one plain process; argument: where the delivery lies.

What the scheduler's workers have loaded before they fork is loaded here before the clock starts: imports count on
neither side. Weather and planes were taken in before, as in a stack that is warm.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.inside import arrival
from benchmarks.inside.preload import preload


def main() -> None:
    """Run the bodies; write how long each took, the whole, and what the imports cost."""
    result, delivered = Path(sys.argv[1]), Path(sys.argv[2])
    began = time.perf_counter()
    preload()
    from benchmarks.inside.bodies import Sequence, models
    from include.ratchet.adapters import open_registry
    from include.ratchet.domain.config import load_config
    from include.ratchet.domain.errors import RegistryError

    imports = time.perf_counter() - began
    with contextlib.suppress(RegistryError):
        open_registry().get("nothing", 1)  # MLflow makes its tables and loads its stores; a stack did that when it started
    config = load_config()
    arrival.reference(delivered, config)
    chain = Sequence()
    for feed in arrival.BEFORE:
        chain.ingest(feed)
    arrival.deliver(delivered, config)
    time.sleep(arrival.SETTLED)
    began, spent = time.perf_counter(), _spent()
    chain.took.clear()
    chain.ingest(arrival.FEED)
    for model in models():
        chain.champion(model)
    found = {"seconds": time.perf_counter() - began, "imports": imports, "cpu": _spent() - spent, "bodies": chain.took}
    result.write_text(json.dumps(found), encoding="utf-8")


def _spent() -> float:
    """Return the processor time of this process and of those that it started and that ended [s]."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
