"""Worlds in which the difference of two models is known exactly, and errors come in days.

Rows of one day share what the day does to each model, so that an error that takes rows for independent is too small:
with the sizes here about as much too small as on the flights (0.003 for 0.011 to 0.014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np  # noqa: TID253 - loaded by a proof that runs, by nothing that Airflow parses
import numpy.typing as npt  # noqa: TID253
from scipy.stats import norm  # noqa: TID253

from include.ratchet.steps.answers import Answers  # noqa: TID253

DAYS = 28
ROWS_A_DAY = 430
SHARED = 0.7
"""How much of the rows' own noise both models share."""
ACCURACY, DAY_SWING = 0.75, 0.06
AUC, DAY_SPREAD = 0.70, 0.18


@dataclass(frozen=True)
class World:
    """Test rows on which challenger and champion have answered; arrays of shape `(n_rows,)`."""

    truth: npt.NDArray[np.int_]
    day: npt.NDArray[np.int_]
    challenger: Answers
    champion: Answers


def accuracy(draw: np.random.Generator, gap: float) -> World:
    """Draw a world where the challenger's accuracy in the population is exactly `gap` above the champion's.

    Each day shifts each model's chance to be right by a uniform amount of mean zero.
    """
    day, truth = _days(draw)
    both = draw.uniform(size=len(day))
    answers = []
    for shift in (gap, 0.0):
        chance = (ACCURACY + shift + draw.uniform(-DAY_SWING, DAY_SWING, DAYS))[day]
        luck = np.where(draw.uniform(size=len(day)) < SHARED, both, draw.uniform(size=len(day)))
        predicted = np.where(luck < chance, truth, 1 - truth)
        answers.append(_answers(predicted, predicted.astype(float)))
    return World(truth, day, *answers)


def roc_auc(draw: np.random.Generator, gap: float) -> World:
    """Draw a world where the challenger's AUC in the population is exactly `gap` above the champion's.

    Negatives score N(0, 1); positives of day d score N(m + e_d, 1) with e_d from N(0, s^2), so the AUC over all
    days is the normal distribution's value at m / sqrt(2 + s^2).
    """
    day, truth = _days(draw)
    both = draw.normal(size=len(day))
    answers = []
    for shift in (gap, 0.0):
        mean = norm.ppf(AUC + shift) * np.sqrt(2 + DAY_SPREAD**2)
        lift = (mean + draw.normal(scale=DAY_SPREAD, size=DAYS))[day] * truth
        score = np.sqrt(SHARED) * both + np.sqrt(1 - SHARED) * draw.normal(size=len(day)) + lift
        chance = norm.cdf(score)
        answers.append(_answers((chance >= 0.5).astype(int), chance))  # noqa: PLR2004
    return World(truth, day, *answers)


def _days(draw: np.random.Generator) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Draw each row's day, in days of unequal size, and its class, in days of unequal base rate."""
    sizes = draw.poisson(ROWS_A_DAY * draw.uniform(0.7, 1.3, DAYS))
    day = np.repeat(np.arange(DAYS), sizes)
    truth = (draw.uniform(size=len(day)) < draw.uniform(0.12, 0.3, DAYS)[day]).astype(int)
    return day, truth


def _answers(predicted: npt.NDArray[Any], chance: npt.NDArray[np.float64]) -> Answers:
    return Answers(predicted, np.column_stack([1 - chance, chance]), np.array([0, 1]))
