"""The table of proofs, to be committed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import stamp
from proofs.book import Page

FILE = Path(__file__).parent / "TABLE.md"


def markdown(pages: Sequence[Page]) -> str:
    """Return the page: each claim, what was found, and of which code."""
    lines = ["# Proofs", "", f"Written by `make proof`. {stamp()}", ""]
    lines += ["| proof | claim | found | holds | parts | when (UTC) | commit | code |", "|---|---|---|---|---|---|---|---|"]
    for page in pages:
        holds, found = page.verdict
        said = ("yes" if holds else "NO") if page.done else "not finished" if holds or not page.parts else "NO, so far"
        cells = (
            page.proof.name,
            page.proof.claim,
            found,
            said,
            f"{len(page.parts)}/{page.proof.parts}",
            page.at,
            page.commit,
            page.digest[:12],
        )
        lines.append(f"| {' | '.join(each.replace('|', '/') for each in cells)} |")
    return "\n".join(lines) + "\n"
