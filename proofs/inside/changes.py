"""Make a home with a champion and a blessed version; kill changes of champion, and fight for one: prints what was found."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest

from tests import tiny
from tests.contract.test_promoting import faults, fight
from tests.tasks import changing
from tests.tiny import Project


def serving(folder: Path) -> Project:
    """Train and promote version 1, and bless version 2."""
    tiny.write_specs(folder / "include")
    tiny.read_specs_from(folder / "include", pytest.MonkeyPatch())
    made = Project(folder / "home", folder / "include")
    made.deliver("first.csv", tiny.visits())
    made.ingest()
    made.train()
    made.promote()
    made.run_id = "second"
    made.train(candidates=["tree"])
    return made


def main(folder: Path, part: int, parts: int, changes: int) -> None:
    """Do one part."""
    from include.ratchet.adapters.ledger import Ledger

    made = serving(folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        changing.main(made.home, folder / "kills", part, parts)
    kills = json.loads(said.getvalue().strip().splitlines()[-1])
    url = f"sqlite:///{folder / 'fight.db'}"
    seen, answers = fight(url, changes)
    lost = sum(int(answer[1]) for answer in answers[:2])
    found = {"kills": kills, "changes": changes, "looks": len(seen), "lost": lost, "faults": faults(Ledger(url), changes + 1)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
