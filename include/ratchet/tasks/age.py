"""How old the champion is, and what models of that age have lost: the last backtest knows."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

from include.ratchet.domain.records import Json

TWIN = "backtest.json"
"""A backtest's result, as a program reads it."""


def folder_of(model: str) -> Path:
    """Return where a model's backtest is."""
    from include.ratchet.domain.config import load_config

    return load_config().folder / "backtests" / model


def of_champion(model: str, trained: datetime, at: datetime) -> Json:
    """Say how old a champion is, and predict its loss.

    Args:
        model: The model.
        trained: When its training window ended, UTC.
        at: Now, UTC.

    Returns:
        `days`; where there was a backtest its `metric`, `window_days` and `ages`, see `steps.backtest.staleness`; and where it has
        seen models of this age `loss` of the metric against the freshest one, positive is worse, `low` and `high` over its windows,
        None with fewer than three, and how many `windows` that were.
    """
    found: Json = {"days": round((at - trained).total_seconds() / 86400, 2)}
    try:
        content = json.loads((folder_of(model) / TWIN).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return found
    start, end = (datetime.fromisoformat(content["windows"][0][key]) for key in ("start", "end"))
    age, ages = max(1, math.ceil((at - trained) / (end - start))), content["staleness"]["ages"]
    found |= {"metric": content["metric"], "window_days": (end - start).total_seconds() / 86400, "ages": ages}
    seen = next((each for each in ages if each["age"] == age), None)
    return found | ({"loss": seen["estimate"], **{key: seen[key] for key in ("low", "high", "windows")}} if seen else {})
