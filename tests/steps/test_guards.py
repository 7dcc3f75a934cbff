"""Guards: what they show, what they cannot, and how seldom they refuse a healthy challenger."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from include.ratchet.domain.gate import Checked, Measured, decide
from include.ratchet.steps.guards import calibration, guards
from tests.steps.worlds import bench_of, said, spec_of

SEGMENTS = {"gate__segments": {"margin": 0.08}}
MANY = {"big": 0.6, "mid": 0.37, "s1": 0.01, "s2": 0.01, "s3": 0.01}


def named(found: list[Measured]) -> dict[str, Measured]:
    """Return guards by their rule."""
    return {each.rule: each for each in found}


def test_small_segments_are_judged_together() -> None:
    """Segments in which the margin cannot be seen with 80 % power form "other", which names them; the big ones stand alone."""
    found = named(guards(bench_of(spec_of(**SEGMENTS), sizes=MANY)))
    assert found["segment c=(other)"].about == "c=s1, c=s2, c=s3"
    assert "judged in c=(other) too" in found["segment c=s1"].about
    assert found["segment c=big"].about == ""
    assert found["segment c=(other)"].rows == sum(found[f"segment c=s{i}"].rows for i in (1, 2, 3))


def test_one_ruined_segment_is_found_while_the_mean_is_fine() -> None:
    """A loss of 40 points in one segment is shown, in a big one and in one that is too small for the margin."""
    for name in ("mid", "s2"):
        sizes = {"big": 0.6, "mid": 0.3, "s1": 0.04, "s2": 0.06}
        found = guards(bench_of(spec_of(gate__segments={"margin": 0.05}), {name: 0.5}, sizes))
        assert (named(found)[f"segment c={name}"].p_below or 1) < 0.05 / len(found)


def test_every_guard_says_what_it_would_have_caught() -> None:
    """The detectable loss is beyond the margin, at the level of Holm's first step; smaller where there are more rows."""
    found = named(guards(bench_of(spec_of(**SEGMENTS), sizes=MANY)))
    caught = {name: each.detectable for name, each in found.items()}
    assert all(each is not None and each < -0.08 for each in caught.values())
    assert (caught["segment c=big"] or 0) > (caught["segment c=s1"] or 0)
    assert found["segment c=big"].alpha == pytest.approx(0.05 / sum(each.p_below is not None for each in found.values()))


@pytest.mark.parametrize(("name", "said"), [("s1", "needs about"), ("nowhere", "it has none of them")])
def test_a_required_segment_without_power_is_in_doubt(name: str, said: str) -> None:
    """It is not pooled; the doubt says what it could show, or that it has no rows."""
    spec = spec_of(gate__segments={"margin": 0.08, "required": [f"c={name}"]})
    found = named(guards(bench_of(spec, sizes=MANY)))
    assert said in found[f"segment c={name}"].doubt
    assert "c=s1" not in found["segment c=(other)"].about or name != "s1"


def test_a_gap_between_groups() -> None:
    """The two groups furthest apart are named; a gap of 0.3 is shown against 0.1 and not against 0.35."""
    shown = []
    for most in (0.1, 0.35):
        spec = spec_of(gate__fairness={"by": "c", "measure": "true_positive_rate", "max_gap": most})
        found = named(guards(bench_of(spec, {"b": 0.3})))["fairness gap"]
        shown.append((found.p_below or 0) < 0.05)
        assert found.about == "c=a and c=b"
        assert found.estimate == pytest.approx(-0.3, abs=0.06)
    assert shown == [True, False]


def test_many_small_groups_have_no_gap_by_chance() -> None:
    """Of sixteen equal groups the furthest two are some points apart by chance: pooled and corrected, that is no gap."""
    sizes = {"big": 0.7} | {f"s{i}": 0.02 for i in range(15)}
    spec = spec_of(gate__fairness={"by": "c", "measure": "true_positive_rate", "max_gap": 0.1})
    refused = sum((named(guards(bench_of(spec, sizes=sizes, seed=seed)))["fairness gap"].p_below or 1) <= 0.05 for seed in range(40))
    assert refused <= binom.ppf(0.999, 40, 0.05)


def test_calibration_is_not_miscalled_by_chance() -> None:
    """Right scores have an error of nearly nothing once what chance makes is taken off; wrong ones the error they have."""
    found = [calibration(bench_of(spec_of(), seed=seed)).whole for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.0, abs=0.006)
    off = bench_of(spec_of())
    off.answers["challenger"] = said(np.clip(off.answers["challenger"].score + 0.15, 0, 1))
    assert calibration(off).whole == pytest.approx(-0.15, abs=0.02)


def test_flips_are_the_share_of_changed_decisions() -> None:
    """Two independent models that are right on 80 % differ on 32 %."""
    found = named(guards(bench_of(spec_of(gate__flips={"max_rate": 0.2}))))["flips"]
    assert found.estimate == pytest.approx(-0.32, abs=0.03)
    assert (found.null, found.margin) == (-0.2, 0.2)
    assert (found.p_below or 1) < 0.001


def test_no_guard_is_measured_that_is_not_asked_for() -> None:
    """An empty spec has no guards."""
    assert guards(bench_of(spec_of())) == []


def test_healthy_challengers_are_refused_by_guards_at_most_at_alpha() -> None:
    """Of 150 challengers equal to the champion in all 20 segments at most the 0.1 % binomial limit for 5 % are refused."""
    sizes = {"big": 0.62} | {f"s{i}": 0.02 for i in range(19)}
    checks, refused = [Checked("size", ok=True, sentence="")], 0
    for seed in range(150):
        changes = {"gate__segments": {"margin": 0.02}, "gate__calibration": {"max_error": 0.03}, "gate__flips": {"max_rate": 0.35}}
        found = guards(bench_of(spec_of(**changes), sizes=sizes, seed=seed))
        refused += any(each.result == "fail" for each in decide([], found, checks, 0.05, 0.05).rules)
    assert refused <= binom.ppf(0.999, 150, 0.05)
