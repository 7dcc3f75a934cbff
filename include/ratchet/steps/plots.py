"""Pictures of a training run for MLflow: each with axes, units, a legend and a sentence."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from include.ratchet.domain.records import Json

WIDE, HIGH = 7.0, 4.2
MOST_BARS = 20
SHORTEST = 1.2
"""Inches: the height of a plot without bars, and of its sentence."""


def learning_curves(curves: Mapping[str, Sequence[Sequence[float]]], metric: str) -> bytes:
    """Draw how each candidate's score grows with the rows that it is fitted on.

    Args:
        curves: Per candidate pairs of rows and score, higher is better.
        metric: What the score is.

    Returns:
        A PNG.
    """
    figure, axes = _blank(HIGH)
    for name, points in curves.items():
        axes.plot([rows for rows, _ in points], [score for _, score in points], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("rows fitted on [count, logarithmic]")
    axes.set_ylabel(_score(metric))
    axes.set_title("Would more rows help?")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(title="candidate")
    return _png(
        figure,
        "Scores on the last fold's held-out rows, fitted on shares of the rows before it. A line that still rises asks for more rows.",
    )


def importances(found: Sequence[Json], metric: str, candidate: str) -> bytes:
    """Draw what a score loses when one feature's values are shuffled: mean, least and greatest.

    Args:
        found: Per feature its name and the `drop`, `low` and `high` of the score, the greatest drop first.
        metric: What the score is.
        candidate: Whose features they are.

    Returns:
        A PNG.
    """
    shown = list(found)[:MOST_BARS][::-1]
    figure, axes = _blank(SHORTEST * 2 + 0.26 * len(shown))
    drops = [each["drop"] for each in shown]
    spread = [[each["drop"] - each["low"] for each in shown], [each["high"] - each["drop"] for each in shown]]
    axes.barh([each["feature"] for each in shown], drops, xerr=spread, label="mean of the shuffles, least to greatest", color="#4c78a8")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(f"loss of {metric} when shuffled [its own unit; 0: not needed]")
    axes.set_ylabel("feature")
    axes.set_title(f"What {candidate} looks at")
    axes.legend(loc="lower right")
    left_out = f" {len(found) - len(shown)} features with less are not shown." if len(found) > len(shown) else ""
    return _png(figure, f"Permutation importance on the last fold's held-out rows. Features that say the same share it.{left_out}")


def _score(metric: str) -> str:
    unit = "the label's unit" if metric.startswith("neg_") else "score"
    return f"{metric} [{unit}, higher is better]"


def _blank(high: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDE, max(high, SHORTEST * 2)), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Figure, sentence: str) -> bytes:
    figure.supxlabel(sentence, fontsize=8, wrap=True)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Description": sentence})
    return out.getvalue()
