"""`python -m include.ratchet.cli`: a user's mistake is a message and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from include.ratchet.cli import __main__ as entry
from include.ratchet.domain.errors import DataError, Skip, SpecError
from include.ratchet.domain.specs import PROJECT


def _cli(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "include.ratchet.cli", *words]
    return subprocess.run(command, cwd=PROJECT, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `main` an environment to change that is gone afterwards."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SpecError("a.yaml: 1 fault(s)", ["key: [bold]found[/bold] 1"]), 1, "ratchet: a.yaml: 1 fault(s)\n  - key: [bold]found[/bold] 1\n"),
        (DataError("no rows"), 1, "ratchet: no rows\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_a_message_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    """The text is printed as it is, brackets included."""
    monkeypatch.setattr(entry, "app", _raising(error))
    with pytest.raises(SystemExit) as caught:
        entry.main()
    assert (caught.value.code, capsys.readouterr().out) == (code, said)


def test_nothing_to_do_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is printed; the code is 0."""
    monkeypatch.setattr(entry, "app", _raising(Skip("nothing new has arrived")))
    entry.main()
    assert capsys.readouterr().out == "nothing to do: nothing new has arrived\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("check", "flight_delai"), 1, "did you mean 'flight_delay'?"),
        (("run", "nothing"), 1, "allowed are flight_delay"),
        (("status", "nothing"), 1, "allowed are flight_delay"),
        (("new", "Bad Name", "--data", "no.csv", "--target", "y"), 1, "not snake_case"),
        (("new", "fine", "--data", "no.csv", "--target", "y"), 1, "no such file"),
        (("bogus",), 2, "No such command"),
        (("check",), 0, "models/flight_delay"),
        (("status",), 0, "champion: none yet"),
    ],
)
def test_the_real_command_never_shows_a_traceback(words: tuple[str, ...], code: int, said: str) -> None:
    """Exit code and message, on the bundled specs."""
    made = _cli(*words, COLUMNS="200")
    text = made.stdout + made.stderr
    assert made.returncode == code, text
    assert said in text
    assert "Traceback" not in text


def test_a_broken_deployment_file_is_a_message(tmp_path: Path) -> None:
    """An unknown key of ratchet.yaml is named, by every command that reads it."""
    (tmp_path / "ratchet.yaml").write_text("homee: x\n", encoding="utf-8")
    made = _cli("status", RATCHET_CONFIG=str(tmp_path / "ratchet.yaml"))
    assert made.returncode == 1
    assert "homee" in made.stdout
    assert "Traceback" not in made.stdout + made.stderr


def test_a_foreign_error_is_one_line_and_a_log(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback is in the home's log, with the time; RATCHET_DEBUG=1 shows it on the terminal too."""
    monkeypatch.setattr(entry, "app", _raising(OSError("no [/space] left\non the disk")))
    with pytest.raises(SystemExit, match="1"):
        entry.main()
    said, log = capsys.readouterr(), home / "logs" / "cli.log"
    assert said.out == f"ratchet: OSError: no [/space] left; the whole story is in {log}\n"
    assert "Traceback" not in said.err
    assert "on the disk" in log.read_text(encoding="utf-8")
    assert "Traceback" in log.read_text(encoding="utf-8")
    os.environ["RATCHET_DEBUG"] = "1"
    with pytest.raises(SystemExit, match="1"):
        entry.main()
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_ours_that_a_foreign_one_caused_keeps_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the database said is in the log."""
    error = DataError("no rows")
    error.__cause__ = OSError("the disk")
    monkeypatch.setattr(entry, "app", _raising(error))
    with pytest.raises(SystemExit, match="1"):
        entry.main()
    log = home / "logs" / "cli.log"
    assert capsys.readouterr().out == f"ratchet: no rows\nthe whole story is in {log}\n"
    assert "the disk" in log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_no_second_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says how to see the rest."""
    home.write_text("a file, no folder", encoding="utf-8")
    monkeypatch.setattr(entry, "app", _raising(OSError("broken")))
    with pytest.raises(SystemExit, match="1"):
        entry.main()
    assert "RATCHET_DEBUG=1 shows it" in capsys.readouterr().out


@pytest.mark.parametrize("variables", [{"RATCHET__STORES": "x"}, {"RATCHET_CONFIG": "broken.yaml"}], ids=["variable", "file"])
def test_settings_that_cannot_be_read_are_a_message(tmp_path: Path, variables: dict[str, str]) -> None:
    """Neither a variable that is no JSON nor a file that is no YAML ends in a traceback."""
    (tmp_path / "broken.yaml").write_text("home: [", encoding="utf-8")
    where = {name: value.replace("broken", str(tmp_path / "broken")) for name, value in variables.items()}
    made = _cli("status", **where)
    assert made.returncode == 1
    assert made.stdout.startswith("ratchet: ")
    assert "Traceback" not in made.stdout + made.stderr


def test_libraries_find_their_places_in_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files and caches are in the home, nobody phones home; what the caller's shell says stays."""
    for name in ("TMPDIR", "XDG_CACHE_HOME", "MLFLOW_DISABLE_TELEMETRY"):
        os.environ.pop(name, None)
    os.environ["MPLCONFIGDIR"] = "/mine"
    seen: dict[str, str] = {}
    monkeypatch.setattr(entry, "app", lambda **_: seen.update(os.environ))
    entry.main()
    assert seen["TMPDIR"] == str(home / "tmp")
    assert (home / "tmp").is_dir()
    assert seen["XDG_CACHE_HOME"] == str(home / "cache" / "cache")
    assert seen["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert seen["MPLCONFIGDIR"] == "/mine"


def _raising(error: BaseException) -> Callable[..., None]:
    """Stand in for the Typer app."""

    def app(**_: object) -> None:
        raise error

    return app
