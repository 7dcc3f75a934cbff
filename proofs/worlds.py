"""Worlds in which the difference of two models is known exactly, and errors come in days that resemble each other.

Rows of one day share what the day does to each model, so that an error that takes rows for independent is too small:
with the sizes here about as much too small as on the flights (0.003 for 0.011 to 0.014). What the days do follows an
AR(1), so that an error that takes days for independent is too small as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np  # noqa: TID253 - loaded by a proof that runs, by nothing that Airflow parses
import numpy.typing as npt  # noqa: TID253
import pyarrow as pa  # noqa: TID253
from scipy.stats import norm  # noqa: TID253

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.answers import Answers  # noqa: TID253
from include.ratchet.steps.bench import Bench  # noqa: TID253
from include.ratchet.steps.compare import Units  # noqa: TID253

ROWS_A_DAY = 430
SEGMENTS = 20
SHARED = 0.7
"""How much of the rows' own noise both models share."""
SWING = {"accuracy": 0.035, "several": 0.035, "roc_auc": 0.18, "neg_mean_absolute_error": 0.06}
"""Standard deviation of what a day does to a model, in the model's own terms."""
LEVEL = {"accuracy": 0.75, "several": 0.7, "roc_auc": 0.70, "neg_mean_absolute_error": 0.5}
METRICS = {"accuracy": "accuracy", "several": "accuracy", "roc_auc": "roc_auc", "neg_mean_absolute_error": "neg_mean_absolute_error"}
"""What each kind of world is measured by: two classes, three, scores, numbers."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Test rows on which challenger and champion have answered; arrays of shape `(n_rows,)`."""

    truth: npt.NDArray[np.float64]
    day: npt.NDArray[np.int_]
    segment: npt.NDArray[np.int_]
    challenger: Answers
    champion: Answers


def draw_world(draw: np.random.Generator, kind: str, gap: float, days: int = 28, rho: float = 0.0) -> World:
    """Draw a world where the challenger's metric in the population is exactly `gap` above the champion's.

    Args:
        draw: The generator.
        kind: accuracy, several, roc_auc or neg_mean_absolute_error.
        gap: Of the population.
        days: How many.
        rho: How much a day resembles the one before it.
    """
    sizes = draw.poisson(ROWS_A_DAY * draw.uniform(0.7, 1.3, days))
    day = np.repeat(np.arange(days), sizes)
    classes = 3 if kind == "several" else 2
    truth = draw.integers(0, 3, len(day)) if classes > 2 else (draw.uniform(size=len(day)) < draw.uniform(0.12, 0.3, days)[day]).astype(int)  # noqa: PLR2004
    both = draw.normal(size=len(day))
    answers = []
    for shift in (gap, 0.0):
        swing = SWING[kind] * _likeness(draw, days, rho)[day]
        luck = np.sqrt(SHARED) * both + np.sqrt(1 - SHARED) * draw.normal(size=len(day))
        answers.append(_said(kind, LEVEL[kind] + shift, swing, luck, truth))
    values = luck * 0 if kind == "neg_mean_absolute_error" else truth
    return World(values.astype(float), day, draw.integers(0, SEGMENTS, len(day)), *answers)


def _said(kind: str, level: float, swing: Floats, luck: Floats, truth: npt.NDArray[np.int_]) -> Answers:
    """Let one model answer.

    Right with the chance `level` and the day's swing; or negatives score N(0, 1), and positives of day d N(m + e_d, 1),
    so that the AUC over all days is the normal distribution's value at m / sqrt(2 + s^2); or off by N(0, (s (1 + e_d))^2),
    whose mean absolute value is s sqrt(2 / pi).
    """
    if kind == "neg_mean_absolute_error":
        scale = (2 * LEVEL[kind] - level) / np.sqrt(2 / np.pi)
        return Answers(luck * scale * (1 + swing))
    if kind == "roc_auc":
        mean = norm.ppf(level) * np.sqrt(2 + SWING[kind] ** 2)
        chance = norm.cdf(luck + (mean + swing) * truth)
        return Answers((chance >= 0.5).astype(float), np.column_stack([1 - chance, chance]), np.array([0.0, 1.0]))  # noqa: PLR2004
    count = 3 if kind == "several" else 2
    predicted = np.where(norm.cdf(luck) < level + swing, truth, (truth + 1) % count)
    return Answers(predicted.astype(float), np.eye(count)[predicted], np.arange(float(count)))


def _likeness(draw: np.random.Generator, days: int, rho: float) -> Floats:
    """Draw an AR(1) of variance 1."""
    made = draw.normal(size=days)
    for each in range(1, days):
        made[each] = rho * made[each - 1] + np.sqrt(1 - rho**2) * made[each]
    return made


def bench_of(world: World, kind: str, **gate: object) -> Bench:
    """Lay a world out as the gate sees it, with 20 segments."""
    task = {"several": "multiclass", "neg_mean_absolute_error": "regression"}.get(kind, "binary")
    spec = ModelSpec.model_validate(
        {
            "name": "world",
            "task": task,
            "feeds": ["f"],
            "columns": {"id": ["id"], "time": "at", "label": "y", "numeric": ["x"], "segments": ["c"]},
            "training": {
                "split": {"validation": "10d", "test": "28d"},
                "candidates": [{"name": "a", "estimator": "sklearn.linear_model.Ridge"}],
            },
            "gate": {"metric": METRICS[kind], "business": {METRICS[kind]: ">= -9"}, "segments": {"margin": 0.1}, **gate},
        }
    )
    rows = pa.table({"c": pa.array(world.segment).cast(pa.string())})
    answers = {"challenger": world.challenger, "champion": world.champion}
    return Bench(spec, answers, world.truth, Units(world.day, serial=True), rows)
