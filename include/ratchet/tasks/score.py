"""Body of `<model>_score`: predictions for every row that has none, by the champion of its time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window, digest
from include.ratchet.tasks import reading

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa


def score(model: str) -> Json:
    """Predict every row up to now that has no prediction yet, each by the champion of its time; append them.

    Raises:
        Skip: There is no champion, or nothing to score.
    """
    import pyarrow as pa

    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import columns_of
    from include.ratchet.steps.predict import predict, unscored
    from include.ratchet.steps.transform import content_digest

    spec, lake, ledger = specs.model(model), open_lake(), open_ledger()
    served = [each.version for each in reversed(ledger.promotions(model))]
    if not served:
        message = "no champion yet: the first one scores what waits"
        raise Skip(message)
    tables, table = reading.versions(spec), f"predictions/{model}"
    window = Window(reading.LONG_AGO, reading.now(spec)) if spec.columns.time else None
    known = lake.dataset(table).to_table(list(spec.columns.id), use_threads=False) if lake.version(table) is not None else None
    pipelines = {served[-1]: reading.champion(model, served[-1])}
    todo = unscored(_rows(spec, tables, window, pipelines), known, spec)
    if todo.num_rows == 0:
        message = "every row has its prediction"
        raise Skip(message)
    by = _champions_of(todo, spec, served)
    if others := set(by) - set(pipelines):
        pipelines |= {version: reading.champion(model, version) for version in others}
        todo = unscored(_rows(spec, tables, window, pipelines), known, spec)
    for champion in sorted(set(by)):
        columns, part = columns_of(pipelines[champion], spec.columns), todo.filter(pa.array(by == champion))
        _require(columns.features, part.column_names, model)
        trained = lake.kept(reading.snapshot_of(model, champion).place).select(list(spec.columns.id))
        made = predict(pipelines[champion], part, trained, spec, champion, datetime.now(UTC))
        ids = list(spec.columns.id)
        write_id = digest([model, champion, content_digest(made.select(ids))])  # by count, another batch could pass for this one
        version = lake.write(table, made, write_id=write_id, mode="insert", key=ids)  # `./ratchet run` may be scoring the same rows
    return {"model": model, "champion": served[-1], "rows": todo.num_rows, "version": version}


def _rows(spec: ModelSpec, tables: dict[str, int], window: Window | None, pipelines: Mapping[int, Any]) -> pa.Table:
    """Transform, and return what any of the versions was fitted on."""
    from include.ratchet.steps.frames import columns_of

    wanted = [name for each in pipelines.values() for name in columns_of(each, spec.columns).features]
    return reading.transformed(spec, tables, window, tuple(dict.fromkeys(wanted)))


def _champions_of(rows: pa.Table, spec: ModelSpec, served: Sequence[int]) -> npt.NDArray[np.int_]:
    """Return, for each row, the newest champion whose snapshot ended before it; the first one for what is older.

    A month that is scored late, after a version that was trained on it was promoted, would otherwise have no prediction
    that can be measured.
    """
    import numpy as np

    if spec.columns.time is None:
        return np.full(rows.num_rows, served[-1])
    times = rows[spec.columns.time].to_pandas()
    by = np.full(rows.num_rows, served[0])
    ends = {version: reading.snapshot_of(spec.name, version).window.end for version in set(served)}
    for version in served:
        by[(times >= ends[version]).to_numpy()] = version
    return by


def example(model: str) -> Json:
    """Return the features of one row, ready to be posted to the service."""
    from include.ratchet.adapters import open_ledger

    spec, champion = specs.model(model), open_ledger().champion(model)
    frame = example_frame(spec, reading.champion(model, champion) if champion is not None else None)
    content: Json = json.loads(frame.to_json(orient="records"))[0]
    return content


def example_frame(spec: ModelSpec, pipeline: Any) -> pd.DataFrame:
    """Return the features of the newest row that a pipeline asks for, shape `(1, n_features)`."""
    from include.ratchet.steps.frames import columns_of, features

    columns = columns_of(pipeline, spec.columns)
    rows: pa.Table = reading.transformed(spec, reading.versions(spec), None, columns.features)
    _require(columns.features, rows.column_names, spec.name)
    return features(rows.slice(rows.num_rows - 1, 1), columns)


def _require(features: Sequence[str], there: Sequence[str], model: str) -> None:
    gone = [name for name in features if name not in there]
    if gone:
        message = (
            f"{model}: the transform no longer returns {', '.join(gone)}, which the version was fitted on. "
            "Let it return them until another version serves."
        )
        raise DataError(message)
