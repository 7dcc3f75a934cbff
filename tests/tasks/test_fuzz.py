"""Law 1 for batches that nobody thought of, from fixed seeds; the full count is a proof (proofs/fuzz.py)."""

from __future__ import annotations

import io
import json
from collections import Counter

import pytest
import yaml

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.steps.decode import decode
from include.ratchet.steps.validate import sort_rows
from proofs import fuzz
from proofs.batches import STRICT, fuzzed

SPEC = FeedSpec.model_validate(yaml.safe_load(STRICT))


@pytest.mark.slow
def test_a_hundred_fuzzed_batches_are_clean_quarantined_or_stopped() -> None:
    """As multisets, the rows that came are the good and the bad ones of each batch that did not stop; of both there are many."""
    ways: Counter[str] = Counter()
    for number in range(100):
        made = fuzzed(2013, number, number)
        try:
            found = sort_rows(decode(io.BytesIO(made.content), SPEC, "csv"), SPEC, "sha")
        except QualityError:
            ways["stopped"] += 1
            continue
        bad = [json.loads(each) for each in found.quarantined().read_all()["original"].to_pylist()]
        good = found.clean().read_all()["token"].to_pylist()
        assert Counter(good) + Counter(each["token"] for each in bad) == Counter(t for _, t in made.rows)
        ways["quarantined" if bad else "clean"] += 1
    assert min(ways.values()) >= 10
    assert ways.total() == 100


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_a_repair_leaves_no_trace() -> None:
    """Fuzzed batches, killed at 20 random lines and run again; then the rules are mended, and the table is the unbroken one."""
    found = fuzz.run(7, batches=10, kills=20)
    holds, said = fuzz.judge([found])
    assert holds, said
    assert found["struck"] >= 12
    assert found["quarantined"] >= 3
