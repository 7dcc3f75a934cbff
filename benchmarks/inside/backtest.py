"""Fill a fresh home with the flights year, month by month as it came, and replay it under five policies; write wall and processor time."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

POLICIES = ("never", "every", "drift", "loss", "both")
WINDOWS, JOBS = 12, 2
MODEL = "flight_delay"


def main() -> None:
    """Deliver, ingest, replay; the imports of this process do not count, those of the two that it starts do."""
    from benchmarks.inside.arrival import SETTLED
    from benchmarks.inside.bodies import Sequence
    from include.ratchet.backtest import planning, reporting, running
    from include.ratchet.domain import specs
    from include.ratchet.local import flights

    chain = Sequence()
    for month in flights.MONTHS:
        flights.feed(month)
        time.sleep(SETTLED)
        for feed in ("flights", "weather", "planes"):
            chain.ingest(feed)
    began, spent = time.perf_counter(), sum(os.times()[:4])
    made = planning.plan(specs.model(MODEL), WINDOWS)
    _, content = reporting.report(made, *running.replay(made, POLICIES, JOBS, lambda _: None))
    found = {
        "seconds": time.perf_counter() - began,
        "cpu": sum(os.times()[:4]) - spent,
        "training": sum(each["seconds"] for each in content["models"]),
        "trainings": sum(each["trainings"] for each in content["policies"]),
        "models": sum(each["skipped"] is None for each in content["models"]),
    }
    Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
