"""Look features up in the online store as the prediction service does. Arguments: result, entities."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VIEW, TIMES = "airport_load", 300


def main() -> None:
    """Fill the store; write the median of the times [ms], by the processor and by the wall, of answers given before and new ones."""
    result, entities = Path(sys.argv[1]), int(sys.argv[2])
    from include.ratchet.adapters import open_ledger, open_online
    from include.ratchet.domain.online import Known
    from include.ratchet.domain.records import Batch, Delivery
    from include.ratchet.tasks import reading
    from include.ratchet.tasks.online import lookup

    view, ledger = reading.view(VIEW), open_ledger()
    (feed,), at = view.spec.feeds, datetime.now(UTC)
    batch = Batch(feed, "a" * 64, "bench", 1, at)
    ledger.land(batch, Delivery("bench", "bench"))  # the data's clock is the newest event of the feed
    ledger.mark(feed, batch.write_id, status="merged", rows=1, quarantined=0, version=0, max_event_time=at)
    values: dict[str, Any] = dict.fromkeys(view.spec.features, 1.5)
    definition = view.spec.definition(view.sql)
    open_online().put([Known(VIEW, definition, (f"e{number}",), at, values, {feed: 0}, at) for number in range(entities)])
    if lookup(VIEW, [["e0"]]) != [values]:
        message = "the lookup does not find what was put"
        raise RuntimeError(message)
    again = _median(lambda _: lookup(VIEW, [["e0"]]))
    new = _median(lambda number: lookup(VIEW, [[f"e{number + 1}"]]))
    result.write_text(json.dumps({"again": again, "new": new}), encoding="utf-8")


def _median(call: Callable[[int], Any]) -> tuple[float, float]:
    took = []
    for number in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        call(number)
        took.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpus, walls = (sorted(each) for each in zip(*took, strict=True))
    return cpus[TIMES // 2] * 1000, walls[TIMES // 2] * 1000


if __name__ == "__main__":
    main()
