"""Pictures for MLflow: real PNGs that say what they show."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from include.ratchet.steps import plots


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Keep the figures that are saved, to read what is written in them."""
    kept: list[Figure] = []
    save = Figure.savefig

    def saving(figure: Figure, *args: Any, **more: Any) -> None:
        kept.append(figure)
        save(figure, *args, **more)

    monkeypatch.setattr(Figure, "savefig", saving)
    return kept


def test_a_learning_curve_says_what_it_shows(drawn: list[Figure]) -> None:
    """A line and a legend entry per candidate, axes with units, a sentence below; the bytes are a picture."""
    made = plots.learning_curves({"a": [(10, 0.5), (100, 0.7)], "b": [(10, 0.6), (100, 0.65)]}, "neg_mean_absolute_error")
    assert image.imread(io.BytesIO(made)).shape[2] == 4
    axes = drawn[0].axes[0]
    assert axes.get_xlabel() == "rows fitted on [count, logarithmic]"
    assert axes.get_ylabel() == "neg_mean_absolute_error [the label's unit, higher is better]"
    assert [np.asarray(line.get_ydata()).tolist() for line in axes.lines] == [[0.5, 0.7], [0.6, 0.65]]
    assert axes.get_legend_handles_labels()[1] == ["a", "b"]
    assert axes.get_legend() is not None
    assert "still rises asks for more rows" in drawn[0].get_supxlabel()


def test_importances_are_bars_from_the_greatest(drawn: list[Figure]) -> None:
    """The greatest loss is on top; what does not fit is counted in the sentence."""
    found = [{"feature": f"f{i}", "drop": 1 / (i + 1), "low": 0.0, "high": 1.5} for i in range(25)]
    made = plots.importances(found, "roc_auc", "boosting")
    assert made.startswith(b"\x89PNG")
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "f0"
    assert len(axes.patches) == plots.MOST_BARS
    assert axes.get_title() == "What boosting looks at"
    assert "5 features with less are not shown" in drawn[0].get_supxlabel()
