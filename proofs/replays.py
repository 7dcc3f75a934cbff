"""A version is made again to the last bit after 20 later ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from include.ratchet.domain.specs import PROJECT
from proofs.book import Json, Proof

LATER = 20


def run(_: int) -> Json:
    """Register two versions and 20 later ones in a fresh home, each on corrected and on more rows; replay the first two."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"RATCHET__HOME": f"{folder}/home"}
        command = [sys.executable, "-m", "proofs.inside.replays", folder, str(LATER)]
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=3000, check=True)  # noqa: S603 - our own module
    found: Json = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want no stage to differ, 20 versions back and more."""
    replays = [(int(back), each) for part in parts for back, each in part["back"].items()]
    bad = [f"{back} back: {each['first']}" for back, each in replays if each["first"] or each["notes"]]
    ages, versions = ", ".join(str(back) for back, _ in replays), max(part["table_versions"] for part in parts)
    found = f"differ: {'; '.join(bad)}" if bad else "every stage the same"
    return not bad and all(back >= LATER for back, _ in replays), f"replayed {ages} versions back, over {versions} table versions; {found}"


REPLAYS = Proof(
    "replays",
    f"versions with {LATER} later ones or more, over corrected rows and other specs: every stage repeats to the last bit",
    (
        "include/ratchet/tasks/recipe.py",
        "include/ratchet/tasks/replay.py",
        "include/ratchet/adapters/canonical.py",
        "include/ratchet/adapters/lake.py",
        "include/ratchet/steps",
        "proofs/replays.py",
        "proofs/inside/replays.py",
    ),
    1,
    run,
    judge,
)
