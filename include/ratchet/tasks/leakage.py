"""Look for what a model must not know: before every fit what is cheap to see, on demand whether a feature knows the future."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from include.ratchet.steps.frames import Split


def require_none(spec: ModelSpec, rows: pa.Table, parts: Split, tables: dict[str, int]) -> None:
    """Stop before any work when a row or an entity is on two sides of the split, or a feature is a forbidden column.

    Raises:
        DataError: At least one leak; all are named.
    """
    from include.ratchet.steps.leakage import forbidden_copies, split_faults

    found = split_faults(rows, spec, parts)
    for hidden in _forbidden(spec, rows, tables):
        found += forbidden_copies(hidden, spec)
    if found:
        shown = "\n".join(f"  - {fault}" for fault in dict.fromkeys(found))
        message = f"models/{spec.name}: a leak\n{shown}\nMend the transform or model.yaml; figures of such a model mean nothing."
        raise DataError(message)


def look_ahead(model: str) -> list[str]:
    """Name the features whose values at a time change when everything later is taken away; by three times in the newest third.

    Raises:
        Skip: There is no data yet.
    """
    import pyarrow.dataset as pads

    from include.ratchet.steps.leakage import cut_points, future_features
    from include.ratchet.steps.transform import transform

    spec = specs.model(model)
    if spec.columns.time is None:
        return []
    views, sql = [reading.view(name) for name in spec.views], specs.transform_sql(spec)
    tables = {name: each.to_table(use_threads=False) for name, each in reading.datasets(reading.versions(spec)).items()}
    timed = {name: specs.feed(name).time for name in tables}
    times = {name: time.name for name, time in timed.items() if time}

    def transformed(given: Mapping[str, pa.Table]) -> pa.Table:
        return transform(spec, sql, {name: pads.dataset(table) for name, table in given.items()}, None, (), views)

    rows = transformed(tables)
    found = [
        fault for at in cut_points(rows[spec.columns.time].to_pandas()) for fault in future_features(transformed, tables, times, spec, at)
    ]
    return list(dict.fromkeys(found))


def _forbidden(spec: ModelSpec, rows: pa.Table, tables: dict[str, int]) -> list[pa.Table]:
    """Return the rows with the forbidden columns of every feed that has the model's ids, whatever the transform returns."""
    ids, found = list(spec.columns.id), []
    for dataset in reading.datasets({name: tables[name] for name in spec.feeds}).values():
        hidden = [name for name in spec.columns.forbidden if name in dataset.schema.names and name not in rows.column_names]
        if hidden and set(ids) <= set(dataset.schema.names):
            beside = dataset.to_table(columns=[*ids, *hidden], use_threads=False).to_pandas().drop_duplicates(ids)
            found.append(_joined(rows, beside, ids))
    return found or [rows]


def _joined(rows: pa.Table, beside: pd.DataFrame, ids: list[str]) -> pa.Table:
    import pyarrow as pa

    frame: pd.DataFrame = rows.to_pandas().merge(beside, on=ids, how="left")
    return pa.Table.from_pandas(frame, preserve_index=False)
