"""What we touch: one file per port. Nothing here knows Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ratchet.domain.config import Config, load_config

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.domain.ports import Clock, Connections, Lake, Landing, Registry, Source

_first: list[Connections] = []


def use_connections(connections: Connections) -> None:
    """Ask `connections` first for connection ids from now on: Airflow's, inside a task."""
    _first[:] = [connections]


def open_connections(config: Config | None = None) -> Connections:
    """Return what resolves connection ids in this process."""
    from include.ratchet.adapters.connections import EnvironmentConnections

    return EnvironmentConnections(config or load_config(), *_first)


def open_ledger(config: Config | None = None) -> Ledger:
    """Open the ledger that the deployment names, by URL or by connection id; the same one again in this process."""
    from include.ratchet.adapters.ledger import opened

    config = config or load_config()
    place = config.ledger_place
    if "://" not in place:
        place = open_connections(config).get(place).sqlalchemy_url
    config.folder.mkdir(parents=True, exist_ok=True)
    return opened(place)


def open_lake(config: Config | None = None) -> Lake:
    """Open the lake."""
    from include.ratchet.adapters.lake import DeltaLake

    return DeltaLake((config or load_config()).lake_place)


def open_landing(config: Config | None = None) -> Landing:
    """Open the store of raw bytes."""
    from include.ratchet.adapters.landing import ContentStore

    return ContentStore((config or load_config()).raw_place)


def open_registry(config: Config | None = None) -> Registry:
    """Open the model registry."""
    from include.ratchet.adapters.registry import MlflowRegistry

    config = config or load_config()
    config.folder.mkdir(parents=True, exist_ok=True)
    return MlflowRegistry(config.tracking_place, config.artifacts_place)


def open_feed(spec: FeedSpec, config: Config | None = None) -> Source:
    """Open the source of a feed."""
    from include.ratchet.adapters.sources import open_source

    config = config or load_config()
    return open_source(spec, open_connections(config), config.store)


def open_clock(config: Config | None = None) -> Clock:
    """Open the clock that the deployment names."""
    from include.ratchet.adapters.clock import DataClock, WallClock

    config = config or load_config()
    return WallClock() if config.clock == "wall" else DataClock(open_ledger(config))
