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
    from include.ratchet.steps import explain
    from include.ratchet.steps.frames import columns_of, features, labels

    def measured() -> list[Json]:
        rows, columns = test(), columns_of(pipeline, spec.columns)
        settings: tuple[Any, ...] = (spec.gate.metric, spec.gate.threshold, spec.training.seed)
        return explain.importance(pipeline, features(rows, columns), labels(rows, spec), *settings)

    return _kept(f"{_place(spec, version)}/importance.parquet", explain.IMPORTANCE, measured)


def shapley(spec: ModelSpec, version: int, pipeline: Any, test: Callable[[], pa.Table]) -> list[Json]:
    """Return how far each feature moves predictions, see `steps.shapley.moved`, over `training.shap` test rows.

    Takes what `importance` takes.
    """
    from include.ratchet.steps.frames import columns_of, features
    from include.ratchet.steps.shapley import SHAPLEY, moved

    rows = spec.training.shap or 0

    def measured() -> list[Json]:
        return moved(pipeline, features(test(), columns_of(pipeline, spec.columns)), rows, spec.training.seed)

    return _kept(f"{_place(spec, version)}/shapley-{rows}.parquet", SHAPLEY, measured)


def _place(spec: ModelSpec, version: int) -> str:
    return f"sketches/{spec.name}/{version}"


def _kept(place: str, schema: pa.Schema, measured: Callable[[], list[Json]]) -> list[Json]:
    """Return what the lake keeps there; measure and keep it first where it keeps nothing."""
    import pyarrow as pa

    from include.ratchet.adapters import open_lake
    from include.ratchet.domain.errors import DataError

    lake = open_lake()
    try:
        kept = lake.kept(place)
    except DataError:
        kept = pa.Table.from_pylist(measured(), schema)
        lake.keep(place, kept)
    found: list[Json] = kept.to_pylist()
    return found
