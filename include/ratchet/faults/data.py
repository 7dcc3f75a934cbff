"""Faults of the rows: what was learnt from, and what is judged on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import Occasion
from include.ratchet.faults.bed import Bed, Case
from include.ratchet.faults.fault import Fault, gate
from include.ratchet.faults.scripted import raw, scripted, shuffled, told
from include.ratchet.steps.bench import groups
from include.ratchet.steps.frames import Split, features, labels


def _with(rows: pa.Table, name: str, values: Any) -> pa.Table:
    """Replace one column."""
    return rows.set_column(rows.column_names.index(name), name, pa.array(values, from_pandas=True))


def _put(rows: pa.Table, where: Any, name: str, values: Any) -> pa.Table:
    """Replace one column's cells in some rows."""
    column = rows[name].to_pandas().astype(object).to_numpy(copy=True)
    column[where] = values
    return rows.set_column(rows.column_names.index(name), name, pa.array(column, rows.schema.field(name).type, from_pandas=True))


def _leak(bed: Bed) -> Case:
    """A feature that is the label: known only after the event."""
    name, y = bed.spec.columns.features[0], labels(bed.rows, bed.spec)
    codes = np.unique(y, return_inverse=True)[1].astype(float) if bed.spec.classifies else y.astype(float)
    leaked = _with(bed.rows, name, codes if name in bed.spec.columns.numeric else codes.astype(str))
    return bed.case(rows=leaked, challenger=bed.fit(bed.spec, leaked), champion=None)


def _two_leaks(bed: Bed) -> Case:
    """Two features whose difference is the label: neither says anything by itself."""
    first, second = bed.spec.columns.numeric[:2]
    y: Any = labels(bed.rows, bed.spec)
    told_ = np.unique(y, return_inverse=True)[1].astype(float) if bed.spec.classifies else y.astype(float)
    cover = np.random.default_rng(bed.spec.training.seed).normal(0, float(np.std(told_)), len(told_))
    leaked = _with(_with(bed.rows, first, told_ + cover), second, cover)
    return bed.case(rows=leaked, challenger=bed.fit(bed.spec, leaked), champion=None)


def _swapped(bed: Bed) -> Case:
    """Labels that mean the opposite of what they meant, in the train rows only."""
    y: Any = labels(bed.rows, bed.spec).copy()
    classes = np.unique(y)
    wrong = classes[(np.searchsorted(classes, y) + 1) % len(classes)] if bed.spec.classifies else 2 * np.mean(y) - y
    return bed.case(challenger=bed.fit(bed.spec, bed.rows, y=wrong))


def _unit(bed: Bed) -> Case:
    """Numbers in another unit in the rows that were learnt from: kilometres, and miles when it serves."""
    rows = bed.rows
    for name in bed.spec.columns.numeric:
        rows = _with(rows, name, pd.to_numeric(rows[name].to_pandas()).to_numpy(dtype=float) * 1000)
    return bed.case(challenger=bed.fit(bed.spec, rows))


def _stale(bed: Bed) -> Case:
    """Features that stopped at the newest values of the train rows, for this challenger only."""
    frozen = bed.seen.copy()
    known = features(bed.rows.filter(pa.array(bed.parts.train)), bed.spec.columns)
    for name in bed.spec.columns.numeric:
        frozen[name] = known[name].dropna().iloc[-1] if known[name].notna().any() else np.nan
    said = bed.honest.predict_proba(frozen) if bed.spec.classifies else bed.honest.predict(frozen)
    return bed.case(challenger=scripted(bed, said[:, 1] if bed.spec.task == "binary" else said))


def _test_part(bed: Bed, mask: Any) -> Split:
    return Split(train=bed.parts.train, test=mask)


def _tiny(bed: Bed) -> Case:
    """Half of the test rows that are the least, spread over the whole window."""
    where = np.flatnonzero(bed.parts.test)
    few = where[np.linspace(0, len(where) - 1, max(bed.spec.gate.sanity.min_rows // 2, 1)).astype(int)]
    mask = np.zeros(len(bed.parts.test), dtype=bool)
    mask[few] = True
    return bed.case(parts=_test_part(bed, mask))


def _few_days(bed: Bed) -> Case:
    """Five days of test rows, however many."""
    times = bed.rows[str(bed.spec.columns.time)].to_pandas()
    last = times[bed.parts.test].max()
    return bed.case(parts=_test_part(bed, bed.parts.test & (times > last - pd.Timedelta(days=5)).to_numpy()))


def _one_kind(bed: Bed) -> Case:
    """Test rows of another world: nearly all of one class, or with the greatest labels only."""
    y: Any = bed.truth
    if bed.spec.classifies:
        rare = np.unique(labels(bed.rows, bed.spec)[bed.parts.train], return_counts=True)
        chosen = y == rare[0][rare[1].argmin()]
        others = np.flatnonzero(~chosen)
        chosen[others[:: max(len(others) * 10 // max(int(chosen.sum()), 1), 1)]] = True
    else:
        chosen = y > np.quantile(y, 0.92)
    mask = np.zeros(len(bed.parts.test), dtype=bool)
    mask[np.flatnonzero(bed.parts.test)[chosen]] = True
    return bed.case(parts=_test_part(bed, mask))


def _copied(bed: Bed) -> Case:
    """Test rows that are train rows under new ids."""
    rows, draw = bed.rows, np.random.default_rng(bed.spec.training.seed)
    source = draw.choice(np.flatnonzero(bed.parts.train), int(bed.parts.test.sum()))
    for name in (*bed.spec.columns.features, bed.spec.columns.label):
        rows = _put(rows, bed.parts.test, name, rows[name].to_pandas().astype(object).to_numpy()[source])
    return bed.case(rows=rows)


def _same_ids(bed: Bed) -> Case:
    """Test rows whose ids were trained on."""
    rows, count = bed.rows, int(bed.parts.test.sum())
    source = np.resize(np.flatnonzero(bed.parts.train), count)
    for name in bed.spec.columns.id:
        rows = _put(rows, bed.parts.test, name, rows[name].to_pandas().astype(object).to_numpy()[source])
    return bed.case(rows=rows)


def largest(bed: Bed, column: str) -> tuple[str, Any]:
    """Return the segment with the most test rows, and which rows it has."""
    value, inside = max(groups(bed.test, column), key=lambda each: int(each[1].sum()))
    return value, inside


def _dropped(bed: Bed) -> Case:
    """The largest segment is missing from the test rows."""
    _, inside = largest(bed, bed.spec.columns.segments[0])
    mask = bed.parts.test.copy()
    mask[np.flatnonzero(mask)[inside]] = False
    return bed.case(parts=_test_part(bed, mask))


def _column_gone(bed: Bed) -> Case:
    """The transform stopped to return a segment column."""
    name = bed.spec.columns.segments[0]
    left = {kind: tuple(each for each in getattr(bed.spec.columns, kind) if each != name) for kind in ("numeric", "categorical", "text")}
    spec = bed.spec.model_copy(update={"columns": bed.spec.columns.model_copy(update=left)})
    rows = bed.rows.drop_columns([name])
    return bed.case(spec=spec, rows=rows, challenger=bed.fit(spec, rows), champion=None)


def _ruined(bed: Bed) -> Case:
    """Better than a poor champion everywhere but in one segment, where it knows nothing."""
    _, inside = largest(bed, bed.spec.columns.segments[0])
    said, noise = raw(bed), shuffled(bed)
    better = 0.5 * said + 0.5 * told(bed)
    better[inside] = noise[inside]
    return bed.case(challenger=scripted(bed, better), champion=scripted(bed, 0.5 * said + 0.5 * noise))


def _seen_before(bed: Bed) -> Case:
    """Test rows that have taken part in as many verdicts as they may."""
    return bed.case(occasion=Occasion(looks=bed.spec.gate.test_reuse.looks))


def _no_time(spec: ModelSpec) -> str:
    return "" if spec.columns.time else "columns.time (without it a row is the sampling unit, and days do not count)"


def _segments(spec: ModelSpec) -> str:
    if not spec.columns.segments:
        return "columns.segments and gate.segments"
    return "" if spec.gate.segments else "gate.segments"


def _other_features(spec: ModelSpec) -> str:
    missing = _segments(spec)
    if missing or len(spec.columns.features) > 1 or spec.columns.segments[0] not in spec.columns.features:
        return missing
    return "a second feature"


def _numbers(spec: ModelSpec) -> str:
    return "" if spec.columns.numeric else "columns.numeric (no feature has a unit)"


def _two_numbers(spec: ModelSpec) -> str:
    return "" if len(spec.columns.numeric) > 1 else "two columns.numeric"


FAULTS = (
    Fault("label leak in a feature", "too good to be true", gate(_leak)),
    Fault("label leak in two features", "too good to be true", gate(_two_leaks), _two_numbers),
    Fault("swapped labels in the train rows", "business", gate(_swapped)),
    Fault("a feature in another unit", "gain over the champion", gate(_unit), _numbers),
    Fault("stale features", "gain over the champion", gate(_stale), _numbers),
    Fault("tiny test set", "enough test rows", gate(_tiny)),
    Fault("five days of test rows", "business", gate(_few_days), _no_time),
    Fault("test labels of another world", "label balance", gate(_one_kind)),
    Fault("train rows in the test set, new ids", "test rows were not trained on", gate(_copied)),
    Fault("train ids in the test set", "test rows were not trained on", gate(_same_ids)),
    Fault("test rows judged on too often", "unseen test rows", gate(_seen_before)),
    Fault("a segment missing from the test rows", "segments are there", gate(_dropped), _segments),
    Fault("a segment column is gone", "segments are there", gate(_column_gone), _other_features),
    Fault("one segment ruined, the mean better", "segment ", gate(_ruined), _segments),
)
