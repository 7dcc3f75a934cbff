"""What several task bodies read in the same way: the tables of a model, and its now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import digest

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads

    from include.ratchet.domain.ports import TableFiles
    from include.ratchet.domain.records import Snapshot, Window
    from include.ratchet.steps.views import Tables, View

LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
"""Where all history begins."""


def now(spec: ModelSpec) -> datetime:
    """Return now for a model: by the clock, over the feeds with an event time that it and its views read.

    Raises:
        Skip: A feed has no data yet.
    """
    return now_of(specs.all_feeds(spec)) if spec.columns.time else datetime.now(UTC)


def now_of(feeds: Sequence[str]) -> datetime:
    """Return now for what is read from some feeds; where none has an event time, it is the machine's.

    Raises:
        Skip: A feed has no data yet.
    """
    from include.ratchet.adapters import open_clock

    timed = [name for name in feeds if specs.feed(name).time is not None]
    return open_clock().now(timed) if timed else datetime.now(UTC)


def champion(model: str, version: int) -> Any:
    """Load a version that served: the very file that was judged, or RegistryError."""
    from include.ratchet.adapters import open_ledger, open_registry

    blessing = open_ledger().blessing(model, version)
    return open_registry().load(model, version, blessing.artifact if blessing else "")


def snapshot_of(model: str, version: int) -> Snapshot:
    """Return what a version was trained on: as its sealed verdict says, and of one not judged yet as the registry does.

    Raises:
        RegistryError: There is no such version.
        LedgerError: Its snapshot is not in the ledger.
    """
    from include.ratchet.adapters import open_ledger, open_registry

    ledger = open_ledger()
    judged = next((each for each in ledger.verdicts(model) if each.version == version), None)
    return ledger.get_snapshot(judged.figures["snapshot"] if judged else open_registry().get(model, version).tags["ratchet.snapshot"])


def versions(spec: ModelSpec) -> dict[str, int]:
    """Return the newest version of every table that the model's transform and its views read.

    Raises:
        Skip: A feed has no clean data yet.
    """
    return versions_of(specs.all_feeds(spec))


def versions_of(feeds: Sequence[str]) -> dict[str, int]:
    """Return the newest version of the clean tables of some feeds.

    Raises:
        Skip: A feed has no clean data yet.
    """
    from include.ratchet.adapters import open_lake

    lake = open_lake()
    found = {name: lake.version(f"clean/{name}") for name in feeds}
    waiting = [name for name, version in found.items() if version is None]
    if waiting:
        message = f"waiting for the first data of {', '.join(waiting)}"
        raise Skip(message)
    return {name: version for name, version in found.items() if version is not None}


def transformed(spec: ModelSpec, tables: dict[str, int], window: Window | None, also: Sequence[str] = ()) -> pa.Table:
    """Run the model's transform over pinned versions, and join its views; return the spec's columns, and `also` as far as there."""
    from include.ratchet.adapters import open_memory
    from include.ratchet.steps.transform import transform

    def make() -> pa.Table:
        opened: Tables = files(tables) if spec.engine == "spark" else datasets(tables)
        return transform(spec, specs.transform_sql(spec), opened, window, also, [view(name) for name in spec.views])

    return open_memory().table(["rows", spec.name, tables, window and window.to_json(), also], make)


def datasets(tables: dict[str, int]) -> dict[str, pads.Dataset]:
    """Open the clean tables of feeds at versions."""
    from include.ratchet.adapters import open_lake

    lake = open_lake()
    return {name: lake.dataset(f"clean/{name}", version) for name, version in tables.items()}


def files(tables: dict[str, int]) -> dict[str, TableFiles]:
    """Name the files of clean tables at versions."""
    from include.ratchet.adapters import open_lake

    lake = open_lake()
    return {name: lake.parquet(f"clean/{name}", version) for name, version in tables.items()}


def view(name: str) -> View:
    """Return a feature view and its SQL."""
    from include.ratchet.steps.views import View

    spec = specs.view(name)
    return View(spec, specs.view_sql(spec))


def transform_digest(spec: ModelSpec) -> str:
    """Name what makes a model's rows of its tables: the SQL, and what its views say and select."""
    sql = specs.transform_sql(spec)
    views = [specs.view(name) for name in spec.views]
    return digest([sql, *([view.model_dump(mode="json"), specs.view_sql(view)] for view in views)] if views else sql)
