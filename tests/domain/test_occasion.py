"""What the gate must know besides the rows."""

from __future__ import annotations

from typing import Any

from include.ratchet.domain.occasion import GAIN, UNSEEN, Gain, occasion
from include.ratchet.domain.records import RuleResult, Verdict
from tests.makers import model_spec

SPEC = model_spec()
RUN = {"run_id": "now", "candidates": ["a"]}
MARCH = {"first": "2013-03-01T00:00:00+00:00", "last": "2013-03-28T23:00:00+00:00"}
APRIL = {"first": "2013-04-01T00:00:00+00:00", "last": "2013-04-28T23:00:00+00:00"}


def verdict(run: str, window: Any, gain: float | None = None) -> Verdict:
    """Make an earlier verdict on some test rows."""
    rules = (RuleResult(GAIN, "proof", "fail", "", gain, error=0.01),)
    return Verdict("m", 1, run, "refuse", "", rules, {"test_window": window})


def test_only_verdicts_that_share_a_row_are_looks() -> None:
    """Another month does not count, the same month does, and this run's own verdict does not."""
    earlier = [verdict("now", MARCH), verdict("second", MARCH), verdict("first", APRIL)]
    assert occasion(SPEC, RUN, earlier, MARCH).looks == 1
    touching = {"first": MARCH["last"], "last": APRIL["first"]}
    assert occasion(SPEC, RUN, earlier, touching).looks == 2


def test_a_verdict_that_came_too_late_to_look_is_no_look() -> None:
    """It could not promote and spent no alpha: counted, each blocked run would block the next one for ever."""
    blocked = Verdict("m", 1, "first", "inconclusive", "", (RuleResult(UNSEEN, "check", "inconclusive", ""),), {"test_window": MARCH})
    assert occasion(SPEC, RUN, [blocked], MARCH).looks == 0


def test_without_time_every_verdict_is_a_look() -> None:
    """Test rows that are drawn by a hash stay test rows, so that each earlier verdict saw some of them."""
    assert occasion(SPEC, RUN, [verdict("first", None), verdict("second", None)], None).looks == 2


def test_gains_are_of_all_challengers_oldest_first() -> None:
    """Refused challengers count; those that were compared with nobody do not."""
    earlier = [verdict("third", MARCH, 0.02), verdict("second", MARCH, -0.01), verdict("first", MARCH)]
    assert occasion(SPEC, RUN, earlier, MARCH).gains == (Gain(-0.01, 0.01), Gain(0.02, 0.01))


def test_other_candidates_are_chosen_by_hand() -> None:
    """A run of all the spec's candidates is a retrain; of any other choice it is somebody's."""
    assert not occasion(SPEC, RUN, [], MARCH).by_hand
    two = model_spec(training__candidates=[{"name": name, "estimator": "sklearn.linear_model.LogisticRegression"} for name in ("a", "b")])
    assert occasion(two, RUN, [], MARCH).by_hand
