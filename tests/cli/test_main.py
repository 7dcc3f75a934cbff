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


def _raising(error: BaseException) -> Callable[..., None]:
    """Stand in for the Typer app."""

    def app(**_: object) -> None:
        raise error

    return app
