"""The package files agree: what is asked for, what is pinned, and what images get."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)(?: ; (.*?))? \\$")


def _lock_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _asked(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def _pinned(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if match := LOCKED.match(line):
            found.setdefault(match[1].lower().replace("_", "-"), set()).add(match[2])
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-demo", "requirements-extras", "requirements-dev"])
def test_every_direct_package_is_pinned_within_its_range(name: str) -> None:
    """A range that was changed without `make lock` shows here."""
    pinned = _pinned(f"{name}.lock")
    for asked in _asked(f"{name}.in"):
        versions = pinned.get(asked.name.lower().replace("_", "-"), set())
        assert versions, f"{asked.name} is not in {name}.lock; run make lock"
        assert all(version in asked.specifier for version in versions), f"{asked}: {name}.lock pins {versions}; run make lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-demo.lock", "requirements-extras.lock", "requirements-dev.lock"])
def test_every_pin_carries_hashes(name: str) -> None:
    """What is installed is what was locked, byte for byte."""
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["requirements-demo.lock", "requirements-extras.lock", "requirements-dev.lock"])
def test_locks_agree_on_what_they_share(name: str) -> None:
    """Tests and the demo run on the versions that production runs on."""
    main, other = _pinned("requirements.lock"), _pinned(name)
    assert {package: versions for package, versions in other.items() if package in main and not versions <= main[package]} == {}


def test_requirements_txt_is_what_make_lock_writes() -> None:
    """Images get the same direct packages, with the same ranges."""
    expected = _lock_script().for_images((ROOT / "requirements.in").read_text())
    assert (ROOT / "requirements.txt").read_text() == expected, "run make lock"


def test_requirements_txt_leaves_airflow_to_the_image() -> None:
    """Astro refuses a file that names apache-airflow; it stays visible as a comment, and its providers stay."""
    names = {asked.name for asked in _asked("requirements.txt")}
    assert "apache-airflow" not in names
    assert "apache-airflow-providers-amazon" in names
    assert re.search(r"^# apache-airflow>=", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


def test_requirements_txt_keeps_all_other_direct_packages() -> None:
    """Nothing is dropped on the way."""
    assert {a.name for a in _asked("requirements.in")} - {a.name for a in _asked("requirements.txt")} == {"apache-airflow"}
