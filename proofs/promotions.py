"""A change of champion survives its death at every line, and many at once leave one champion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from include.ratchet.domain.specs import PROJECT
from proofs.book import Json, Proof

PARTS, CHANGES = 4, 50


def run(part: int) -> Json:
    """Kill at every fourth line, from another one in each part; then change the champion at random from three processes."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"RATCHET__HOME": f"{folder}/home"}
        command = [sys.executable, "-m", "proofs.inside.changes", folder, str(part), str(PARTS), str(CHANGES)]
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=3000, check=True)  # noqa: S603 - our own module
    found: Json = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every kill to strike, and one champion after each of them and in every look at the random changes."""
    kills = [each for part in parts for each in part["kills"]]
    struck, wrong = sum(each["killed"] for each in kills), [each for each in kills if each["wrong"]]
    changes, looks = (sum(part[key] for part in parts) for key in ("changes", "looks"))
    faults = [fault for part in parts for fault in part["faults"]]
    lost = sum(part["lost"] for part in parts)
    said = (
        f"{struck} of {len(kills)} kills struck, one at each line; {len(wrong)} left something wrong; {changes} random changes by two "
        f"processes and a killed third, {lost} told that another was faster; {looks} looks, {len(faults)} faults"
    )
    return struck == len(kills) > 0 and not wrong and not faults, said


PROMOTIONS = Proof(
    "promotions",
    f"promote and rollback killed at every line of body, ledger and registry, and {PARTS * CHANGES} random changes: always one champion",
    (
        "include/ratchet/tasks/deploy.py",
        "include/ratchet/adapters/ledger/promotions.py",
        "include/ratchet/adapters/ledger/seals.py",
        "include/ratchet/adapters/ledger/store.py",
        "include/ratchet/adapters/registry.py",
        "proofs/promotions.py",
        "proofs/inside/changes.py",
        "tests/tasks/changing.py",
        "tests/contract/promoting.py",
    ),
    PARTS,
    run,
    judge,
)
