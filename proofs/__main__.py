"""`python -m proofs`: do what is not proved yet of this code; write proofs/TABLE.md. Stop and start it as you like."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from proofs import book, table
from proofs.canary_looks import CANARY_LOOKS
from proofs.changeover import CHANGEOVER
from proofs.demo_ten import DEMO_TEN
from proofs.drift_found import DRIFT_FOUND
from proofs.drift_null import DRIFT_NULL
from proofs.fuzz import FUZZ
from proofs.gate_claims import GATE_CLAIMS
from proofs.gate_null import GATE_NULL
from proofs.gate_power import GATE_POWER
from proofs.gate_worse import GATE_WORSE
from proofs.kills import KILLS
from proofs.labels import LABELS
from proofs.promotions import PROMOTIONS
from proofs.replays import REPLAYS
from proofs.schedulers import SCHEDULERS
from proofs.signals import SIGNALS_PROOF

PROOFS = (
    GATE_NULL,
    GATE_POWER,
    GATE_WORSE,
    GATE_CLAIMS,
    KILLS,
    FUZZ,
    PROMOTIONS,
    REPLAYS,
    DRIFT_NULL,
    DRIFT_FOUND,
    LABELS,
    SIGNALS_PROOF,
    CANARY_LOOKS,
    SCHEDULERS,
    CHANGEOVER,
    DEMO_TEN,
)


def main() -> int:
    """Return 0 when every proof asked for is finished and holds."""
    names = [each.name for each in PROOFS]
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="proofs to do")
    parser.add_argument("--parts", type=int, help="do at most this many parts of each")
    asked = parser.parse_args()
    console = Console(highlight=False)
    chosen = [each for each in PROOFS if each.name in asked.only]
    try:
        for each in chosen:
            book.run(each, asked.parts, tell=console.print)
    except KeyboardInterrupt:
        console.print("stopped; what is done is kept")
    pages = [book.read(each) for each in PROOFS]
    table.FILE.write_text(table.markdown(pages), encoding="utf-8")
    console.print(table.FILE.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
    return 0 if all(page.done and page.verdict[0] for page in pages if page.proof.name in asked.only) else 1


if __name__ == "__main__":
    sys.exit(main())
