"""Body of `<model>_score`: predictions for every row that has none, by the champion of its time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Waiting:
    """Rows without a prediction, and which version is to give each its own: of shape `(n_rows,)`."""

    spec: ModelSpec
    rows: pa.Table
    by: npt.NDArray[np.int_]
    pipelines: Mapping[int, Any]
    champion: int

    def of(self, version: int) -> pa.Table:
        """Return the rows of a version, with all that it was fitted on."""
        import pyarrow as pa

        from include.ratchet.steps.frames import columns_of

        part = self.rows.filter(pa.array(self.by == version))
        _require(columns_of(self.pipelines[version], self.spec.columns).features, part.column_names, self.spec.name)
        return part


def score(model: str) -> Json:
    """Predict every row up to now that has no prediction yet, each by the champion of its time; append them.

    Raises:
        Skip: There is no champion, or nothing to score.
    """
    found = waiting(model)
    written = [predict_here(found, version) for version in sorted(set(found.by.tolist()))]
    return {"model": model, "champion": found.champion, "rows": found.rows.num_rows, "version": written[-1]}


def waiting(model: str) -> Waiting:
    """Find the rows up to now that have no prediction.

    Raises:
        Skip: There is no champion, or nothing to score.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.steps.predict import unscored

    spec, ledger = specs.model(model), open_ledger()
    served = [each.version for each in reversed(ledger.promotions(model))]
    if not served:
        message = "no champion yet: the first one scores what waits"
        raise Skip(message)
    tables = reading.versions(spec)
    window = Window(reading.LONG_AGO, reading.now(spec)) if spec.columns.time else None
    known = predicted_ids(spec)
    pipelines = {served[-1]: reading.champion(model, served[-1])}
    todo = unscored(_rows(spec, tables, window, pipelines), known, spec)
    if todo.num_rows == 0:
        message = "every row has its prediction"
        raise Skip(message)
    by = _champions_of(todo, spec, served)
    if others := set(by.tolist()) - set(pipelines):
        pipelines |= {version: reading.champion(model, version) for version in others}
        todo = unscored(_rows(spec, tables, window, pipelines), known, spec)
    return Waiting(spec, todo, by, pipelines, served[-1])


def predicted_ids(spec: ModelSpec) -> pa.Table | None:
    """Return the ids of the rows that have a prediction; None before the first one."""
    from include.ratchet.adapters import open_lake

    lake, table = open_lake(), f"predictions/{spec.name}"
    return lake.dataset(table).to_table(list(spec.columns.id), use_threads=False) if lake.version(table) is not None else None


def predict_here(found: Waiting, version: int) -> int | None:
    """Let this worker predict the rows of a version; return the table's version."""
    from include.ratchet.steps.predict import predict

    spec, part = found.spec, found.of(version)
    made = predict(found.pipelines[version], part, trained_on(spec, version), spec, version, datetime.now(UTC))
    return append(spec, version, made)


def trained_on(spec: ModelSpec, version: int) -> pa.Table:
    """Return the ids of a version's snapshot."""
    from include.ratchet.adapters import open_lake

    return open_lake().kept(reading.snapshot_of(spec.name, version).place).select(list(spec.columns.id))


def append(spec: ModelSpec, version: int, made: pa.Table) -> int | None:
    """Append predictions, each row once; return the table's version."""
    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.transform import content_digest

    ids = list(spec.columns.id)
    write_id = digest([spec.name, version, content_digest(made.select(ids))])  # by count, another batch could pass for this one
    # `./ratchet run` may be scoring the same rows.
    return open_lake().write(f"predictions/{spec.name}", made, write_id=write_id, mode="insert", key=ids)


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
