"""What two schedulers are told, and what breaks the claim; the whole of it is a proof, and takes minutes."""

from __future__ import annotations

from collections import Counter

from proofs import schedulers
from proofs.inside import schedulers as inside


def test_the_signals_are_of_all_kinds_and_the_same_every_time() -> None:
    """Each has a key of its own; the keys of those by hand are those that the arbiter makes of the run's id."""
    made = inside.signals(0, schedulers.SIGNALS)
    assert set(Counter(each.kind for each in made)) == set(inside.KINDS)
    assert len({each.key for each in made}) == schedulers.SIGNALS
    assert all(each.key.startswith("manual:manual__") for each in made if each.kind == "manual")
    assert [each.key for each in made] == [each.key for each in inside.signals(0, schedulers.SIGNALS)]


def test_one_signal_too_few_or_too_many_breaks_the_claim() -> None:
    """A fault, a signal that is not held or not answered, or kills that never struck."""
    part = {"sent": 10, "held": 10, "again": 2, "runs": 3, "by_hand": 1, "allowed": 6, "woken": 9, "kills": 3, "faults": []}
    part |= {"totals": {"started": 3, "coalesced": 7}}
    holds, said = schedulers.judge([part])
    assert holds
    assert "10 signals sent, 2 of them again, 10 held: 7 coalesced, 3 started; 9 runs of the DAG, of which 3 trained" in said
    breaking: tuple[dict[str, object], ...] = ({"held": 9}, {"totals": {"started": 3}}, {"faults": ["lost: a"]}, {"kills": 0})
    for bad in breaking:
        assert not schedulers.judge([part | bad])[0]
