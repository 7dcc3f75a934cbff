"""Many changes of champion from several processes, one of them killed: always one champion, and a history that fits."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.specs import PROJECT
from tests.contract.promoting import MODEL, VERSIONS, bless_all

CHANGES = 20
"""Of two processes together; `python -m proofs` does 200."""


def fight(url: str, changes: int) -> tuple[list[int], list[list[str]]]:
    """Let two processes change the champion, and kill a third in the middle; return the champions seen and what the two said."""
    ledger = Ledger(url)
    bless_all(ledger)
    command = [sys.executable, "-m", "tests.contract.promoting", url]
    counts = (changes // 2, changes // 2, 10**6)
    fighters = [
        subprocess.Popen([*command, str(count), str(seed)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        for seed, count in enumerate(counts)
    ]
    seen: list[int] = []
    try:
        while any(each.poll() is None for each in fighters[:2]):
            champion = ledger.champion(MODEL)
            assert champion is not None
            seen.append(champion)
            if len(ledger.promotions(MODEL)) > changes // 2:
                fighters[2].kill()
            time.sleep(0.002)
    finally:
        for each in fighters:
            each.kill()
    return seen, [each.communicate(timeout=60)[0].split() for each in fighters]


def faults(ledger: Ledger, least: int) -> list[str]:
    """Say what is wrong with the history."""
    history = list(reversed(ledger.promotions(MODEL)))
    wrong = [fault for each in ledger.audit() for fault in each.faults]
    wrong += [] if [each.sequence for each in history] == list(range(1, len(history) + 1)) else ["numbers are missing"]
    wrong += [f"#{after.sequence} replaced {after.previous}" for before, after in pairwise(history) if after.previous != before.version]
    return wrong + ([] if len(history) >= least else [f"only {len(history)} promotions"])


def test_never_zero_and_never_two(url: str) -> None:
    """Each change replaces the champion that it names; who was too late is told; the killed one leaves nothing half done."""
    seen, said = fight(url, CHANGES)
    assert set(seen) <= set(VERSIONS)
    assert [int(won) for won, _ in said[:2]] == [CHANGES // 2] * 2
    assert said[2] == []
    assert faults(Ledger(url), CHANGES + 1) == []
