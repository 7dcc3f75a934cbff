"""Register a version and 20 after it, while rows come and are corrected; replay the first: prints what was found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from proofs.inside.changes import serving
from tests.tiny import MODEL, MODEL_YAML, visits


def main(folder: Path, later: int) -> None:
    """Register, replay."""
    import pandas as pd

    from include.ratchet.adapters import open_ledger
    from include.ratchet.tasks.replay import replay

    made = serving(folder)
    for number in range(later):
        made.write(model=MODEL_YAML.replace("max_depth: 4", f"max_depth: {1 + number % 3}"))
        corrected = visits(number, 1).assign(x=float(number))
        made.deliver(f"{number}.csv", pd.concat([corrected, visits(60 + number, 1)]))
        made.ingest()
        made.run_id = f"later-{number}"
        newest = made.register(candidates=["tree"], force=True)["version"]
    found = {}
    for version in (1, 2):
        again = replay(MODEL, version)
        found[str(newest - version)] = {
            "first": again.first,
            "notes": again.notes,
            "different": again.different,
            "digests": dict(again.found),
        }
    tables = open_ledger().get_snapshot(open_ledger().recipe(MODEL, newest).content["snapshot"]).tables
    sys.stdout.write("\n" + json.dumps({"back": found, "table_versions": max(tables.values())}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
