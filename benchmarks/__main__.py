"""`python -m benchmarks`: print the table; `--write` keeps it in benchmarks/RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import table

ITEMS = ("parse", "start", "loop", "ingest", "validate", "gate", "drift", "backtest", "serve", "score", "monitor", "views")
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    """Run what is asked for, and show each part when it is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ITEMS, default=ITEMS, help="parts to measure")
    parser.add_argument("--repeat", type=int, default=0, help="repetitions; each part has its own default")
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.name}, with all parts")
    asked = parser.parse_args()
    console = Console(width=160 if not sys.stdout.isatty() else None)
    sections = {}
    for name in asked.only:
        part = importlib.import_module(f"benchmarks.{name}")
        found = list(part.rows(asked.repeat) if asked.repeat else part.rows())
        sections[part.TITLE] = found
        table.show(found, part.TITLE, console)
    console.print(table.stamp())
    if asked.write:
        RESULTS.write_text(table.markdown(sections), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
