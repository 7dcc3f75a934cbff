"""How the service answered: errors, latency, and whether the inputs that it was given are those that training sees."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.steps.frames import features, typed
from include.ratchet.steps.requests import JOIN, SHADOW

SAME = 1e-6
"""Numbers that differ by less, relatively, are one number: a client may have rounded."""
MOST_ROWS = 20_000
"""Answered rows, the newest, whose inputs are compared."""


def service(requests: pa.Table, since: datetime) -> list[Json]:
    """Return errors and latency by version and route.

    Args:
        requests: As `steps.requests.to_table` makes them.
        since: When the first one counts, UTC.

    Returns:
        Per version and route: `requests`, `rows`, `errors` (share of requests [0-1]), `p50_ms` and `p99_ms` of all requests.
    """
    frame = requests.filter(pc.greater_equal(requests["asked_at"], pa.scalar(since))).drop_columns(["inputs"]).to_pandas()
    if frame.empty:  # pandas splits no text into no columns
        return []
    frame["request"] = frame["prediction_id"].str.rpartition(".")[0]
    found = []
    for (version, route), part in frame.groupby(["model_version", "route"]):
        each = part.drop_duplicates("request")
        p50, p99 = np.quantile(each["latency_ms"], [0.5, 0.99])
        errors = float((each["error"] != "").mean())
        counts = {"requests": len(each), "rows": len(part), "errors": round(errors, 6)}
        found.append(
            {"version": int(version), "route": str(route), **counts, "p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}
        )
    return found


def serving_skew(requests: pa.Table, rows: pa.Table, spec: ModelSpec, columns: Columns, since: datetime) -> Json:
    """Compare what the service was given with what the transform makes of the same rows.

    Args:
        requests: As `steps.requests.to_table` makes them.
        rows: Transformed rows, with the features of `columns`.
        spec: The model.
        columns: The champion's own columns.
        since: When the first request counts, UTC.

    Returns:
        `rows` that were found in both by their id; `different`, per feature that differs the share of them that does [0-1], the
        largest first. A feature that a request left out is not compared.
    """
    named = pc.and_(pc.not_equal(requests["row_id"], requests["prediction_id"]), pc.not_equal(requests["route"], SHADOW))
    recent = requests.filter(pc.and_(named, pc.greater_equal(requests["asked_at"], pa.scalar(since)))).select(
        ["row_id", "asked_at", "inputs"]
    )
    asked = recent.to_pandas().sort_values("asked_at", kind="stable").drop_duplicates("row_id", keep="last").tail(MOST_ROWS)
    ids = rows.select(list(spec.columns.id)).to_pandas().astype(str).agg(JOIN.join, axis=1)
    at = pd.Series(np.arange(rows.num_rows), index=ids).reindex(asked["row_id"])
    asked = asked[at.notna().to_numpy()]
    if asked.empty:
        return {"rows": 0, "different": {}}
    made = features(rows.take(pa.array(at.dropna().to_numpy(dtype=int))), columns)
    given = [json.loads(each) for each in asked["inputs"]]
    there = pd.DataFrame({name: [name in each for each in given] for name in columns.features})
    raw = pd.DataFrame({name: [each.get(name) for each in given] for name in columns.features})
    for name in columns.numeric:  # what is no number differs; it does not stop the look
        raw[name] = pd.to_numeric(raw[name], errors="coerce")
    said = typed(raw, columns)
    shares = {name: _apart(said[name], made[name], numeric=name in columns.numeric)[there[name].to_numpy()] for name in columns.features}
    different = {name: round(float(apart.mean()), 6) for name, apart in shares.items() if apart.any()}
    return {"rows": len(asked), "different": dict(sorted(different.items(), key=lambda each: -each[1]))}


def _apart(said: pd.Series, made: pd.Series, *, numeric: bool) -> Any:
    if numeric:
        return ~np.isclose(said.to_numpy(dtype=float), made.to_numpy(dtype=float), rtol=SAME, atol=SAME, equal_nan=True)
    return np.array([one != other for one, other in zip(said, made, strict=True)])
