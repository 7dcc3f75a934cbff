"""Promote and rollback, killed at their lines: never no champion, never two, and the same task completes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.ratchet.domain.specs import PROJECT
from tests.tasks.changing import WAYS
from tests.tiny import Project

STEP = 32
"""Every 32nd line here; `python -m proofs` kills at every one."""


@pytest.mark.slow
def test_a_change_of_champion_survives_its_death(serving: Project, tmp_path: Path) -> None:
    """Every kill struck; right after it the champion is the old or the new one; run again, it is the new one everywhere."""
    command = [sys.executable, "-m", "tests.tasks.changing", str(serving.home), str(tmp_path / "kills"), "3", str(STEP)]
    done = subprocess.run(command, cwd=PROJECT, env=dict(os.environ), capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    kills = json.loads(done.stdout.strip().splitlines()[-1])
    assert {each["way"] for each in kills} == set(WAYS)
    assert len(kills) >= 5
    assert [each for each in kills if not each["killed"]] == []
    assert [each for each in kills if each["wrong"]] == []
