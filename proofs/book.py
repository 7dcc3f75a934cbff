"""What was proved of which code: one JSON file per proof, written after every part, so that a stop costs one part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.table import commit
from include.ratchet.domain.specs import PROJECT

Json = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
_CODE = {".py", ".sql", ".yaml", ".lock"}


@dataclass(frozen=True)
class Proof:
    """A claim, and how it is proved in parts.

    Attributes:
        name: Name of the file under `results/`.
        claim: What holds when every part is done.
        code: Files and folders, from the project's root, that it is about; another content starts it anew.
        parts: How many parts there are.
        run: Does one part, by its number from 0, which is its seed too.
        judge: Says of the parts done whether the claim holds of them, and what was found.
    """

    name: str
    claim: str
    code: tuple[str, ...]
    parts: int
    run: Callable[[int], Json]
    judge: Callable[[Sequence[Json]], tuple[bool, str]]


@dataclass
class Page:
    """The record of one proof of one code."""

    proof: Proof
    digest: str
    parts: dict[str, Json]
    at: str = ""
    commit: str = ""

    @property
    def done(self) -> bool:
        """Whether no part is left."""
        return len(self.parts) >= self.proof.parts

    @property
    def verdict(self) -> tuple[bool, str]:
        """Whether the claim holds of the parts done, and what was found."""
        return self.proof.judge(list(self.parts.values())) if self.parts else (False, "not run")


def read(proof: Proof, results: Path = RESULTS) -> Page:
    """Return what is done of a proof for the code as it is now."""
    now = digest(proof.code)
    try:
        kept = json.loads((results / f"{proof.name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        kept = {}
    if kept.get("digest") != now:
        return Page(proof, now, {})
    return Page(proof, now, kept["parts"], kept["at"], kept["commit"])


def run(proof: Proof, most: int | None = None, tell: Callable[[str], None] = print, results: Path = RESULTS) -> Page:
    """Do the parts that are left, at most `most` of them; keep each."""
    page = read(proof, results)
    left = [number for number in range(proof.parts) if str(number) not in page.parts]
    for number in left[:most]:
        page.parts[str(number)] = proof.run(number)
        page.at, page.commit = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", commit()
        _keep(page, results)
        tell(f"{proof.name} {len(page.parts)}/{proof.parts}: {page.verdict[1]}")
    return page


def digest(code: Sequence[str], root: Path = PROJECT) -> str:
    """Return the SHA-256 of the names and contents of all code files under the given places."""
    found = hashlib.sha256()
    for place in code:
        path = root / place
        files = sorted(p for p in path.rglob("*") if p.suffix in _CODE) if path.is_dir() else [path]
        for file in files:
            found.update(f"{file.relative_to(root)}\0".encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def _keep(page: Page, results: Path) -> None:
    results.mkdir(exist_ok=True)
    content = {"digest": page.digest, "at": page.at, "commit": page.commit, "parts": page.parts}
    target = results / f"{page.proof.name}.json"
    draft = target.with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draft.replace(target)
