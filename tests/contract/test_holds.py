"""Freezes and agreements, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.records import Agreement, Freeze

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_newest_word_says_whether_it_is_frozen(url: str) -> None:
    """Of one model, not of another; a thaw ends it, and both stay on record."""
    ledger = Ledger(url)
    first = Freeze("m", True, "ann", "holidays", AT)  # noqa: FBT003
    ledger.freeze(first)
    assert (ledger.frozen("m"), ledger.frozen("other")) == (first, None)
    ledger.freeze(Freeze("m", False, "bob", "back", AT))  # noqa: FBT003
    assert ledger.frozen("m") is None


def test_an_agreement_is_about_one_verdict_and_one_dossier(url: str) -> None:
    """The newest answer counts; another dossier has none."""
    ledger = Ledger(url)
    no = Agreement("m", 1, "v" * 64, "d" * 64, False, "ann", "", AT)  # noqa: FBT003
    yes = Agreement("m", 1, "v" * 64, "d" * 64, True, "bob", "looked", AT)  # noqa: FBT003
    ledger.agree(no)
    ledger.agree(yes)
    assert ledger.agreement("v" * 64, "d" * 64) == yes
    assert ledger.agreement("v" * 64, "e" * 64) is None
