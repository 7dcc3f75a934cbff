"""What we touch: one file per port. Nothing here knows Airflow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.sagemakerspec import transform_of

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.adapters.memory import Memory
    from include.ratchet.adapters.s3 import S3Access
    from include.ratchet.adapters.store import Store
    from include.ratchet.adapters.targets.sagemaker import SageMakerTarget
    from include.ratchet.adapters.targets.transform import Transforms
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.domain.modelspec import ModelSpec
    from include.ratchet.domain.online import OnlineStore
    from include.ratchet.domain.ports import Clock, Connections, Lake, Landing, Registry, Source
    from include.ratchet.domain.target import Target

_first: list[Connections] = []


@dataclass(frozen=True)
class Ports:
    """What task bodies open."""

    ledger: Ledger
    lake: Lake
    registry: Registry
    clock: Clock
    work: Store
    memory: Memory
    online: OnlineStore


_instead: ContextVar[Ports | None] = ContextVar("ratchet_ports", default=None)


@contextmanager
def instead(ports: Ports) -> Iterator[None]:
    """Open these in place of the deployment's within the block: task bodies then work on a past that is replayed."""
    token = _instead.set(ports)
    try:
        yield
    finally:
        _instead.reset(token)


def use_connections(connections: Connections) -> None:
    """Ask `connections` first for connection ids from now on: Airflow's, inside a task."""
    _first[:] = [connections]


def open_connections(config: Config | None = None) -> Connections:
    """Return what resolves connection ids in this process."""
    from include.ratchet.adapters.connections import EnvironmentConnections

    return EnvironmentConnections(config or load_config(), *_first)


def open_ledger(config: Config | None = None) -> Ledger:
    """Open the ledger that the deployment names, by URL or by connection id; the same one again in this process."""
    if given := _instead.get():
        return given.ledger
    from include.ratchet.adapters.ledger import opened

    config = config or load_config()
    return opened(_database(config.ledger_place, config))


def open_online(config: Config | None = None) -> OnlineStore:
    """Open the online store of the feature views; the same one again in this process."""
    if given := _instead.get():
        return given.online
    from include.ratchet.adapters.online import opened

    config = config or load_config()
    return opened(_database(config.online_place, config))


def _database(place: str, config: Config) -> str:
    """Return the URL of a database that is named by its URL or by a connection id."""
    if "://" not in place:
        place = open_connections(config).get(place).sqlalchemy_url
    config.folder.mkdir(parents=True, exist_ok=True)
    return place


def open_access(uri: str, config: Config | None = None) -> S3Access | None:
    """Return how S3 is reached for a resolved URI; None when it is no place on S3."""
    from include.ratchet.adapters.s3 import DEFAULT_CONNECTION, S3Access

    if not uri.startswith("s3://"):
        return None
    config = config or load_config()
    named = config.connection_of(uri)
    try:
        found = open_connections(config).get(named or DEFAULT_CONNECTION)
    except SpecError:
        if named:
            raise
        return S3Access()
    return S3Access.of(found)


def open_lake(config: Config | None = None) -> Lake:
    """Open the lake."""
    if given := _instead.get():
        return given.lake
    from include.ratchet.adapters.lake import DeltaLake

    config = config or load_config()
    return DeltaLake(config.lake_place, open_access(config.lake_place, config))


def open_landing(config: Config | None = None) -> Landing:
    """Open the store of raw bytes."""
    from include.ratchet.adapters.landing import ContentStore

    config = config or load_config()
    return ContentStore(config.raw_place, open_access(config.raw_place, config))


def open_work(config: Config | None = None) -> Store:
    """Open the place where the tasks of a run leave files for each other: beside the lake's tables, since any machine may run them."""
    if given := _instead.get():
        return given.work
    from include.ratchet.adapters.store import Store

    config = config or load_config()
    return Store(config.work_place, open_access(config.work_place, config))


def open_docs(config: Config | None = None) -> Store:
    """Open the place of the pages about batches that Great Expectations makes."""
    from include.ratchet.adapters.store import Store

    config = config or load_config()
    return Store(config.docs_place, open_access(config.docs_place, config))


def open_registry(config: Config | None = None) -> Registry:
    """Open the model registry."""
    if given := _instead.get():
        return given.registry
    from include.ratchet.adapters.registry import MlflowRegistry

    config = config or load_config()
    config.folder.mkdir(parents=True, exist_ok=True)
    access = open_access(config.artifacts_place, config)
    os.environ.update(access.for_environment if access else {})
    return MlflowRegistry(config.tracking_place, config.artifacts_place, config.mlflow_pages)


def open_memory() -> Memory:
    """Open what was computed before; a deployment remembers nothing, a replay of the past does."""
    from include.ratchet.adapters.memory import Memory

    return given.memory if (given := _instead.get()) else Memory()


def open_feed(spec: FeedSpec, config: Config | None = None) -> Source:
    """Open the source of a feed."""
    from include.ratchet.adapters.sources import Where, open_source
    from include.ratchet.adapters.watermarks import alike

    config = config or load_config()

    def landed(since: Any) -> Iterator[BinaryIO]:
        landing = open_landing(config)
        for batch in reversed(open_ledger(config).batches(spec.name)):
            mark = batch.watermark
            if since is None or mark is None or not alike(mark, since) or mark >= since:
                yield landing.open(spec.name, batch.sha)

    return open_source(spec, Where(config, open_connections(config), open_access, landed))


def open_clock(config: Config | None = None) -> Clock:
    """Open the clock that the deployment names."""
    if given := _instead.get():
        return given.clock
    from include.ratchet.adapters.clock import DataClock, WallClock

    config = config or load_config()
    return WallClock() if config.clock == "wall" else DataClock(open_ledger(config))


def open_target(spec: ModelSpec, config: Config | None = None) -> Target:
    """Open the place where a model's champion serves."""
    from include.ratchet.adapters.targets.local import LocalTarget

    return open_endpoint(spec, config) if spec.deploy.sagemaker else LocalTarget(spec.name, open_ledger(config))


def open_transforms(spec: ModelSpec, config: Config | None = None) -> Transforms:
    """Open the transform jobs of a model whose spec has `deploy.sagemaker.transform`.

    Raises:
        SpecError: It has none; or the connection that it names is not known.
    """
    from include.ratchet.adapters.targets.transform import Transforms

    machines = transform_of(spec.deploy.sagemaker)
    if machines is None:
        raise SpecError(f"{spec.name}: has no transform jobs", ["found no deploy.sagemaker.transform; allowed here is one"])
    return Transforms(open_endpoint(spec, config), machines)


def open_endpoint(spec: ModelSpec, config: Config | None = None, releases: Mapping[str, str] | None = None) -> SageMakerTarget:
    """Open the endpoint of a model whose target is sagemaker; `releases` are what was published of its versions.

    Raises:
        SpecError: The model has none; or the connection that it names is not known.
    """
    from include.ratchet.adapters.s3 import DEFAULT_CONNECTION
    from include.ratchet.adapters.targets.aws import Aws
    from include.ratchet.adapters.targets.sagemaker import SageMakerTarget

    wanted = spec.deploy.sagemaker
    if wanted is None:
        raise SpecError(f"{spec.name}: has no endpoint", [f"found deploy.target {spec.deploy.target}; allowed here is sagemaker"])
    try:
        found = open_connections(config).get(wanted.connection or DEFAULT_CONNECTION)
    except SpecError:
        if wanted.connection:
            raise
        return SageMakerTarget(spec, wanted, Aws(wanted.region), releases or {})
    return SageMakerTarget(spec, wanted, Aws(wanted.region, found), releases or {})
