# ruff: noqa: INP001 - run by its path, not imported
"""Pin the packages: three `.in` files to three locks with hashes, and `requirements.txt` for images.

`requirements.txt` names the direct packages only, with their ranges: an image that brings its own
Airflow brings constraints with it, and Astro refuses a file that names apache-airflow.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
OLDEST = "3.11"
HEAD = """\
# Written by `make lock` from requirements.in: the direct packages, for images that bring their own Airflow
# and its constraints (Astro Runtime, MWAA, apache/airflow). Everywhere else requirements.lock is installed.
"""


def main() -> int:
    """Write every lock, keeping what is pinned where it still fits; pass --upgrade for the newest."""
    for name, constraints in (
        ("requirements", ()),
        ("requirements-demo", ("requirements.lock",)),
        ("requirements-dev", ("requirements.lock",)),
        ("requirements-extras", ("requirements.lock",)),
    ):
        compile_lock(name, constraints, sys.argv[1:])
    (ROOT / "requirements.txt").write_text(for_images((ROOT / "requirements.in").read_text()))
    return 0


def compile_lock(name: str, constraints: tuple[str, ...], extra: list[str]) -> None:
    """Resolve one `.in` file for every Python from the oldest on."""
    given = [part for each in constraints for part in ("-c", each)]
    how = ["--universal", "--python-version", OLDEST, "--generate-hashes", "--no-header", "--quiet"]
    subprocess.run([str(UV), "pip", "compile", *how, *given, *extra, f"{name}.in", "-o", f"{name}.lock"], check=True, cwd=ROOT)  # noqa: S603 - our own command


def for_images(source: str) -> str:
    """Turn `requirements.in` into `requirements.txt`: Airflow itself stays visible, as a comment."""
    lines = [line for line in source.splitlines() if line and not line.startswith("#")]
    return HEAD + "\n".join(_for_image(line) for line in lines) + "\n"


def _for_image(line: str) -> str:
    if re.match(r"apache-airflow\s*[<>=~!]", line):
        return f"# {line.split('#', maxsplit=1)[0].strip()}: the image brings it"
    return line


if __name__ == "__main__":
    sys.exit(main())
