"""Change the champion at random: `python -m tests.contract.promoting URL COUNT SEED`; prints how often it won and lost.

Several of these at once fight for the same model; each wins COUNT times, and is told whenever another was faster.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Promotion, RuleResult, Verdict

MODEL, VERSIONS = "m", (1, 2, 3, 4)


def bless_all(ledger: Ledger) -> None:
    """Bless the versions, and make the first one champion."""
    rules = (RuleResult("r", "check", "pass", "fine"),)
    for version in VERSIONS:
        ledger.judge(Verdict(MODEL, version, f"r{version}", "promote", "yes", rules, {}, None, datetime.now(UTC)))
    verdict = ledger.blessing(MODEL, 1)
    assert verdict
    ledger.promote(Promotion(MODEL, 1, None, "promote", "test", "first", verdict.digest, datetime.now(UTC)))


def main(url: str, count: int, seed: int) -> None:
    """Promote and roll back until it has won so often."""
    ledger, draw, won, lost = Ledger(url), random.Random(seed), 0, 0  # noqa: S311 - a seeded draw is what is wanted
    while won < count:
        history = ledger.promotions(MODEL)
        champion = history[0].version
        to = draw.choice([version for version in VERSIONS if version != champion])
        action = "rollback" if to in {each.version for each in history} else "promote"
        verdict = ledger.blessing(MODEL, to)
        assert verdict
        try:
            ledger.promote(Promotion(MODEL, to, champion, action, str(seed), "random", verdict.digest, datetime.now(UTC)))  # type: ignore[arg-type]
            won += 1
        except LedgerError as error:
            assert "the champion is version" in str(error)  # noqa: PT017 - it is told who won
            lost += 1
    sys.stdout.write(f"{won} {lost}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
