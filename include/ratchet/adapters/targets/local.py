"""Our own prediction service: it follows the ledger, so that what it is told is written there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.models import load_skops
from include.ratchet.domain.records import Route
from include.ratchet.domain.target import Live, Target


@dataclass(frozen=True)
class LocalTarget(Target):
    """The service reads artifacts from the registry, and champion and routes from the ledger."""

    model: str
    ledger: Ledger

    def publish(self, version: int, artifact: Path) -> str:
        """See that the artifact loads: it is where the service will look for it."""
        load_skops(artifact)
        return f"models:/{self.model}/{version}"

    def split(self, champion: int, challenger: int, fraction: float) -> None:  # noqa: ARG002 - the ledger knows the champion
        """Open a route."""
        self.ledger.route(Route(self.model, challenger, "canary", fraction, datetime.now(UTC)))

    def serve(self, version: int, *, guarded: bool = True) -> None:  # noqa: ARG002 - as above: the promotion that follows, or that stands, names it
        """End the routes; who answers every request is the ledger's champion."""
        self.ledger.end_routes(self.model, datetime.now(UTC))

    def live(self) -> Live:
        """Read the ledger."""
        found = self.ledger.standings().get(self.model)
        if found is None:
            return Live(said="no champion yet")
        canaries = {each.version: each.fraction for each in found.routes if each.mode == "canary" and each.version != found.champion}
        return Live({found.champion: 1.0 - sum(canaries.values()), **canaries})

    def remove(self, keep: Collection[int]) -> list[str]:  # noqa: ARG002
        """Remove nothing: the registry keeps every version, for one that served may serve again."""
        return []
