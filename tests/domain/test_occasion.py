"""What the gate must know besides the rows."""

from __future__ import annotations

from typing import Any

from include.ratchet.domain.occasion import GAIN, UNSEEN, Gain, next_wave, occasion, rows_wanted
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


def test_without_time_the_verdicts_of_a_wave_are_looks() -> None:
    """A verdict of before there were waves is of the first one; one that had a time may share any row."""
    earlier = [verdict("third", {"wave": 1}), verdict("second", {"wave": 0}), verdict("first", None)]
    assert [occasion(SPEC, RUN, earlier, {"wave": wave}).looks for wave in (0, 1, 2)] == [2, 1, 0]
    assert occasion(SPEC, RUN, [verdict("first", MARCH)], {"wave": 0}).looks == 1


def test_a_wave_ends_with_its_looks() -> None:
    """The next verdict is on the newest wave while that has a look left; one that came too late to look took none."""
    first, second, third = (verdict(str(wave), {"wave": wave}) for wave in (0, 0, 1))
    assert [next_wave(seen, 2) for seen in ([], [first], [second, first], [third, second, first])] == [0, 0, 1, 1]
    blocked = Verdict("m", 1, "b", "inconclusive", "", (RuleResult(UNSEEN, "check", "inconclusive", ""),), {"test_window": {"wave": 0}})
    assert next_wave([blocked, first], 2) == 0


def test_a_wave_waits_for_the_rows_that_show_the_smallest_gain() -> None:
    """What the neediest proof asks, in rows; no more than there were before, and no fewer than decide anything."""
    rules = tuple(RuleResult(GAIN, "proof", "fail", "", blocks=50, rows=100, needed={"smallest_gain": n}) for n in (300, 400))
    made = [Verdict("m", 1, "r", "refuse", "", rules, {"test_rows": rows}) for rows in (1000, 500)]
    assert [rows_wanted(each, 100) for each in made] == [800, 500]
    assert rows_wanted(verdict("r", None), 100) == 100


def test_gains_are_of_all_challengers_oldest_first() -> None:
    """Refused challengers count; those that were compared with nobody do not."""
    earlier = [verdict("third", MARCH, 0.02), verdict("second", MARCH, -0.01), verdict("first", MARCH)]
    assert occasion(SPEC, RUN, earlier, MARCH).gains == (Gain(-0.01, 0.01), Gain(0.02, 0.01))


def test_other_candidates_are_chosen_by_hand() -> None:
    """A run of all the spec's candidates is a retrain; of any other choice it is somebody's."""
    assert not occasion(SPEC, RUN, [], MARCH).by_hand
    two = model_spec(training__candidates=[{"name": name, "estimator": "sklearn.linear_model.LogisticRegression"} for name in ("a", "b")])
    assert occasion(two, RUN, [], MARCH).by_hand
