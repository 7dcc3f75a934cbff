"""Bodies that bring in what the prediction service wrote: predictions to the lake, labels to the landing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import RatchetError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.tasks import reading

if TYPE_CHECKING:
    from include.ratchet.adapters.segments import Segment

PREDICTIONS, LABELS = "predictions", "labels"
PATIENCE = timedelta(minutes=1)
"""A label may come before the segment that holds its prediction is closed; it waits so long for it."""
_log = logging.getLogger(__name__)


def table(model: str) -> str:
    """Name the lake's table of what the service answered."""
    return f"requests/{model}"


def ship(model: str) -> Json:
    """Move every closed segment of a model to where it is read; one that was moved before changes nothing.

    Predictions are appended to the lake's `requests/<model>`. Labels become a file under `landing://labels/<model>/`,
    which any feed may have as its source.

    Returns:
        How many rows and labels there were, and how many lines could not be read; those lines stay in the log's folder.
    """
    from include.ratchet.adapters import open_lake
    from include.ratchet.adapters.segments import closed
    from include.ratchet.domain.config import load_config
    from include.ratchet.steps.requests import readable

    spec, place = specs.model(model), load_config().log_place
    found = {"rows": 0, "labels": 0, "damaged": 0}
    trained: dict[int, frozenset[str]] = {}
    for segment in closed(place, f"{PREDICTIONS}/{model}"):
        lines, damaged = segment.lines()
        for version in {each for line in lines if isinstance(each := line.get("version"), int)} - trained.keys():
            trained[version] = _trained(spec, version)
        rows, odd = readable(lines, spec, trained)
        if rows.num_rows:
            open_lake().write(table(model), rows, write_id=segment.name, mode="append")
        _done(segment, damaged + odd)
        found["rows"] += rows.num_rows
        found["damaged"] += damaged + odd
    for segment in closed(place, f"{LABELS}/{model}"):
        count, damaged = _deliver(spec, segment)
        found["labels"] += count
        found["damaged"] += damaged
    return {"model": model, **found}


def _deliver(spec: ModelSpec, segment: Segment) -> tuple[int, int]:
    """Write one segment of labels into the landing; return how many there were, and how many lines could not be read."""
    import fsspec

    from include.ratchet.adapters import open_lake
    from include.ratchet.domain.config import load_config
    from include.ratchet.steps.requests import is_delivery, known_ids, label_lines, prediction_id

    read, damaged = segment.lines()
    lines = [line for line in read if is_delivery(line)]
    damaged += len(read) - len(lines)
    wanted = [prediction_id(each["id"]) for line in lines for each in line["labels"]]
    lake = open_lake()
    there = lake.version(table(spec.name)) is not None
    columns = ["prediction_id", "row_id"]
    known = known_ids(lake.dataset(table(spec.name)).to_table(columns, use_threads=False), wanted) if there else {}
    unknown = [each for each in wanted if each not in known and _is_prediction(each)]
    newest = max((datetime.fromisoformat(line["at"]) for line in lines), default=None)
    if unknown and newest and datetime.now(UTC) - newest < PATIENCE:
        return 0, 0  # next time
    if lines:
        fs, path = fsspec.core.url_to_fs(load_config().store(f"landing://{LABELS}/{spec.name}/{segment.name}.jsonl"))
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        draft = f"{path}.part"  # no feed's pattern takes it for a delivery
        fs.pipe_file(draft, label_lines(lines, spec, known))
        fs.mv(draft, path)
    _done(segment, damaged)
    return len(wanted), damaged


def _done(segment: Segment, damaged: int) -> None:
    """Put a segment away; one that holds what could not be read is kept, and somebody told."""
    segment.done(keep=damaged > 0)
    if damaged:
        _log.warning("%d line(s) could not be read and were not shipped with the others; they are kept in %s", damaged, segment.kept)


def _is_prediction(name: str) -> bool:
    request, _, row = name.partition(".")
    return len(request) == 32 and row.isdecimal() and set(request) <= set("0123456789abcdef")  # noqa: PLR2004 - of 16 bytes


def _trained(spec: ModelSpec, version: int) -> frozenset[str]:
    """Return the ids of a version's snapshot, as text; nothing where it is not known."""
    from include.ratchet.adapters import open_lake

    try:
        kept = open_lake().kept(reading.snapshot_of(spec.name, version).place).select(list(spec.columns.id))
    except (RatchetError, KeyError):
        return frozenset()
    return frozenset(_joined([kept[name].to_pylist() for name in spec.columns.id]))


def _joined(columns: Sequence[Sequence[object]]) -> list[str]:
    from include.ratchet.steps.requests import JOIN

    return [JOIN.join(map(str, row)) for row in zip(*columns, strict=True)]
