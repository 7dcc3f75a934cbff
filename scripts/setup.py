# ruff: noqa: INP001 - run by its path, not imported
"""Build `.venv` from a bare Python: pinned uv, the locked packages by hash, byte code for all of it.

Run by the machine's own Python, before anything is installed: standard library only, and no syntax
that an old Python could not read far enough to be told that it is too old.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "0.13.8"
OLDEST = (3, 11)
LOCKS = ("requirements.lock", "requirements-demo.lock")
DEV_LOCKS = (*LOCKS, "requirements-extras.lock", "requirements-dev.lock")
OUR_CODE = ("include", "dags", "plugins", "config", "scripts")


def main() -> int:
    """Set up what is asked for; do nothing when it is there already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    dev = parser.parse_args().dev
    if sys.version_info < OLDEST:
        found, oldest = (".".join(map(str, each[:2])) for each in (sys.version_info, OLDEST))
        return _fail(f"python3 is {found}; Ratchet needs {oldest} or newer: make setup PYTHON=python3.12")
    wanted = DEV_LOCKS if dev else LOCKS
    if not _is_done(wanted):
        try:
            _install(wanted)
        except subprocess.CalledProcessError as error:
            return _fail(f"{' '.join(map(str, error.cmd[:6]))} ... ended with {error.returncode}; its own words are above")
    # Every task imports this code, and without byte code three times slower; the files may have changed since.
    _run(PYTHON, "-m", "compileall", "-q", *[str(ROOT / name) for name in OUR_CODE if (ROOT / name).is_dir()])
    return 0


def digest(locks: tuple[str, ...]) -> str:
    """Return what the environment depends on: the locks, uv, the folder's own path (scripts carry it)."""
    found = hashlib.sha256(f"{UV} {ROOT}".encode())
    for name in locks:
        found.update((ROOT / name).read_bytes())
    return found.hexdigest()


def _is_done(locks: tuple[str, ...]) -> bool:
    stamps = (VENV / ".ratchet-setup", VENV / ".ratchet-setup-dev")
    # An environment with the test packages has all that one without them has.
    sets = ((LOCKS, stamps[0]), (DEV_LOCKS, stamps[1]))
    return any(set(locks) <= set(having) and stamp.exists() and stamp.read_text() == digest(having) for having, stamp in sets) and _works()


def _works() -> bool:
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0  # noqa: S603 - our own interpreter


def _install(locks: tuple[str, ...]) -> None:
    if not _works():
        _say(f"making {VENV}")
        _run(sys.executable, "-m", "venv", "--clear", VENV)
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"uv=={UV}")
    _say(f"installing {', '.join(locks)}")
    files = [part for name in locks for part in ("-r", str(ROOT / name))]
    # On a terminal uv shows how far it is; elsewhere it would only list 241 packages.
    how = ("--require-hashes", "--compile-bytecode", *(() if sys.stderr.isatty() else ("--quiet",)))
    _run(VENV / "bin" / "uv", "pip", "install", "--python", PYTHON, *how, *files)
    stamp = VENV / (".ratchet-setup-dev" if locks == DEV_LOCKS else ".ratchet-setup")
    stamp.write_text(digest(locks))


def _run(*command: object) -> None:
    # Some machines set PYTHONDONTWRITEBYTECODE; an environment of that kind is three times slower for ever.
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}}
    subprocess.run([str(word) for word in command], check=True, env=env, cwd=ROOT)  # noqa: S603 - our own commands


def _say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")


def _fail(text: str) -> int:
    _say(text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
