"""A kill at any moment of ingest loses no row and doubles none."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence

import yaml

from benchmarks.project import Project, copy
from proofs.book import Json, Proof

KILLS_A_PART, PARTS = 10, 20
FEEDS = {"killed_merge": "merge", "killed_append": "append"}


def run(part: int) -> Json:
    """Kill ten times, in a fresh home; return where the kills hit, and what was lost or doubled."""
    found: Json = project().run("proofs.inside.kill", str(part), str(KILLS_A_PART), list(FEEDS)[part % len(FEEDS)])
    return found


def project() -> Project:
    """Make a copy of the project with the feeds that are killed."""
    made = copy("kills")
    for name, mode in FEEDS.items():
        folder = made.root / "include" / "feeds" / name
        folder.mkdir()
        spec = {
            "name": name,
            "source": {"kind": "files", "uri": f"landing://{name}/*.csv"},
            "key": ["id"],
            "mode": mode,
            "schema": {"id": "int64", "value": "int64", "word": "string"},
            "expectations": [{"type": "expect_column_values_to_be_between", "column": "value", "min_value": 0, "max_value": 999}],
            "quarantine": {"max_fraction": 0.2},
        }
        (folder / "feed.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    shutil.rmtree(made.root / ".ratchet", ignore_errors=True)
    return made


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want the rows of all files to be the rows of the clean table and of the quarantine, as multisets."""
    kills, rows, bad, lost, doubled = (sum(part[key] for part in parts) for key in ("kills", "rows", "quarantined", "lost", "doubled"))
    where: Counter[str] = sum((Counter(part["where"]) for part in parts), Counter())
    hits = ", ".join(f"{name} {count}" for name, count in sorted(where.items()))
    said = f"{kills} kills ({hits}); {rows} rows in, {bad} of them quarantined, {lost} lost, {doubled} doubled"
    return lost == 0 and doubled == 0, said


KILLS = Proof(
    "kills",
    f"{KILLS_A_PART * PARTS} kills at random moments of ingest, then a new run: the rows that came are the clean and the quarantined ones",
    (
        "include/ratchet/tasks/ingest.py",
        "include/ratchet/tasks/seam.py",
        "include/ratchet/adapters",
        "include/ratchet/domain",
        "include/ratchet/steps/decode.py",
        "include/ratchet/steps/columns.py",
        "include/ratchet/steps/validate.py",
        "proofs/kills.py",
        "proofs/inside/kill.py",
    ),
    PARTS,
    run,
    judge,
)
