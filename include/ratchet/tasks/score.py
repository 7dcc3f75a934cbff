"""Body of `<model>_score`: the champion's predictions for every row that has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window, digest
from include.ratchet.tasks import reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def score(model: str) -> Json:
    """Predict every row up to now that has no prediction yet, and append them as one version.

    Raises:
        Skip: There is no champion, or nothing to score.
    """
    from include.ratchet.adapters import open_lake, open_ledger, open_registry
    from include.ratchet.steps.frames import columns_of
    from include.ratchet.steps.predict import predict, unscored
    from include.ratchet.steps.transform import content_digest

    spec, lake, ledger = specs.model(model), open_lake(), open_ledger()
    champion = ledger.champion(model)
    if champion is None:
        message = "no champion yet: the first one scores what waits"
        raise Skip(message)
    tables, table = reading.versions(spec), f"predictions/{model}"
    window = Window(reading.LONG_AGO, reading.now(spec)) if spec.columns.time else None
    pipeline = open_registry().load(model, champion)
    columns = columns_of(pipeline, spec.columns)
    rows = reading.transformed(spec, tables, window, columns.features)
    _require(columns.features, rows.column_names, model)
    known = lake.dataset(table).to_table(list(spec.columns.id), use_threads=False) if lake.version(table) is not None else None
    todo = unscored(rows, known, spec)
    if todo.num_rows == 0:
        message = "every row has its prediction"
        raise Skip(message)
    snapshot = ledger.get_snapshot(_snapshot_of(model, champion))
    trained = lake.kept(snapshot.place).select(list(spec.columns.id))
    made = predict(pipeline, todo, trained, spec, champion, datetime.now(UTC))
    ids = list(spec.columns.id)
    write_id = digest([model, champion, content_digest(made.select(ids))])  # by count, another batch could pass for this one
    version = lake.write(table, made, write_id=write_id, mode="insert", key=ids)  # `./ratchet run` may be scoring the same rows
    return {"model": model, "champion": champion, "rows": made.num_rows, "version": version}


def example(model: str) -> Json:
    """Return the features of one row, ready to be posted to the service."""
    from include.ratchet.adapters import open_ledger, open_registry

    spec, champion = specs.model(model), open_ledger().champion(model)
    frame = example_frame(spec, open_registry().load(model, champion) if champion is not None else None)
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


def _snapshot_of(model: str, version: int) -> str:
    from include.ratchet.adapters import open_registry

    return open_registry().get(model, version).tags["ratchet.snapshot"]
