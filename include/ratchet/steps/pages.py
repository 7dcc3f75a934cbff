"""Pages that need nothing else: one HTML file for a screen, a phone and a printer; whatever records say is escaped."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.ratchet.steps.charts import number


@functools.cache
def template(name: str) -> Any:
    """Return a template of this folder; its filters write numbers, days and short digests."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": shown, "day": lambda text: (text or "")[:16].replace("T", " "), "short": lambda text: text[:12]}
    return environment.get_template(name)


def shown(value: Any) -> str:
    """Write a value as people read it, a dash for nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "\u2013" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else number(value)
