"""`make setup` does nothing when nothing changed, and says what an old Python is told."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "setup.py"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script, over a project of its own that runs nothing for real."""
    spec = importlib.util.spec_from_file_location("setup_script", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in module.DEV_LOCKS:
        (tmp_path / name).write_text("a==1")
    (tmp_path / ".venv").mkdir()
    ran: list[str] = []
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "_works", lambda: True)
    monkeypatch.setattr(module, "_run", lambda *words: ran.append(" ".join(map(str, words))))
    monkeypatch.setattr(sys, "argv", ["setup.py"])
    module.ran = ran  # type: ignore[attr-defined]
    return module


def _installs(setup: ModuleType) -> int:
    return sum("--require-hashes" in line for line in setup.ran)


def test_the_second_time_nothing_is_installed(setup: ModuleType) -> None:
    """Only byte code is brought up to date: our own files may have changed."""
    assert (setup.main(), setup.main()) == (0, 0)
    assert _installs(setup) == 1
    assert sum("compileall" in line for line in setup.ran) == 2


def test_a_changed_lock_is_installed(setup: ModuleType) -> None:
    """The stamp is the locks' digest."""
    setup.main()
    (setup.ROOT / "requirements.lock").write_text("a==2")
    setup.main()
    assert _installs(setup) == 2


def test_the_test_packages_come_on_top_and_satisfy_the_plain_setup(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """After setup-dev, setup has nothing to do."""
    setup.main()
    monkeypatch.setattr(sys, "argv", ["setup.py", "--dev"])
    setup.main()
    monkeypatch.setattr(sys, "argv", ["setup.py"])
    setup.main()
    assert _installs(setup) == 2


def test_a_moved_folder_is_set_up_again(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts in .venv/bin carry the folder's path."""
    setup.main()
    before = setup.digest(setup.LOCKS)
    monkeypatch.setattr(setup, "ROOT", tmp_path / ".")
    assert setup.digest(setup.LOCKS) == before
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in setup.LOCKS:
        (moved / name).write_text("a==1")
    monkeypatch.setattr(setup, "ROOT", moved)
    assert setup.digest(setup.LOCKS) != before


def test_an_old_python_is_told_what_to_do(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line: found, needed, and how to name another."""
    monkeypatch.setattr(setup, "OLDEST", (9, 9))
    assert setup.main() == 1
    assert "Ratchet needs 9.9 or newer: make setup PYTHON=" in capsys.readouterr().err
    assert setup.ran == []
