"""Hold a batch against its feed's suite and sort the rows: good, or quarantined with the rules they broke."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import BATCH_COLUMN, FeedSpec
from include.ratchet.steps.decode import Decoded
from include.ratchet.steps.spark import batch_frame
from include.ratchet.steps.suite import run_suite

Positions = npt.NDArray[np.int64]
SLICE = 1 << 14
"""Rows that are taken at once: the two sides of a batch are never held whole beside it, which took twice its size."""
_BITS = 62
_QUARANTINE = pa.schema({"batch": pa.string(), "position": pa.int64(), "rules": pa.string(), "original": pa.string()})


@dataclass(frozen=True)
class Sorted:
    """A batch after its checks.

    Attributes:
        decoded: The batch.
        name: Its `write_id`.
        positions: Where its clean rows stand, ascending, shape `(n_clean,)`.
        bad: Where the others stand, ascending, shape `(n_bad,)`.
        faults: Rule id -> positions of the rows that broke it.
        warnings: Rules with route warn that were broken, with their counts.
        page: Great Expectations' page of the run, HTML; empty where there is no suite.
    """

    decoded: Decoded
    name: str
    positions: Positions
    bad: Positions
    faults: Mapping[str, Positions]
    warnings: dict[str, int]
    page: str

    def clean(self) -> pa.RecordBatchReader:
        """Give the rows to merge, a slice at a time: the schema's columns and `_batch`."""
        rows, sha = self.decoded.rows, pa.scalar(self.name.partition(".")[0])
        schema = rows.schema.append(pa.field(BATCH_COLUMN, pa.string()))
        parts = (part.append_column(BATCH_COLUMN, pa.repeat(sha, part.num_rows)) for part in _taken(rows, self.positions))
        return pa.RecordBatchReader.from_batches(schema, (each for part in parts for each in part.to_batches()))

    def quarantined(self) -> pa.RecordBatchReader:
        """Give one row per bad row, a slice at a time: batch, position, rules, original (JSON of the cells as they came)."""
        return pa.RecordBatchReader.from_batches(_QUARANTINE, self._quarantined())

    def _quarantined(self) -> Iterator[pa.RecordBatch]:
        rules, name, start = _rules(self.bad, self.faults), pa.scalar(self.name), 0
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET threads = 1")
            for part in _taken(self.decoded.original, self.bad):
                end = start + part.num_rows
                columns = {"position": self.bad[start:end], "rules": rules[start:end], "original": _as_json(part, connection)}
                made = pa.table({"batch": pa.repeat(name, part.num_rows), **columns}, schema=_QUARANTINE)
                yield from made.to_batches()
                start = end


def sort_rows(decoded: Decoded, spec: FeedSpec, name: str, usual_rows: float | None = None) -> Sorted:
    """Apply the schema's and the suite's row rules.

    Args:
        decoded: The batch.
        spec: The feed.
        name: The batch's `write_id`.
        usual_rows: Rows of a usual batch, where volume is watched and enough batches are known.

    Raises:
        QualityError: A rule with route stop was broken, or more rows are bad than the quarantine allows.
        SpecError: An expectation is unknown to Great Expectations, or its arguments do not fit.
    """
    faults: dict[str, Positions] = {rule: np.asarray(found, dtype=np.int64) for rule, found in decoded.faults.items()}
    stops: list[str] = []
    warnings: dict[str, int] = {}
    frame = batch_frame(decoded.rows) if spec.engine == "spark" else decoded.rows.to_pandas(split_blocks=True)
    outcome = run_suite(frame, spec, spec.suite(usual_rows))
    for broken in outcome.broken:
        rule, route = broken.expectation.rule_id, broken.expectation.route
        if route == "warn":
            warnings[rule] = warnings.get(rule, 0) + broken.count
        elif route == "quarantine" and broken.positions is not None:
            # Two expectations may share a rule id (the same check with other arguments): both rows' sets are bad.
            faults[rule] = np.union1d(faults[rule], broken.positions) if rule in faults else broken.positions
        else:
            stops.append(f"{rule}: {broken.seen}")
    repeated = _repeated_keys(decoded.rows, spec) if spec.mode != "append" else np.array([], dtype=np.int64)
    if len(repeated):
        faults["key:repeated"] = repeated
    bad = np.zeros(decoded.rows.num_rows, dtype=np.bool_)
    for positions in faults.values():
        bad[positions] = True
    stops += _over_budget(bad, faults, spec)
    if stops:
        raise QualityError(f"feed {spec.name}: the batch broke its expectations", stops, "Mend and deliver again, or change feed.yaml.")
    return Sorted(decoded, name, (~bad).nonzero()[0], bad.nonzero()[0], faults, warnings, outcome.page)


def _over_budget(bad: npt.NDArray[np.bool_], faults: Mapping[str, Positions], spec: FeedSpec) -> list[str]:
    rows, count = len(bad), int(bad.sum())
    if count <= spec.quarantine.max_fraction * rows:
        return []
    counts = sorted(((len(positions), rule) for rule, positions in faults.items()), reverse=True)
    said = [f"{rule}: {number} rows, such as row {int(faults[rule].min()) + 1}" for number, rule in counts]
    return [f"{count} of {rows} rows are bad; allowed are {spec.quarantine.max_fraction:.1%}", *said]


def _repeated_keys(rows: pa.Table, spec: FeedSpec) -> Positions:
    """Return all but the last row of each key: the last one is the newest word."""
    keys = rows.select(list(spec.key)).to_pandas()
    return keys.duplicated(keep="last").to_numpy().nonzero()[0]


def _taken(table: pa.Table, positions: Positions) -> Iterator[pa.Table]:
    """Give a table's rows at some places, a slice at a time; by places it is ten times as fast as by a mask."""
    for start in range(0, len(positions), SLICE):
        each = positions[start : start + SLICE]
        first, length = int(each[0]), int(each[-1] - each[0]) + 1
        part = table.slice(first, length)
        yield part if len(each) == length else part.take(pa.array(each - first))


def _rules(positions: Positions, faults: Mapping[str, Positions]) -> pa.Array:
    """Return the rules that each bad row broke: few patterns of rules among many rows, so each text is made once."""
    names = list(faults)
    words = np.zeros((len(positions), -(-len(names) // _BITS) or 1), dtype=np.int64)
    for number, rule in enumerate(names):
        words[np.searchsorted(positions, faults[rule]), number // _BITS] |= np.int64(1) << np.int64(number % _BITS)
    frame = pd.DataFrame(words, copy=False)
    which = frame.groupby(list(frame.columns), sort=False).ngroup().to_numpy()  # by hashes: numpy's unique sorts, ten times as long
    patterns = frame.drop_duplicates().to_numpy()
    texts = [", ".join(rule for n, rule in enumerate(names) if int(p[n // _BITS]) >> (n % _BITS) & 1) for p in patterns]
    return pa.array(texts, type=pa.string()).take(pa.array(which))


def _as_json(cells: pa.Table, connection: duckdb.DuckDBPyConnection) -> pa.ChunkedArray | pa.Array:
    """Return each row as JSON, its cells as they came: by DuckDB, half a million rows of 20 cells take a second, by Python eight."""
    names = {name.casefold() for name in cells.column_names}
    if len(names) < cells.num_columns:
        return _by_python(cells)  # DuckDB ignores case
    rows = "came"
    while rows in names:  # to_json would take the column, not the row
        rows += "_"
    try:
        connection.register(rows, cells)
        return connection.sql(f"SELECT CAST(to_json({rows}) AS VARCHAR) AS original FROM {rows}").to_arrow_table()["original"]  # noqa: S608
    except duckdb.Error:  # a half float, a decimal of more than 38 digits, a time after 2262 in milliseconds; then every later slice too
        return _by_python(cells)


def _by_python(cells: pa.Table) -> pa.Array:
    columns = [_listed(column) for column in cells.columns]
    rows = (dict(zip(cells.column_names, row, strict=True)) for row in zip(*columns, strict=True))
    return pa.array([json.dumps(each, default=str) for each in rows], type=pa.string())


def _listed(column: pa.ChunkedArray) -> list[Any]:
    try:
        return column.to_pylist()
    except (OverflowError, ValueError):  # Python's times end with the year 9999
        return column.cast(pa.string()).to_pylist()
