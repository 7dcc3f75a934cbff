"""The champion's age in the monitor's report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.ratchet.tasks import age

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def test_without_a_backtest_only_the_age_is_known(home: Path) -> None:
    """Days since the training window ended; nothing is predicted."""
    assert home.name == "home"
    assert age.of_champion("m", BEGIN, BEGIN + timedelta(days=3.5)) == {"days": 3.5}


def test_the_loss_of_models_of_this_age(home: Path) -> None:
    """By the last backtest, for the window that the age falls into; an age that it has not seen is not extrapolated."""
    path = age.folder_of("m") / age.TWIN
    assert path.is_relative_to(home)
    path.parent.mkdir(parents=True)
    window = {"start": BEGIN.isoformat(), "end": (BEGIN + timedelta(days=10)).isoformat()}
    ages = [
        {"age": 1, "estimate": 0.0, "low": 0.0, "high": 0.0, "windows": 5},
        {"age": 2, "estimate": 0.01, "low": None, "high": None, "windows": 2},
    ]
    path.write_text(json.dumps({"metric": "roc_auc", "windows": [window], "staleness": {"ages": ages}}), encoding="utf-8")
    curve = {"metric": "roc_auc", "window_days": 10.0, "ages": ages}
    fresh = {"days": 10.0, "loss": 0.0, "low": 0.0, "high": 0.0, "windows": 5}
    assert age.of_champion("m", BEGIN, BEGIN + timedelta(days=10)) == curve | fresh
    assert age.of_champion("m", BEGIN, BEGIN + timedelta(days=11))["loss"] == 0.01
    assert age.of_champion("m", BEGIN, BEGIN + timedelta(days=25)) == curve | {"days": 25.0}
    path.write_text("{", encoding="utf-8")
    assert age.of_champion("m", BEGIN, BEGIN) == {"days": 0.0}
