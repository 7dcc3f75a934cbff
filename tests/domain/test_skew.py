"""What a change is, which of them the ledger can accept, and what names the rules."""

from __future__ import annotations

import pytest

from include.ratchet.domain.skew import Change, ChangeKind, Known, SkewError, judged_by
from tests.makers import feed_spec

RENAMED = Change("renamed", "v", "w", "w: renamed from v?")


def test_a_change_is_what_was_found_not_how_it_is_told() -> None:
    """The same change in another batch, with other examples, is the one that was accepted."""
    assert Change("renamed", "v", "w", "said otherwise") in Known(frozenset({RENAMED}))
    assert Change("renamed", "v", "x") not in Known(frozenset({RENAMED}))
    assert Known(frozenset({RENAMED})).found("renamed") == {"v": "w"}


@pytest.mark.parametrize(
    ("kind", "column", "found", "barred"),
    [
        ("missing", "id", "", "change `key` or `time`"),
        ("missing", "v", "", ""),
        ("new", "w", "w", ""),
        ("renamed", "id", "ID", ""),
        ("retyped", "v", "string", "write v: string into feed.yaml"),
        ("unit", "v", "times 10", ""),
        ("key", "id", "repeated", "the new key into feed.yaml"),
        ("key", "id", "a-9", ""),
        ("encoding", "", "cp1252", ""),
        ("encoding", "", "", "damaged"),
    ],
)
def test_what_the_ledger_can_accept(kind: ChangeKind, column: str, found: str, barred: str) -> None:
    """What would change the meaning of the table or lose rows is barred, with what to do instead."""
    said = Change(kind, column, found).bars(feed_spec())
    assert (barred in said) if barred else (said == "")


def test_the_rules_are_the_spec_and_what_was_accepted() -> None:
    """Nothing accepted, and the name is the spec's own; another acceptance, another name, in any order."""
    spec, new = feed_spec(), Change("new", "w", "w")
    assert judged_by(spec, ()) == spec.digest
    assert judged_by(spec, [RENAMED, new]) == judged_by(spec, [new, RENAMED, new]) != judged_by(spec, [new])


def test_the_error_names_each_change() -> None:
    """The text shows all of them, and the error keeps them."""
    error = SkewError("f", [RENAMED, Change("new", "x", "x", "x: new")])
    assert "w: renamed from v?" in str(error)
    assert "x: new" in str(error)
    assert error.changes[0] == RENAMED
