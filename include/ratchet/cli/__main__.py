"""Start the command line; whatever goes wrong ends in a message, and a traceback only in a log."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.cli.app import app
from include.ratchet.cli.show import console
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import RatchetError, Skip
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local.environment import quiet

DEBUG = "RATCHET_DEBUG"
"""Environment variable that shows tracebacks on the terminal too."""


def main() -> None:
    """Run the command; exit with 1 on an error, with 130 on Ctrl-C."""
    _stay_inside()
    try:
        app(prog_name="ratchet", standalone_mode=True)
    except RatchetError as error:
        foreign = error.__cause__ is not None and not isinstance(error.__cause__, RatchetError)
        _say(str(error), f"the whole story is in {_log()}" if foreign else "")
        sys.exit(1)
    except Skip as skip:
        console.print(f"nothing to do: {skip}", markup=False)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last stop before a bare traceback
        first = next(iter(str(error).splitlines()), "")
        _say(f"{type(error).__name__}: {first}; the whole story is in {_log()}")
        sys.exit(1)


def _say(*lines: str) -> None:
    console.print("[red]ratchet:[/red]", end=" ")
    console.print("\n".join(filter(None, lines)), markup=False, highlight=False, soft_wrap=True)


def _stay_inside() -> None:
    """Keep libraries off the network, on one thread each, and their files in the home; commands load them later."""
    try:
        config = load_config()
    except Exception:  # noqa: BLE001 - the command that needs it says what is wrong
        return
    for name, value in quiet(config).items():
        os.environ.setdefault(name, value)
    if os.environ["TMPDIR"] == str(config.folder / "tmp"):
        with contextlib.suppress(OSError):  # Python takes another place for a folder that is not there
            (config.folder / "tmp").mkdir(parents=True, exist_ok=True)


def _log() -> str:
    """Keep the traceback of the current error; return where."""
    if os.environ.get(DEBUG, "0") not in {"", "0"}:
        traceback.print_exc()
    path = _home() / "logs" / "cli.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} ratchet {' '.join(sys.argv[1:])}\n{traceback.format_exc()}\n")
    except OSError:
        return f"no file, since {path} cannot be written; {DEBUG}=1 shows it"
    return str(path)


def _home() -> Path:
    try:
        return load_config().folder
    except Exception:  # noqa: BLE001 - it may be the very file that cannot be read
        return PROJECT / ".ratchet"


if __name__ == "__main__":
    main()
