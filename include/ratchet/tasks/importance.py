"""What a version looks at: measured once on its test rows, kept beside its statistics, read by dossier and drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json

if TYPE_CHECKING:
    import pyarrow as pa


def importance(spec: ModelSpec, version: int, pipeline: Any, test: Callable[[], pa.Table]) -> list[Json]:
    """Return the permutation importance of each feature, see `steps.explain.importance`.

    Args:
        spec: The model.
        version: Of the pipeline; what is kept of it is what was measured first.
        pipeline: Fitted.
        test: Reads the labelled test rows of the version's snapshot; called when nothing is kept.
    """
    import pyarrow as pa

    from include.ratchet.adapters import open_lake
    from include.ratchet.domain.errors import DataError
    from include.ratchet.steps import explain
    from include.ratchet.steps.frames import columns_of, features, labels

    lake, place = open_lake(), f"sketches/{spec.name}/{version}/importance.parquet"
    try:
        kept = lake.kept(place)
    except DataError:
        rows, columns = test(), columns_of(pipeline, spec.columns)
        settings: tuple[Any, ...] = (spec.gate.metric, spec.gate.threshold, spec.training.seed)
        found = explain.importance(pipeline, features(rows, columns), labels(rows, spec), *settings)
        kept = pa.Table.from_pylist(found, explain.IMPORTANCE)
        lake.keep(place, kept)
    return kept.to_pylist()
