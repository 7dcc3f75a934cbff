"""Worlds whose labels come late: a champion, its held-out days, and windows after it under a shift of inputs or of their meaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window
from include.ratchet.steps.compare import units
from include.ratchet.steps.estimate import Sample, came_out
from include.ratchet.steps.estimated import Basis, basis, followed_by, report

START = datetime(2013, 1, 3, tzinfo=UTC)  # a Thursday, on which a window of seven days from 1970 begins
HELD, WINDOWS, DAYS = 28, 4, 7
PER_DAY = 80
LAGS = (0, 1, 7, 30, 60)
"""Days that the spec gives a label; each row's own is drawn from 0 to one and a half of it, so that some are still out."""
ALIKE = 0.15
"""Standard deviation, in log odds, of what all rows of a day share; it is half of yesterday's."""


def spec(metric: str, lag: int) -> ModelSpec:
    """Return the model."""
    task = "regression" if metric.startswith(("neg_mean_abs", "neg_root")) else "binary"
    candidate = {"name": "a", "estimator": "sklearn.linear_model.LogisticRegression"}
    return ModelSpec.model_validate(
        {
            "name": "m",
            "task": task,
            "feeds": ["f"],
            "columns": {"id": ["id"], "time": "at", "label": "y", "numeric": ["x", "z"]},
            "labels": {"lag": f"{lag}d"},
            "training": {"split": {"validation": "7d", "test": f"{HELD}d"}, "candidates": [candidate]},
            "gate": {"metric": metric, "business": {metric: ">= -99"}},
            "monitor": {"window": f"{DAYS}d"},
        }
    )


def rows(draw: np.random.Generator, first: int, days: int, shift: float, concept: float, *, numbers: bool) -> pa.Table:
    """Draw days of rows. `shift` moves the inputs by standard deviations; `concept` takes so much of their meaning away [0-1]."""
    count = days * PER_DAY
    x, z = draw.normal(shift, 1, count), draw.normal(-shift / 2, 1, count)
    shared = np.zeros(days)
    for day in range(days):
        shared[day] = 0.5 * shared[day - 1] * (day > 0) + draw.normal() * ALIKE * np.sqrt(0.75)
    mean = (1 - concept) * (1.2 * x + 0.8 * z) - 0.3 + np.repeat(shared, PER_DAY)
    noise = draw.normal(size=count) * (0.6 + 0.5 * np.abs(x)) * (1 + concept)
    y = mean + noise if numbers else (draw.uniform(size=count) < 1 / (1 + np.exp(-mean))).astype(float)
    at = [START + timedelta(days=first + i // PER_DAY, minutes=i % PER_DAY) for i in range(count)]
    ids = np.arange(count) + first * PER_DAY
    return pa.table({"id": ids, "at": pa.array(at, pa.timestamp("us", tz="UTC")), "x": x, "z": z, "y": y})


def champion(draw: np.random.Generator, *, numbers: bool) -> Any:
    """Fit a champion on rows of its own; its scores are as wrong as those of a model fitted on 400 rows."""
    few = rows(draw, -40, 5, 0.0, 0.0, numbers=numbers).to_pandas()
    model = LinearRegression() if numbers else LogisticRegression(C=0.01)
    return Pipeline([("model", model)]).fit(few[["x", "z"]], few["y"])


def predicted(pipeline: Any, of: pa.Table) -> pa.Table:
    """Return the champion's predictions in the lake's form."""
    seen = of.select(["x", "z"]).to_pandas()
    numbers = not hasattr(pipeline, "predict_proba")
    scores = pipeline.predict(seen) if numbers else pipeline.predict_proba(seen)[:, 1]
    count = of.num_rows
    made = {"id": of["id"], "prediction": scores if numbers else (scores >= 0.5).astype(str), "score": scores}  # noqa: PLR2004
    return pa.table(made | {"model_version": [1] * count, "in_snapshot": [False] * count, "scored_at": of["at"]})


def world(metric: str, seed: int, lag: int, shift: float, concept: float) -> tuple[ModelSpec, Basis, pa.Table, pa.Table]:
    """Draw a champion with its basis, and its windows with all labels: under the shift from the second one on."""
    draw, numbers = np.random.default_rng([seed, lag]), spec(metric, lag).task == "regression"
    pipeline = champion(draw, numbers=numbers)
    found = basis(spec(metric, lag), rows(draw, -HELD, HELD, 0.0, 0.0, numbers=numbers), pipeline)
    if isinstance(found, str):
        raise TypeError(found)
    parts = [rows(draw, 0, DAYS, 0.0, 0.0, numbers=numbers), rows(draw, DAYS, (WINDOWS - 1) * DAYS, shift, concept, numbers=numbers)]
    after = pa.concat_tables(parts)
    return spec(metric, lag), found, after, predicted(pipeline, after)


def look(model: ModelSpec, found: Basis, after: pa.Table, said: pa.Table, now: datetime, own: Any) -> Json:
    """Report as the monitor would at a moment: rows up to then, labels that have come by then, `own` the lag of each row [days]."""
    there = np.array([at <= now for at in after["at"].to_pylist()])
    came = np.array([at + timedelta(days=float(d)) <= now for at, d in zip(after["at"].to_pylist(), own, strict=True)])
    y = pa.array(np.where(came, after["y"].to_numpy(), np.nan), from_pandas=True)
    known = after.set_column(after.column_names.index("y"), "y", y).filter(pa.array(there))
    return report(model, found, known, said.filter(pa.array(there)), (1, 0.0), Window(START, now - model.labels.lag))


def covered(metric: str, seed: int) -> bool | None:
    """Shift the inputs; return whether the last window's interval, from before its labels, holds what came; None: it abstained."""
    draw = np.random.default_rng([seed, 1])
    lag = int(draw.choice(LAGS))
    model, found, after, said = world(metric, seed, lag, float(draw.choice([-0.75, -0.4, 0.0, 0.4, 0.75])), 0.0)
    own = draw.uniform(0, max(1.5 * lag, 0.5), after.num_rows)
    now = START + timedelta(days=WINDOWS * DAYS)
    made = look(model, found, after, said, now, own)
    if made["off"]:
        return None
    last = made["windows"][-1]
    frame = followed_by(model, found, after, said, 1, Window(START, now + timedelta(days=999)))
    part = frame[frame["_window"] == frame["_window"].max()]
    truth = came_out(found.reference, Sample(part["said"].to_numpy(), part["came"].to_numpy(), units(part["at"], len(part))))
    return bool(last["low"] <= truth <= last["high"])


def labels_until_off(metric: str, seed: int) -> int | None:
    """Take the inputs' meaning away; return the matured labels from then on at which the estimate is off; None: never."""
    draw = np.random.default_rng([seed, 2])
    lag = int(draw.choice(LAGS))
    model, found, after, said = world(metric, seed, lag, 0.0, 0.8)
    own = draw.uniform(0, max(1.5 * lag, 0.5), after.num_rows)
    for day in range(DAYS + 2 + lag, WINDOWS * DAYS + lag + 1, 2):
        now = START + timedelta(days=day)
        if look(model, found, after, said, now, own)["off"]:
            known = zip(after["at"].to_pylist(), own, strict=True)
            ripe = [at + model.labels.lag < now and at + timedelta(days=float(d)) <= now for at, d in known]
            return int(np.sum(ripe[DAYS * PER_DAY :]))
    return None
