"""Which version served when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from include.ratchet.domain.records import Promotion
from include.ratchet.domain.reigns import Confirmation, Reign, reigns, serving_at

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def minute(number: float) -> datetime:
    """Return a time."""
    return BEGIN + timedelta(minutes=number)


def promoted(*versions: int) -> list[Promotion]:
    """Promote versions, ten minutes apart."""
    return [
        Promotion("m", version, versions[n - 1] if n else None, "promote", "me", "w", "e", minute(10 * n), n + 1)
        for n, version in enumerate(versions)
    ]


def confirmed(worker: str, *minutes: float) -> list[Confirmation]:
    """Confirm the first promotion, the second, ... at some minutes."""
    return [Confirmation("m", number, worker, minute(at)) for number, at in enumerate(minutes, start=1)]


def right(history: list[Reign], at: float) -> list[int]:
    """Return the versions that may have answered."""
    return [each.promotion.version for each in serving_at(history, minute(at))]


def test_before_the_first_promotion_there_is_no_reign() -> None:
    """A model that never served has no champion at any time."""
    assert reigns([], []) == []
    assert right([], 5) == []


def test_without_a_service_it_holds_from_when_it_was_recorded() -> None:
    """Scoring in batch reads the ledger itself; the one before ends where the next begins."""
    history = reigns(promoted(1, 2), [])
    assert [(each.valid_from, each.valid_to, each.confirmed_by) for each in history] == [(minute(0), minute(10), 0), (minute(10), None, 0)]
    assert [right(history, at) for at in (-1, 0, 9.9, 10, 99)] == [[], [1], [1], [2], [2]]


def test_it_holds_when_the_last_worker_followed() -> None:
    """Inside the changeover either version is right; outside only one."""
    history = reigns(promoted(1, 2), [*confirmed("a", 0.1, 10.2), *confirmed("b", 0.2, 10.5)])
    assert history[1].valid_from == minute(10.5)
    assert history[1].confirmed_by == 2
    assert [right(history, at) for at in (9.9, 10, 10.4, 10.5)] == [[1], [1, 2], [1, 2], [2]]


def test_a_worker_that_came_later_changes_nothing_of_before() -> None:
    """A restart next week confirms the champion that it finds: that champion has served all along."""
    history = reigns(promoted(1, 2), [*confirmed("a", 0.1, 10.2), Confirmation("m", 2, "late", minute(500))])
    assert history[1].valid_from == minute(10.2)


def test_a_worker_that_began_before_counts_for_its_first_promotion() -> None:
    """Where it is known since when a worker is there, its first confirmation is a following too."""
    history = reigns(promoted(1), [Confirmation("m", 1, "a", minute(1), minute(-5)), Confirmation("m", 1, "b", minute(2), minute(-5))])
    assert history[0].valid_from == minute(2)


def test_the_first_to_serve_counts_when_nobody_was_there() -> None:
    """The service started after the promotion: nobody served it before the first worker did."""
    history = reigns(promoted(1), [Confirmation("m", 1, "a", minute(3)), Confirmation("m", 1, "b", minute(7))])
    assert history[0].valid_from == minute(3)


def test_a_worker_that_died_holds_nothing_up() -> None:
    """It answers nobody any more."""
    assert reigns(promoted(1, 2), [*confirmed("a", 0.1, 10.2), *confirmed("dead", 0.2)])[1].valid_from == minute(10.2)


def test_a_worker_may_skip_a_promotion() -> None:
    """Two promotions between its looks: until it follows, the first, the second and the third may each have answered."""
    skipping = [Confirmation("m", 1, "b", minute(0.1)), Confirmation("m", 3, "b", minute(22))]
    history = reigns(promoted(1, 2, 3), [*confirmed("a", 0.1, 10.2, 20.2), *skipping])
    assert [each.valid_from for each in history] == [minute(0.1), minute(22), minute(22)]
    assert right(history, 15) == [1, 2]
    assert right(history, 21) == [1, 2, 3]
    assert right(history, 22) == [3]


def test_back_to_a_former_version() -> None:
    """A rollback is a reign of its own."""
    history = reigns(promoted(1, 2, 1), [])
    assert [right(history, at) for at in (5, 15, 25)] == [[1], [2], [1]]
