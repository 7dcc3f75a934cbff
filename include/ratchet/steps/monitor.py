"""How well the champion does on rows that it never saw, once their labels are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer

from include.ratchet.domain.gate import Measured
from include.ratchet.domain.modelspec import FEWEST_DAYS, ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.steps import compare
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.dial import persistent
from include.ratchet.steps.frames import labelled, labels
from include.ratchet.steps.maturity import first_predictions

FEWEST_ROWS = 50
ALPHA = 0.05
NEWEST = 3
"""Windows whose segments are told."""
UNMEASURED = "not measured: needs all probabilities"


def realised(spec: ModelSpec, rows: pa.Table, predictions: pa.Table, version: int, reference: float, period: Window) -> dict[str, Any]:
    """Join labels to out-of-sample predictions by id, and measure each monitor window.

    All windows are shown. Tested for a degradation are those whose rows have all matured, by the champion's own
    predictions of rows that came after its snapshot (late rows of that time resemble what it was judged on), on
    five blocks or more. An alarm is k of the newest m of them shown worse by more than the drop, each at the p-value
    that keeps the dialled rate of a champion that is worse by just the drop; one that holds is far below it. Without
    time there is one window, and it is tested.

    Args:
        spec: The model.
        rows: Transformed rows whose labels have matured.
        predictions: All predictions; of several of one row the first counts.
        version: The champion.
        reference: Its metric on the gate's test rows.
        period: From the end of the champion's snapshot to the moment up to which labels have matured.

    Returns:
        `rows` counted; `windows`, each with start, version, rows, metric, a two-sided 90 % interval (day blocks),
        whether it was tested, and a note where the metric cannot be measured from what predictions keep;
        `segments`, the same per value of each segment column, of the champion in its newest windows;
        `degraded`, the starts of the windows of an alarm, none without one;
        a `sentence`.
    """
    columns, rows = spec.columns, labelled(rows, spec)  # a label that misses some rows reads as 1.0 where training read 1
    kept = [*columns.id, "prediction", "score", "model_version"]
    beside = [*([columns.time] if columns.time else []), *columns.segments]
    known = rows.select(list(dict.fromkeys([*columns.id, *beside]))).to_pandas()
    known["_label"] = labels(rows, spec)
    joined = known.merge(first_predictions(predictions, spec)[kept], on=list(columns.id), validate="many_to_one")
    joined["_window"] = joined[columns.time].dt.floor(pd.Timedelta(spec.monitor.window)) if columns.time else "all"
    drop = spec.triggers.degradation.drop if spec.triggers.degradation else None
    note = UNMEASURED if spec.task == "multiclass" and needs_probabilities(spec.gate.metric) else None
    windows, tested = [], {}
    pairs: Any = joined.groupby(["_window", "model_version"])
    for (start, by), part in pairs:
        measured, name = _measure(part, spec, reference - (drop or 0.0)), window_name(start)
        figures = {"metric": measured.estimate, "low": measured.low, "high": measured.high}
        later = _later(part, start, spec, period)
        if drop and by == version and len(later):
            again = measured if len(later) == len(part) else _measure(later, spec, reference - drop)
            if again.p_below is not None and again.blocks >= FEWEST_DAYS:
                tested[name] = again.p_below
        mine = {"tested": by == version and name in tested, **({"note": note} if note else {})}
        windows.append({"start": name, "version": int(by), "rows": len(part), **figures, **mine})
    degraded = alarm(tested, spec)
    found = f"worse than {reference:.4g} by more than {drop:g} in {', '.join(degraded)}" if degraded else "no degradation is shown"
    sentence = f"{len(joined)} matured out-of-sample predictions in {len(windows)} windows, {len(tested)} of them tested; {found}"
    if note:
        sentence += f"; {spec.gate.metric} {note}"
    found_there = list(_segments(joined[joined["model_version"] == version], spec))
    return {"metric": spec.gate.metric, "rows": len(joined), "windows": windows, "segments": found_there} | {
        "degraded": degraded,
        "sentence": sentence,
    }


def _segments(joined: pd.DataFrame, spec: ModelSpec) -> Iterator[dict[str, Any]]:
    """Measure each segment of the newest windows; one of too few rows is counted, and has no figure."""
    recent = sorted(joined["_window"].unique())[-NEWEST:]
    for start, window in joined[joined["_window"].isin(recent)].groupby("_window"):
        for column in spec.columns.segments:
            for value, part in window.groupby(column, dropna=False):
                found = _measure(part, spec, 0.0)
                named = {"start": window_name(start), "segment": f"{column}={value}", "rows": len(part)}
                yield named | {"metric": found.estimate, "low": found.low, "high": found.high}


def needs_probabilities(metric: str) -> bool:
    """Whether a metric of several classes is computed from probabilities; predictions keep only the highest one."""
    rows = np.arange(3)
    try:
        get_scorer(metric)(_Labels(), rows.reshape(-1, 1), rows)
    except AttributeError:  # scikit-learn's way to say that it misses predict_proba
        return True
    except ValueError:
        return False
    return False


class _Labels(ClassifierMixin, BaseEstimator):
    """A classifier of three classes that has labels and no probabilities."""

    classes_ = np.arange(3)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
        return rows.ravel()


def window_name(start: Any) -> str:
    """Name a window by its start."""
    if isinstance(start, str):
        return start
    return str(start.strftime("%Y-%m-%d" if start == start.normalize() else "%Y-%m-%dT%H:%M"))


def _later(part: pd.DataFrame, start: Any, spec: ModelSpec, period: Window) -> pd.DataFrame:
    """Return the rows of a window that speak for or against the champion; none while some have yet to mature."""
    if not spec.columns.time:
        return part
    if start + pd.Timedelta(spec.monitor.window) > period.end:
        return part.iloc[:0]
    return part[part[spec.columns.time] >= period.start]


def alarm(p_values: dict[str, float], spec: ModelSpec) -> list[str]:
    """Return the windows shown worse among the newest m, when they are k or more."""
    degradation = spec.triggers.degradation
    if degradation is None:
        return []
    k, m = degradation.persistence if spec.columns.time else (1, 1)
    level = persistent(degradation.dial(spec.monitor.window), k, m)
    shown = [name for name in sorted(p_values)[-m:] if p_values[name] <= level]
    return shown if len(shown) >= k else []


def _measure(part: pd.DataFrame, spec: ModelSpec, null: float) -> Measured:
    truth = part["_label"].to_numpy()
    if len(part) < FEWEST_ROWS or (spec.classifies and len(set(truth)) < 2):  # noqa: PLR2004
        return Measured("window", None, null)
    if spec.task == "regression":
        answers = Answers(part["prediction"].to_numpy(dtype=float))
    else:
        predicted, truth = _alike(part["prediction"], truth)
        classes = np.unique(np.concatenate([predicted, truth]))
        if spec.task == "binary" and len(classes) == 2:  # noqa: PLR2004
            scores = part["score"].to_numpy(dtype=float)
            probabilities = np.column_stack([1 - scores, scores])
        elif needs_probabilities(spec.gate.metric):
            return Measured("window", None, null)
        else:
            probabilities = np.empty((len(part), 0))  # the metric does not look at them
        answers = Answers(predicted, probabilities, classes)
        if spec.gate.metric == "precision" and spec.task == "binary" and not (predicted == classes[-1]).any():
            return Measured("window", None, null)  # of no answer: scikit-learn's 0 would be a degradation that nothing shows
    sampled = compare.units(part[spec.columns.time] if spec.columns.time else None, len(part))
    return compare.measure("window", compare.figure(spec.gate.metric, answers, truth, sampled, spec.training.seed), ALPHA, null)


def _alike(predicted: pd.Series, truth: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Give decisions, which are kept as text, and labels one type: numbers where both can be, else text."""
    if pd.api.types.is_numeric_dtype(truth):
        numbers = pd.to_numeric(predicted, errors="coerce").to_numpy(dtype=float)
        if not np.isnan(numbers).any():
            return numbers, truth.astype(float)
    return np.array([str(each) for each in predicted], dtype=object), np.array([str(each) for each in truth], dtype=object)
