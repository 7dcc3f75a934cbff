"""Make the delivery once: the feeder of the demo fills a home that both sides copy from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.inside.arrival import MONTHS
from include.ratchet.local import flights


def main() -> None:
    """Deliver the months of the demo's start into this copy's home."""
    made = [flights.feed(month).flights for month in MONTHS]
    Path(sys.argv[1]).write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    main()
