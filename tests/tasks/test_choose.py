"""Only a blessed version is due, and only a former champion is gone back to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Freeze
from include.ratchet.tasks import choose
from tests.tasks.deploying import aliases, go, history, refused
from tests.tiny import MODEL, Project


def test_nothing_blessed_is_a_skip(landed: Project) -> None:
    """The sweep looks, and goes."""
    with pytest.raises(Skip, match="no blessed version waits"):
        go(landed, choose.choose, MODEL)


def test_the_first_blessed_version_becomes_champion(blessed: Project) -> None:
    """Ledger and alias agree, the promotion carries the verdict's digest, and there is one champion."""
    plan = blessed.promote(reason="go live")
    assert (plan["version"], plan["previous"]) == (1, None)
    (promotion,) = open_ledger().promotions(MODEL)
    assert promotion.evidence == open_ledger().verdicts(MODEL)[0].digest
    assert (promotion.who, promotion.why) == ("tester", "go live")
    assert aliases() == {"challenger": 1, "champion": 1}
    with pytest.raises(Skip, match="no blessed version waits"):
        go(blessed, choose.choose, MODEL)


def test_a_version_judged_against_another_champion_does_not_go_live(serving: Project) -> None:
    """Version 3 was compared with 1, and 2 serves now: the sweep skips and the form is refused, both saying why."""
    verdict = open_ledger().verdicts(MODEL)[0]
    assert (verdict.version, verdict.champion) == (2, 1)
    serving.promote()
    open_ledger().judge(replace(verdict, version=3, run_id="third", at=datetime.now(UTC), digest=""))
    words = "version 3 was judged against champion 1; the champion is 2 now; the next training run judges a challenger against it"
    with pytest.raises(Skip, match=words):
        go(serving, choose.choose, MODEL)
    with pytest.raises(DeployError, match=words):
        go(serving, choose.choose, MODEL, action="promote", version=3)
    with pytest.raises(DeployError, match=r"version 1 was judged against no champion; .*comes back with the action rollback"):
        go(serving, choose.choose, MODEL, action="promote", version=1)
    assert history() == [("promote", 1, None), ("promote", 2, 1)]


def test_a_version_that_was_compared_goes_before_a_newer_one_that_was_not(serving: Project) -> None:
    """Version 3 was judged against a champion that was rolled back; version 2, judged against the one of now, is chosen."""
    verdict = open_ledger().verdicts(MODEL)[0]
    open_ledger().judge(replace(verdict, version=3, champion=7, run_id="third", at=datetime.now(UTC), digest=""))
    assert go(serving, choose.choose, MODEL)["version"] == 2


def test_a_rollback_needs_no_comparison(serving: Project) -> None:
    """A former champion comes back although its blessing was given against none."""
    serving.promote()
    assert go(serving, choose.choose, MODEL, action="rollback", version=1)["version"] == 1


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("version", [3, 9])
def test_only_a_blessed_version_can_be_asked_for(serving: Project, version: int, *, frozen: bool) -> None:
    """A refused version and one that is not there are turned down, with the blessed ones named: they do not wait for a thaw either."""
    refused(serving, 3)
    if frozen:
        open_ledger().freeze(Freeze(MODEL, True, "ann", "", datetime.now(UTC)))  # noqa: FBT003
    with pytest.raises(DeployError, match=rf"version {version}: not blessed.*Blessed are 1, 2"):
        go(serving, choose.choose, MODEL, action="promote", version=version)


def test_an_old_champion_is_found_behind_many_verdicts(serving: Project) -> None:
    """Sixty refused challengers later the blessing of version 1 is still known, and can be gone back to."""
    serving.promote()
    for version in range(10, 70):
        refused(serving, version)
    plan = go(serving, choose.choose, MODEL, action="rollback")
    assert plan["version"] == 1


def test_rollback_goes_to_the_champion_before(serving: Project) -> None:
    """Without a version it is the one before; the version that was left is not promoted again by the sweep."""
    serving.promote()
    serving.promote(action="rollback", reason="complaints")
    assert history()[-1] == ("rollback", 1, 2)
    assert aliases()["champion"] == 1
    with pytest.raises(Skip, match="no blessed version waits"):
        go(serving, choose.choose, MODEL)
    with pytest.raises(DeployError, match=r"no earlier champion to roll back to that nobody rolled back from; name one of 2 by its number"):
        go(serving, choose.choose, MODEL, action="rollback")
    assert go(serving, choose.choose, MODEL, action="rollback", version=2)["version"] == 2


@pytest.mark.parametrize(
    ("version", "words"),
    [(2, "was never champion; a rollback goes to one of 1"), (0, "version 0: was never champion"), (None, "no earlier champion")],
)
def test_rollback_goes_nowhere_else(serving: Project, version: int | None, words: str) -> None:
    """A blessed version that never served is no way back, and the first champion has none before it."""
    with pytest.raises(DeployError, match=words):
        go(serving, choose.choose, MODEL, action="rollback", version=version)


def test_asking_for_what_serves_is_a_skip(serving: Project) -> None:
    """Nothing is to be done, and it says so."""
    with pytest.raises(Skip, match="version 1 serves already"):
        go(serving, choose.choose, MODEL, action="promote", version=1)
