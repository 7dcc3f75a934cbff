"""Estimate how the champion does on rows whose labels have not come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Snapshot, Verdict, Window

if TYPE_CHECKING:
    import pyarrow as pa


def before_labels(
    spec: ModelSpec, judged: tuple[Verdict, Snapshot], pipeline: Any, rows: pa.Table, predictions: pa.Table, until: datetime
) -> Json:
    """Estimate the newest windows from the rows that the gate judged the champion on, which its snapshot keeps.

    Args:
        spec: The model.
        judged: The champion's blessing, and the snapshot that it was trained and judged on.
        pipeline: The champion.
        rows: Transformed rows, labelled or not, with its features.
        predictions: All predictions.
        until: Up to when labels have matured, UTC.
    """
    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.estimated import basis, report

    verdict, snapshot = judged
    held = _held(spec, open_lake().kept(snapshot.place), snapshot.window, verdict.figures.get("test_window"))
    about = (verdict.version, float(verdict.figures["challenger"]))
    return report(spec, basis(spec, held, pipeline), rows, predictions, about, Window(snapshot.window.end, until))


def _held(spec: ModelSpec, rows: pa.Table, window: Window, tested: Json | None) -> pa.Table:
    """Return the rows that were judged on: by the times that the verdict names, whatever the spec's split is today."""
    import pyarrow as pa

    from include.ratchet.steps.frames import split

    if spec.columns.time is None or not tested or "first" not in tested:  # judged on a wave, before it had a time
        return rows.filter(pa.array(split(rows, spec, window).test))
    times = rows[spec.columns.time].to_pandas()
    return rows.filter(
        pa.array(((times >= datetime.fromisoformat(tested["first"])) & (times <= datetime.fromisoformat(tested["last"]))).to_numpy())
    )
