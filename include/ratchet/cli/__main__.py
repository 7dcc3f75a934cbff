"""Start the command line; a user's mistake ends in a message, never in a traceback."""

from __future__ import annotations

import os
import sys

# One thread per library: several processes share the cores, and linear models differ with more threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from include.ratchet.cli.app import app  # noqa: E402 - after the threads are pinned
from include.ratchet.cli.show import console  # noqa: E402
from include.ratchet.domain.errors import RatchetError, Skip  # noqa: E402


def main() -> None:
    """Run the command; exit with 1 on an error of ours, with 130 on Ctrl-C."""
    try:
        app(prog_name="ratchet", standalone_mode=True)
    except RatchetError as error:
        console.print("[red]ratchet:[/red]", end=" ")
        console.print(str(error), markup=False, highlight=False)
        sys.exit(1)
    except Skip as skip:
        console.print(f"nothing to do: {skip}", markup=False)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
