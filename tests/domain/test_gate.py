"""The gate: each kind of rule, each outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ratchet.domain.gate import FEWEST_BLOCKS, Checked, Decision, Measured, decide

SHOWN = Measured("business auc", 0.7, 0.6, 0.65, 0.75, 0.03, 0.001, 0.999, 28)
OPEN = replace(SHOWN, p_above=0.2, p_below=0.8)
BELOW = replace(SHOWN, estimate=0.5, p_above=0.99, p_below=0.01)
GOOD = Checked("size", ok=True, sentence="small")


def guard(rule: str, p_below: float | None, estimate: float | None = -0.1) -> Measured:
    """Make a guard's measurement."""
    return Measured(rule, estimate, -0.02, p_below=p_below, p_above=None if p_below is None else 1 - p_below, blocks=28)


def gate(*proofs: Measured, guards: tuple[Measured, ...] = (), checks: tuple[Checked, ...] = (GOOD,)) -> Decision:
    """Decide at the usual levels."""
    return decide(proofs, guards, checks, 0.05, 0.05)


def test_promotes_when_everything_is_shown() -> None:
    """All proofs shown, no harm shown, all checks good: promote, and the sentence counts the rules."""
    made = gate(SHOWN, replace(SHOWN, rule="gain over the champion"), guards=(guard("segment a=1", 0.5),))
    assert made.outcome == "promote"
    assert made.sentence == "Promote: all 4 rules passed."
    assert [r.kind for r in made.rules] == ["proof", "proof", "guard", "check"]
    assert [r.bound for r in made.rules] == [0.6, 0.6, -0.02, None]


def test_a_proof_shown_below_refuses() -> None:
    """A challenger that is shown worse than asked is refused, with the figures."""
    made = gate(SHOWN, replace(BELOW, rule="gain over the champion"))
    assert made.outcome == "refuse"
    assert made.sentence.startswith("Refused: gain over the champion is 0.5 [0.65, 0.75], shown below 0.6")


def test_a_proof_not_shown_is_inconclusive_and_says_what_it_needs() -> None:
    """Doubt keeps the champion, and the sentence says how many more blocks would settle a real gain."""
    made = gate(OPEN)
    assert made.outcome == "inconclusive"
    assert "not shown above 0.6" in made.sentence
    assert "more blocks" not in made.sentence
    small = gate(replace(OPEN, estimate=0.61, rows=2800, needed={"smallest_gain": 90, "observed": 68}))
    assert "needs about 40 more blocks (4,000 rows) to show it with 80 % power" in small.sentence
    worse = gate(replace(OPEN, estimate=0.59, needed={"smallest_gain": 90}))
    assert "needs about 62 more blocks to show the smallest gain with 80 % power" in worse.sentence


def test_a_metric_that_cannot_be_measured_is_inconclusive() -> None:
    """A missing figure never passes."""
    assert gate(Measured("business auc", None, 0.6)).outcome == "inconclusive"
    assert gate(Measured("business auc", 0.9, 0.6, blocks=28)).outcome == "inconclusive"


def test_too_few_blocks_are_inconclusive_however_good() -> None:
    """Below the fewest blocks even a p-value of 0.001 decides nothing; with one more it does."""
    few = gate(replace(SHOWN, blocks=FEWEST_BLOCKS - 1))
    assert (few.outcome, "on 19 blocks; needs 20, which is 1 more" in few.sentence) == ("inconclusive", True)
    assert gate(replace(SHOWN, blocks=FEWEST_BLOCKS)).outcome == "promote"


@pytest.mark.parametrize("proofs", [(), (replace(SHOWN, rule="gain over the champion"),)])
def test_no_business_bound_is_refused(proofs: tuple[Measured, ...]) -> None:
    """Whatever else is shown, a challenger that was not held to a business bound is refused."""
    made = gate(*proofs)
    assert (made.outcome, made.sentence) == ("refuse", "Refused: no business bound was measured.")


def test_a_failed_check_refuses() -> None:
    """A deterministic finding needs no p-value."""
    made = gate(SHOWN, checks=(Checked("latency", ok=False, sentence="p99 of one row is 90 ms; allowed are 50"),))
    assert made.sentence == "Refused: p99 of one row is 90 ms; allowed are 50"


def test_failure_goes_before_doubt() -> None:
    """A challenger that fails one rule is refused, however many others are open."""
    assert gate(OPEN, checks=(Checked("size", ok=False, sentence="big"),)).outcome == "refuse"


def test_holm_against_the_hand() -> None:
    """Of p = 0.01, 0.02, 0.03, 0.6 at 0.05, Holm's bounds are 0.0125, 0.0167, 0.025, 0.05: only the first is shown."""
    ps = {"a": 0.02, "b": 0.6, "c": 0.01, "d": 0.03}
    made = gate(SHOWN, guards=tuple(guard(name, p) for name, p in ps.items()))
    assert {r.rule: r.result for r in made.rules if r.kind == "guard"} == {"a": "pass", "b": "pass", "c": "fail", "d": "pass"}
    assert made.outcome == "refuse"


def test_holm_steps_down() -> None:
    """Once the smallest is shown, the next is held to a weaker bound: 0.02 fails beside 0.001 and not alone with 0.04."""
    beside = gate(SHOWN, guards=(guard("a", 0.001), guard("b", 0.02), guard("c", 0.6)))
    assert [r.result for r in beside.rules if r.kind == "guard"] == ["fail", "fail", "pass"]
    without = gate(SHOWN, guards=(guard("a", 0.04), guard("b", 0.02), guard("c", 0.6)))
    assert [r.result for r in without.rules if r.kind == "guard"] == ["pass", "pass", "pass"]


def test_a_guard_that_cannot_be_measured_shows_no_harm() -> None:
    """A segment of too few rows neither refuses nor takes part in Holm's correction."""
    made = gate(SHOWN, guards=(guard("tiny", None, None), guard("a", 0.04)))
    assert [r.result for r in made.rules if r.kind == "guard"] == ["pass", "fail"]


def test_a_guard_without_a_p_value_says_so() -> None:
    """A figure whose error is undefined on these rows passes, and does not claim that no harm is shown."""
    made = gate(SHOWN, guards=(guard("segment a=1", None), guard("segment a=2", 0.5)))
    passed = [(r.result, r.sentence) for r in made.rules if r.kind == "guard"]
    assert passed == [
        ("pass", "segment a=1 is -0.1; harm is not measurable on these rows (28 blocks)"),
        ("pass", "segment a=2 is -0.1, no harm shown"),
    ]


def test_a_required_guard_in_doubt_is_inconclusive() -> None:
    """What must be guarded and cannot be keeps the champion, and says why; shown harm still refuses."""
    doubt = replace(guard("segment a=1", 0.5), doubt="required segment a=1 cannot be judged")
    made = gate(SHOWN, guards=(doubt,))
    assert (made.outcome, made.sentence) == ("inconclusive", "Inconclusive, the champion stays: required segment a=1 cannot be judged")
    assert gate(SHOWN, guards=(replace(doubt, p_below=0.001),)).outcome == "refuse"


def test_a_check_that_cannot_say_yet_is_inconclusive() -> None:
    """Neither good nor bad: the champion stays."""
    assert gate(SHOWN, checks=(Checked("unseen test rows", ok=None, sentence="seen"),)).outcome == "inconclusive"


def test_a_guard_says_what_it_would_have_caught() -> None:
    """The loss with 80 % power stands in the sentence and in the record."""
    made = gate(SHOWN, guards=(replace(guard("a", 0.5), detectable=-0.07),))
    assert made.rules[1].sentence == "a is -0.1, no harm shown; -0.07 would be seen with 80 % power"
    assert made.rules[1].detectable == -0.07


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_guards_never_refuse_more_than_uncorrected_ones(ps: list[float]) -> None:
    """Holm shows no harm that a single test at the same level would not, and all that Bonferroni would."""
    made = gate(SHOWN, guards=tuple(guard(str(i), p) for i, p in enumerate(ps)))
    failed = {int(r.rule) for r in made.rules if r.kind == "guard" and r.result == "fail"}
    assert {i for i, p in enumerate(ps) if p <= 0.05 / len(ps)} <= failed <= {i for i, p in enumerate(ps) if p <= 0.05}
