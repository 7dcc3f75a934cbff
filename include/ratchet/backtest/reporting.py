"""Write what a backtest found: a page, and its JSON twin."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.ratchet.backtest import bed
from include.ratchet.backtest.bed import Bed
from include.ratchet.domain import backtest, specs
from include.ratchet.domain.records import Json
from include.ratchet.steps.backtest import Replayed, summary
from include.ratchet.steps.backtest_page import page
from include.ratchet.tasks.age import TWIN, folder_of

PAGE = "backtest.html"


def report(
    made: Bed, models: Mapping[int, Json], found: Mapping[str, Sequence[Json]], left_out: Mapping[str, str] | None = None
) -> tuple[Path, Json]:
    """Write page and twin into the home; return the page's path and the content. What only a run that goes on needs is removed."""
    spec = specs.model(made.model, made.folder / "include" / "configured")
    triggers = {policy: backtest.triggers_of(spec, policy) for policy in found}
    content = summary(Replayed(spec, [step.window for step in made.steps], models, found, triggers, left_out or {}, made.plan["search"]))
    place = folder_of(made.model)
    bed.write_text(place / PAGE, page(content))
    bed.write_text(place / TWIN, json.dumps(content, indent=1, sort_keys=True))
    shutil.rmtree(made.folder / "memory", ignore_errors=True)
    return place / PAGE, content
