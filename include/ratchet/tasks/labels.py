"""What came of predictions: their labels as they mature, kept in the lake's `labels/<model>` so that a correction is seen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, digest

if TYPE_CHECKING:
    import pyarrow as pa


def table(model: str) -> str:
    """Name the lake's table of labels as they came: one row per label and correction."""
    return f"labels/{model}"


def follow(spec: ModelSpec, rows: pa.Table, predictions: pa.Table, at: datetime) -> Json:
    """Note which labels came or changed since the last look; say how they mature.

    Looked at again, whether the last look ended or not, nothing is noted twice: rows are inserted by id and revision.
    """
    import pandas as pd

    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.maturity import followed, maturity, news
    from include.ratchet.steps.transform import content_digest

    lake, name, now = open_lake(), table(spec.name), pd.Timestamp(at)
    seen = lake.dataset(name).to_table(use_threads=False) if lake.version(name) is not None else None
    found = followed(spec, rows, predictions)
    new = news(spec, found, seen, now)
    if new.num_rows:
        write_id = digest([spec.name, content_digest(new)])
        lake.write(name, new, write_id=write_id, mode="insert", key=[*spec.columns.id, "revision"])
        seen = lake.dataset(name).to_table(use_threads=False)
    return maturity(spec, found, new if seen is None else seen, now)
