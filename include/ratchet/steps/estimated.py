"""The champion's estimated performance, window by window, beside what came where labels have matured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.gate import FEWEST_BLOCKS
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window
from include.ratchet.steps import compare
from include.ratchet.steps.answers import answer
from include.ratchet.steps.estimate import LOSSES, MOST_OUTSIDE, Estimate, Kind, Reference, Sample, came_out, estimate, refer
from include.ratchet.steps.expected import weighs
from include.ratchet.steps.frames import columns_of, features, labels
from include.ratchet.steps.maturity import first_predictions
from include.ratchet.steps.monitor import FEWEST_ROWS, alarm, window_name
from include.ratchet.steps.residuals import Losses, fit_losses

MOST_ROWS = 50_000
"""Held-out rows that are learned from; of more, so many are drawn."""
MOST_WINDOWS = 12
CHECKED = 3
"""Newest windows with matured labels that the estimate is held against."""
OFF = 0.01
"""How often an estimate that is right is switched off by them, at most."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """What a version's estimates stand on: its held-out rows, and for a regression its model of the loss."""

    reference: Reference
    classes: npt.NDArray[Any]
    losses: Losses | None = None


def why_not(spec: ModelSpec) -> str | None:
    """Say why a model's metric cannot be estimated; None when it can."""
    metric = spec.gate.metric
    if spec.task == "regression":
        return None if metric in LOSSES else f"{metric} is no mean of losses; {', '.join(LOSSES)} can be estimated"
    if spec.task == "multiclass":
        return None if metric == "accuracy" else f"{metric} of several classes needs all their probabilities; accuracy can be estimated"
    return None if weighs(metric) else f"{metric} takes no weights of rows"


def basis(spec: ModelSpec, held: pa.Table, pipeline: Any) -> Basis | str:
    """Learn from a champion's held-out rows; or say why they are no basis.

    Args:
        spec: The model.
        held: Labelled rows that it was judged on and not fitted on.
        pipeline: The champion.
    """
    reason = why_not(spec)
    if reason:
        return reason
    if held.num_rows > MOST_ROWS:
        drawn = np.random.default_rng(spec.training.seed).permutation(held.num_rows)[:MOST_ROWS]
        held = held.take(pa.array(np.sort(drawn)))
    columns, y = columns_of(pipeline, spec.columns), labels(held, spec)
    units = compare.units(held[spec.columns.time].to_pandas() if spec.columns.time else None, held.num_rows)
    if held.num_rows < FEWEST_ROWS or units.count < FEWEST_BLOCKS:
        return f"{held.num_rows} held-out rows of {units.count} days; needed are {FEWEST_ROWS} of {FEWEST_BLOCKS}"
    seen = features(held, columns)
    said = answer(pipeline, seen, spec.gate.threshold)
    metric, classes = spec.gate.metric, np.asarray([] if said.classes is None else said.classes)
    if spec.task == "regression":
        loss = np.abs(said.predicted.astype(float) - y.astype(float)) ** LOSSES[metric]
        model, expected_loss = fit_losses(seen, said.score, loss, units.of, columns, spec.training.seed)
        return _learned(metric, "loss", Sample(expected_loss, loss, units), spec.gate.threshold, classes, model)
    if spec.task == "binary":
        sample = Sample(said.score, (y == classes[1]).astype(float), units)
        return _learned(metric, "chances", sample, spec.gate.threshold, classes)
    confidence = np.asarray(said.probabilities).max(axis=1)
    return _learned(metric, "right", Sample(confidence, (said.predicted == y).astype(float), units), spec.gate.threshold, classes)


def _learned(
    metric: str, kind: Kind, sample: Sample, threshold: float, classes: npt.NDArray[Any], losses: Losses | None = None
) -> Basis | str:
    reference = refer(metric, kind, sample, threshold)
    known = estimate(reference, sample.said, sample.units) if reference else None
    if reference is None or known is None:
        return f"{metric} has no value on the held-out rows"
    if not known.error:  # an interval of no width: the first wrong answer would be called another meaning of the inputs
        return "the held-out rows are all predicted alike well, so that nothing says how far off the estimate is"
    return Basis(reference, classes, losses)


def report(spec: ModelSpec, found: Basis | str, rows: pa.Table, predictions: pa.Table, about: tuple[int, float], period: Window) -> Json:
    """Estimate the metric of the champion's newest windows, and hold the estimates of earlier ones against what came.

    Args:
        spec: The model.
        found: What the estimates stand on, or why there are none.
        rows: Transformed rows, labelled or not, with the champion's features.
        predictions: All predictions.
        about: The champion's version, and its metric on the gate's test rows.
        period: From the end of its snapshot to the moment up to which labels have matured.

    Returns:
        `windows`, the newest twelve after the snapshot, each with start, rows, estimate, a 95 % interval, and where labels have
        matured the number of them, the estimate of just these rows, what came, and the p-value [0-1] of the two;
        `off`, why the estimate is not to be believed, None when it is; `degraded`, the windows estimated worse by more than the
        drop, as in `monitor.realised`; a `sentence`.
    """
    if isinstance(found, str):
        return {"windows": [], "off": found, "degraded": [], "sentence": f"no estimate before labels: {found}"}
    version, was = about
    frame = followed_by(spec, found, rows, predictions, version, period)
    drop = spec.triggers.degradation.drop if spec.triggers.degradation else None
    windows, below = [], {}
    for start in sorted(frame["_window"].unique())[-MOST_WINDOWS:]:
        part = frame[frame["_window"] == start]
        if len(part) < FEWEST_ROWS:
            continue
        whole = estimate(found.reference, part["said"].to_numpy(), compare.units(_times(part, spec), len(part)))
        if whole is None:
            continue
        windows.append({"start": window_name(start), "rows": len(part), **_shown(whole), **_held_against(found.reference, part, spec)})
        if drop is not None and windows[-1]["came"] is None:
            below[windows[-1]["start"]] = whole.p_below(was - drop)
    off = _off(windows)
    degraded = alarm(below, spec) if off is None else []
    return {"metric": spec.gate.metric, "windows": windows, "off": off, "degraded": degraded, "sentence": _sentence(windows, off, degraded)}


def followed_by(spec: ModelSpec, found: Basis, rows: pa.Table, predictions: pa.Table, version: int, period: Window) -> pd.DataFrame:
    """Join the champion's out-of-sample predictions after its snapshot to what came of them, NaN where it has not matured."""
    columns, once = spec.columns, first_predictions(predictions, spec)
    once = once[once["model_version"] == version][[*columns.id, "prediction", "score"]]
    known = rows.select(list(dict.fromkeys([*columns.id, *([columns.time] if columns.time else [])]))).to_pandas()
    known["_label"], known["_row"] = labels(rows, spec), np.arange(rows.num_rows)
    joined: Any = known.merge(once, on=list(columns.id), validate="one_to_one")
    if columns.time:
        joined = joined[joined[columns.time] >= period.start]
    joined["_window"] = joined[columns.time].dt.floor(pd.Timedelta(spec.monitor.window)) if columns.time else "all"
    ready = ~pd.isna(joined["_label"]) & ((joined[columns.time] < period.end) if columns.time else True)
    joined["said"], joined["came"] = _said_and_came(spec, found, joined, rows)
    joined.loc[~ready, "came"] = np.nan
    return pd.DataFrame(joined)


def _said_and_came(spec: ModelSpec, found: Basis, joined: pd.DataFrame, rows: pa.Table) -> tuple[Floats, Floats]:
    scores = np.asarray(joined["score"], dtype=np.float64)
    if found.losses is not None:
        seen = features(rows.take(pa.array(joined["_row"].to_numpy())), found.losses.columns)
        apart = np.abs(scores - joined["_label"].to_numpy(dtype=float)) ** LOSSES[spec.gate.metric]
        return found.losses.predict(seen, scores) if len(seen) else scores, apart
    label = joined["_label"].map(_text)
    if spec.task == "binary":
        return scores, np.asarray(label == _text(found.classes[1]), dtype=np.float64)
    return scores, np.asarray(label == joined["prediction"].map(_text), dtype=np.float64)


def _text(value: Any) -> str:
    """Write a class alike, whether it is kept as text, as a whole number or as one with a point."""
    try:
        return f"{float(value):.12g}"
    except (TypeError, ValueError):
        return str(value)


def _held_against(reference: Reference, part: pd.DataFrame, spec: ModelSpec) -> Json:
    """Return the estimate of the rows whose labels have matured, and what came of them."""
    ripe = part[part["came"].notna()]
    came = ripe["came"].to_numpy(dtype=float)
    nothing = {"labels": len(ripe), "then": None, "came": None, "p": None}
    if len(ripe) < FEWEST_ROWS or (reference.kind == "chances" and len(set(came)) < 2):  # noqa: PLR2004
        return nothing
    sample = Sample(ripe["said"].to_numpy(), came, compare.units(_times(ripe, spec), len(ripe)))
    then, really = estimate(reference, sample.said, sample.units), came_out(reference, sample)
    if then is None or not np.isfinite(really):
        return nothing
    return {"labels": len(ripe), "then": round(then.value, 6), "came": round(really, 6), "p": then.p_apart(really)}


def _off(windows: list[Json]) -> str | None:
    """Say why the estimate is not to be believed: it was wrong where labels have come, or the rows are new to it."""
    checked = [each for each in windows if each["p"] is not None][-CHECKED:]
    wrong = [each for each in checked if each["p"] < OFF / CHECKED]
    if wrong:
        worst = min(wrong, key=lambda each: each["p"])
        said = f"of {worst['start']} it said {worst['then']:.4g} and {worst['came']:.4g} came"
        return f"{said} ({worst['labels']} labels): what the inputs mean has changed"
    if windows and windows[-1]["outside"] > MOST_OUTSIDE:
        return f"{windows[-1]['outside']:.0%} of the rows of {windows[-1]['start']} are where the held-out rows have none"
    return None


def _shown(found: Estimate) -> Json:
    low, high = found.value - found.reach, found.value + found.reach
    return {"estimate": round(found.value, 6), "low": round(low, 6), "high": round(high, 6), "outside": round(found.outside, 4)}


def _sentence(windows: list[Json], off: str | None, degraded: list[str]) -> str:
    if not windows:
        return "no estimate before labels: no window after the snapshot has enough rows"
    if off:
        return f"no estimate before labels: {off}"
    last, checked = windows[-1], [each for each in windows if each["p"] is not None]
    said = f"estimated before labels for {last['start']}: {last['estimate']:.4g} ({last['low']:.4g} to {last['high']:.4g})"
    apart = [abs(each["came"] - each["then"]) for each in checked]
    said += (
        f"; off by {float(np.mean(apart)):.2g} on average in {len(apart)} windows whose labels came"
        if apart
        else "; not held against labels yet"
    )
    return said + (f"; worse than allowed in {', '.join(degraded)}" if degraded else "")


def _times(part: pd.DataFrame, spec: ModelSpec) -> pd.Series | None:
    return part[spec.columns.time] if spec.columns.time else None
