"""What Prometheus reads at `/metrics`. No label is taken from a request: a client could make any number of them."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their figures, so that each can show the sum; set before this module is loaded."""
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        """Start at zero."""
        own = CollectorRegistry()
        self._registry = own
        by_route = ("model", "version", "route")
        self.requests = Counter("ratchet_requests", "Requests by status, refused ones too.", ("model", "status"), registry=own)
        self.answers = Counter("ratchet_answers", "Answers of a version, shadow ones too.", by_route, registry=own)
        self.errors = Counter("ratchet_errors", "Requests that a version failed on.", by_route, registry=own)
        self.rows = Counter("ratchet_rows", "Rows that a version predicted.", by_route, registry=own)
        self.seconds = Histogram("ratchet_answer_seconds", "From the request to its answer.", by_route, buckets=_SECONDS, registry=own)
        self.shadow_compared = Counter("ratchet_shadow_rows", "Rows that champion and shadow answered.", ("model", "version"), registry=own)
        self.shadow_flips = Counter("ratchet_shadow_flips", "Rows that they decide differently.", ("model", "version"), registry=own)
        self.shadow_distance = Counter(
            "ratchet_shadow_distance", "Sum of how far their scores are apart.", ("model", "version"), registry=own
        )
        self.shadow_skipped = Counter("ratchet_shadow_skipped", "Requests that found the shadow busy.", ("model", "version"), registry=own)
        self.labels = Counter("ratchet_labels", "Labels that came back.", ("model",), registry=own)
        self.serving = Gauge("ratchet_serving_version", "The champion that answers.", ("model",), registry=own, multiprocess_mode="max")
        self.in_flight = Gauge("ratchet_in_flight", "Requests that are being answered.", registry=own, multiprocess_mode="livesum")

    def page(self) -> bytes:
        """Write all figures, of all workers where there are several."""
        if os.environ.get(SHARED):
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self._registry)
