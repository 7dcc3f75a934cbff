"""Put the monitor's report where people read it: a page beside the champion's run in MLflow, and in the home."""

from __future__ import annotations

import os

from include.ratchet.domain.records import Json

PAGE = "monitor/report.html"


def show(report: Json) -> str:
    """Write the page of the newest report of a model over the one before; return where people read it."""
    from include.ratchet.adapters import open_registry
    from include.ratchet.domain.config import load_config
    from include.ratchet.steps.monitor_page import page

    made, model = page(report), report["model"]
    folder = load_config().folder / "monitors"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{model}.{os.getpid()}.part"
    part.write_text(made, encoding="utf-8")
    part.replace(folder / f"{model}.html")
    return open_registry().attach(model, report["version"], {PAGE: made})
