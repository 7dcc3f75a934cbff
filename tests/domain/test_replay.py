"""What a replay found, and which stage was the first."""

from __future__ import annotations

from include.ratchet.domain.replay import STAGES, Replay, differences

SAME = {stage: stage * 3 for stage in STAGES}


def test_every_stage_was_repeated() -> None:
    """Nothing differs."""
    found = Replay("m", 1, SAME, dict(SAME))
    assert found.first is None
    assert {found.says(stage) for stage in STAGES} == {"same"}


def test_the_first_stage_that_differs_is_named() -> None:
    """What is made of it differs too; the cause is the first."""
    found = Replay("m", 1, SAME, SAME | {"trials": "x", "model": "y"})
    assert found.first == "trials"
    assert [found.says(stage) for stage in STAGES] == ["same", "same", "differs", "differs", "same"]


def test_a_stage_that_was_not_made_is_not_the_same() -> None:
    """Nothing is taken for granted."""
    found = Replay("m", 1, SAME, {stage: SAME[stage] for stage in STAGES[:-1]})
    assert (found.first, found.says("predictions")) == ("predictions", "not made")


def test_what_differs_about_a_machine_is_named() -> None:
    """Both values; what is gone, and what is new."""
    assert differences({"python": "3.11.7", "image": "a"}, {"python": "3.11.8", "xgboost": "3"}) == (
        "python: was 3.11.7, is 3.11.8",
        "image: was a, is none",
        "xgboost: was none, is 3",
    )
    assert differences({"a": "1"}, {"a": "1"}) == ()
