"""What the drill says of a fault: refused by its rule, by another, by none; not guarded; or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.domain.gate import Checked, Decision, Measured, decide
from include.ratchet.faults.fault import Fault, Shown, Stop, refusal, shown, tried
from tests.makers import model_spec

GOOD = Measured("business accuracy", 0.9, 0.5, 0.8, 1.0, 0.05, 0.001, 0.999, blocks=28)


class NoBed:
    """All that `tried` itself asks of a bed."""

    spec = model_spec()


def judged(*checks: Checked) -> Decision:
    """Decide on a good proof and some checks."""
    return decide([GOOD], [], checks, 0.05, 0.05)


def plant(*checks: Checked, needs: str = "", honest: Shown | None = None) -> tuple[str, str]:
    """Try a fault whose rule is `size` on what the gate then says."""
    fault = Fault("f", "size", lambda _: shown(judged(*checks)), lambda _: needs)
    bed: Any = NoBed()
    found = tried(fault, bed, honest or Shown(()))
    assert found.refused == (found.result == "refused")
    return found.result, found.said


LARGE = Checked("size", ok=False, sentence="large")
SMALL = Checked("size", ok=True, sentence="small")
LATE = Checked("latency", ok=False, sentence="late")


def test_only_its_own_rule_refuses_a_fault() -> None:
    """Another rule's refusal does not count, and is named with what the own rule said."""
    assert plant(LARGE) == ("refused", "large")
    assert plant(LARGE, LATE) == ("refused", "large")
    assert plant(SMALL, LATE) == ("other rule", "latency stopped it; of its own: small")
    assert plant(SMALL) == ("not caught", "small")
    assert plant() == ("not caught", "its rule was not applied")


def test_a_missing_key_is_said_before_anything_is_planted() -> None:
    """What the configuration does not guard against is no failure of the gate."""
    assert plant(LARGE, needs="gate.flips") == ("not guarded", "gate.flips")


def test_a_rule_that_stops_the_honest_one_says_nothing() -> None:
    """Refusing everybody is not catching a fault."""
    result, said = plant(LARGE, honest=Shown((Stop("size", "large too"),)))
    assert result == "no answer"
    assert "large too" in said


def test_doubt_and_a_missing_bound_stop_too() -> None:
    """What is not promoted was stopped: an inconclusive rule, or that no business bound was measured."""
    doubt = decide([GOOD], [], [Checked("unseen test rows", ok=None, sentence="seen")], 0.05, 0.05)
    assert [each.rule for each in shown(doubt).stops] == ["unseen test rows"]
    assert [each.rule for each in shown(decide([], [], [SMALL], 0.05, 0.05)).stops] == ["business"]
    assert shown(judged(SMALL)).stops == ()


def test_a_refusal_is_an_error_of_the_kind_that_was_named() -> None:
    """What raises nothing got through; another error is a fault of the drill, and is not swallowed."""

    def raises(error: Exception | None) -> Shown:
        def attempt(_: Any) -> None:
            if error:
                raise error

        return refusal(attempt, "rule", ValueError)(NoBed())  # type: ignore[arg-type]

    assert raises(ValueError("no\n  good")).stops == (Stop("rule", "no good"),)
    assert raises(None).stops == ()
    with pytest.raises(KeyError):
        raises(KeyError("other"))
