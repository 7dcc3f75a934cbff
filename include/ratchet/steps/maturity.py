"""How labels come in: which predictions have theirs, how long it took, and which label was another one before.

A prediction whose label has not come yet is censored, not absent: it counts among those at risk for as long as it has
waited, and every table says how many there are.

References:
    Kaplan & Meier (1958), JASA 53: the share that has happened by an age, where some have not been followed for so long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json

AGES = (0, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90)
"""Days since the event at which the curve is told."""
QUANTILES = (0.5, 0.9, 0.99)
MOST_COHORTS = 12
DAY = pd.Timedelta(days=1)
Floats = npt.NDArray[np.float64]


def first_predictions(predictions: pa.Table, spec: ModelSpec) -> pd.DataFrame:
    """Return the first prediction of each row, where it was out of sample: a row that was predicted twice counts once."""
    once = predictions.to_pandas().sort_values("scored_at", kind="stable").drop_duplicates(list(spec.columns.id))
    return once[~once["in_snapshot"].astype(bool)].reset_index(drop=True)


def followed(spec: ModelSpec, rows: pa.Table, predictions: pa.Table) -> pd.DataFrame:
    """Follow every out-of-sample prediction to its label.

    Args:
        spec: The model.
        rows: Transformed rows, labelled or not; with the column of `labels.arrived` where the spec names one.
        predictions: All predictions.

    Returns:
        One row per prediction: id columns, `event_at` (UTC; when it was predicted, where nothing tells the event's time),
        `label` as text, None where there is none yet, and `arrived_at`, NaT where nobody said.
    """
    once, ids, time = first_predictions(predictions, spec), list(spec.columns.id), spec.columns.time
    there = [name for name in (time, spec.labels.arrived) if name and name in rows.column_names]
    known = rows.select(list(dict.fromkeys([*ids, *there]))).to_pandas()
    known["_label"] = _texts(rows[spec.columns.label].to_pandas())
    known = known.rename(columns={name: f"_{name}" for name in there if name not in ids})
    joined = once.merge(known, on=ids, how="left", validate="one_to_one")
    event = joined["scored_at"]
    for name in (time, f"_{time}"):
        if time and name in joined:
            event = joined[name].fillna(event)
    out = joined[ids].copy()
    out["event_at"] = pd.to_datetime(event, utc=True).astype("datetime64[us, UTC]")
    out["label"] = joined["_label"].astype(object).where(joined["_label"].notna(), None)
    came = joined[f"_{spec.labels.arrived}"] if spec.labels.arrived in there else pd.Series(pd.NaT, index=out.index)
    out["arrived_at"] = pd.to_datetime(came, utc=True, errors="coerce").astype("datetime64[us, UTC]")
    return out


def news(spec: ModelSpec, found: pd.DataFrame, seen: pa.Table | None, at: pd.Timestamp) -> pa.Table:
    """Return what a look saw for the first time: labels that came, and labels that are others than they were.

    Args:
        spec: The model.
        found: As `followed` returns it.
        seen: What earlier looks saw, as this returns it.
        at: When the look is, UTC. A label that does not say when it came, came by then.

    Returns:
        One row per label: id columns, `revision` (0, then 1 more with each correction), `label`, `event_at`, `arrived_at`.
    """
    ids = list(spec.columns.id)
    here = found[found["label"].notna()]
    before = (
        newest(seen, spec)
        if seen is not None
        else pd.DataFrame({**{name: here[name].iloc[:0] for name in ids}, "revision": [], "label": []})
    )
    both = here.merge(before[[*ids, "revision", "label"]], on=ids, how="left", suffixes=("", "_before"))
    new = both[both["label_before"].isna() | (both["label"] != both["label_before"])].copy()
    new["revision"] = (new["revision"].fillna(-1).astype("int64")) + 1
    # When a correction came is not what `labels.arrived` says of the first label, unless it moved too: no earlier than this look.
    came = new["arrived_at"].where((new["revision"] == 0) & (new["arrived_at"] <= at))
    new["arrived_at"] = came.fillna(at).astype("datetime64[us, UTC]")
    return pa.Table.from_pandas(new[[*ids, "revision", "label", "event_at", "arrived_at"]], preserve_index=False)


def newest(seen: pa.Table, spec: ModelSpec) -> pd.DataFrame:
    """Return the last label of each row that was seen."""
    return seen.to_pandas().sort_values("revision", kind="stable").drop_duplicates(list(spec.columns.id), keep="last")


def maturity(spec: ModelSpec, found: pd.DataFrame, seen: pa.Table, at: pd.Timestamp) -> Json:
    """Say how labels mature: whole, and per cohort of events.

    Args:
        spec: The model.
        found: As `followed` returns it.
        seen: What this look and earlier ones saw.
        at: When the look is, UTC.

    Returns:
        `rows` predicted out of sample; `known`; `waiting` (no label, younger than `labels.lag`); `missing` (no label, older);
        `corrected`; `curve`, pairs of age [days] and share known [0-1]; `quantiles` of the lag [days], None where so many have
        not come; `cohorts`, the newest twelve by the event's window, each with the same; a `sentence`.
    """
    ids = list(spec.columns.id)
    first = seen.to_pandas().sort_values("revision", kind="stable").drop_duplicates(ids)[[*ids, "arrived_at"]]
    last = newest(seen, spec)[[*ids, "revision"]]
    rows: Any = found.drop(columns="arrived_at").merge(first, on=ids, how="left").merge(last, on=ids, how="left")
    rows["known"] = rows["label"].notna()
    rows["age"] = (at - rows["event_at"]) / DAY
    rows["lag"] = ((rows["arrived_at"] - rows["event_at"]) / DAY).where(rows["known"], rows["age"]).clip(lower=0.0)
    rows["late"] = ~rows["known"] & (rows["age"] > spec.labels.lag / DAY.to_pytimedelta())
    whole = _cohort(rows)
    start = rows["event_at"].dt.floor(pd.Timedelta(spec.monitor.window))
    parts = [{"start": str(name)[:10], **_cohort(part)} for name, part in rows.groupby(start)]
    return {**whole, "cohorts": parts[-MOST_COHORTS:], "sentence": _sentence(whole)}


def kaplan_meier(durations: Floats, happened: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return ages, ascending, and the share that has happened by each [0-1]; who has not is followed up to its duration."""
    order = np.argsort(durations, kind="stable")
    ages, first = np.unique(durations[order], return_index=True)
    events = np.add.reduceat(happened[order].astype(float), first) if len(ages) else np.empty(0)
    at_risk = len(durations) - first
    share: Floats = np.asarray(1 - np.cumprod(1 - events / np.maximum(at_risk, 1)), dtype=np.float64)
    return ages, share


def _cohort(rows: pd.DataFrame) -> dict[str, Any]:
    known = rows["known"].to_numpy(dtype=bool)
    ages, share = kaplan_meier(rows["lag"].to_numpy(dtype=float), known)
    oldest = float(rows["age"].max()) if len(rows) else 0.0
    by_age = np.searchsorted(ages, [age for age in AGES if age <= oldest], side="right")
    curve = [[age, round(float(share[i - 1]), 4) if i else 0.0] for age, i in zip(AGES, by_age, strict=False)]
    reached = {f"{q:g}": np.flatnonzero(share >= q - 1e-9) for q in QUANTILES}
    return {
        "rows": len(rows),
        "known": int(known.sum()),
        "waiting": int((~known & ~rows["late"].to_numpy(dtype=bool)).sum()),
        "missing": int(rows["late"].sum()),
        "corrected": int((rows["revision"] > 0).sum()),
        "curve": curve,
        "quantiles": {q: round(float(ages[at[0]]), 2) if len(at) else None for q, at in reached.items()},
    }


def _sentence(whole: Json) -> str:
    said = (
        ", ".join(f"{float(q):.0%} by {days:g} d" for q, days in whole["quantiles"].items() if days is not None) or "too few to tell a lag"
    )
    text = f"labels: {whole['known']} of {whole['rows']} are known ({said}), {whole['waiting']} are waited for"
    text += f", {whole['missing']} are overdue" if whole["missing"] else ""
    return text + (f", {whole['corrected']} were corrected" if whole["corrected"] else "")


def _texts(values: pd.Series) -> pd.Series:
    """Write labels alike, whatever type the others of their column give them: 1, 1.0 and True are one label."""
    if values.dtype == bool or set(values.dropna().map(type)) == {bool}:
        values = values.astype("float64")
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64").map(lambda value: f"{value:.12g}", na_action="ignore").astype(object)
    return values.map(str, na_action="ignore").astype(object)
