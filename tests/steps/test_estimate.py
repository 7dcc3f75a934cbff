"""The estimate before labels: its interval holds what comes, and it knows where it has nothing to go by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from include.ratchet.steps import estimate as estimating
from include.ratchet.steps.compare import Units
from include.ratchet.steps.estimate import Estimate, Kind, Reference, Sample, came_out


def refer(metric: str, kind: Kind, sample: Sample) -> Reference:
    """Learn a reference where there must be one."""
    found = estimating.refer(metric, kind, sample)
    assert found is not None
    return found


def estimate(reference: Reference, said: np.ndarray, units: Units) -> Estimate:
    """Estimate where there must be an estimate."""
    found = estimating.estimate(reference, said, units)
    assert found is not None
    return found


def drawn(seed: int, days: int, shift: float = 0.0, concept: float = 0.0) -> Sample:
    """Draw days of 100 rows whose scores are surer than they should be."""
    draw = np.random.default_rng([seed, days])
    x = draw.normal(shift, 1, days * 100)
    came = draw.uniform(size=len(x)) < expit((1 - concept) * 1.2 * x - 0.5)
    return Sample(expit(1.6 * (1.2 * x - 0.5)), came.astype(float), Units(np.repeat(np.arange(days), 100), serial=True))


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "neg_log_loss"])
def test_a_shift_of_inputs_is_followed(metric: str) -> None:
    """What comes is within the interval; where accuracy and loss move with the inputs by more than that, so does the estimate."""
    reference = refer(metric, "chances", drawn(0, 200))
    for shift in (-2.0, 1.0):
        window = drawn(1, 50, shift)
        found, really = estimate(reference, window.said, window.units), came_out(reference, window)
        assert abs(found.value - really) <= found.reach
        assert shift > 0 or metric == "roc_auc" or abs(came_out(reference, drawn(0, 200)) - really) > found.reach


def test_another_meaning_is_seen_from_its_labels() -> None:
    """What came lies far outside of what the error explains; without the change it does not."""
    reference = refer("roc_auc", "chances", drawn(0, 28))
    for concept, apart in ((0.0, False), (0.8, True)):
        window = drawn(2, 7, 0.0, concept)
        found = estimate(reference, window.said, window.units)
        assert (found.p_apart(came_out(reference, window)) < 0.001) is apart


def test_rows_that_resemble_each_other_widen_the_interval() -> None:
    """Days that all rows share make the same rows less sure."""
    sample = drawn(3, 40)
    shared = np.random.default_rng(0).uniform(size=40).round()[sample.units.of]
    alike = Sample(sample.said, np.where(np.arange(4000) % 3 == 0, shared, sample.came), sample.units)
    loose, tight = (refer("accuracy", "chances", each) for each in (alike, sample))
    assert loose.likeness > tight.likeness + 0.01
    assert estimate(loose, sample.said, sample.units).reach > 1.3 * estimate(tight, sample.said, sample.units).reach


@pytest.mark.parametrize(("metric", "came"), [("neg_mean_absolute_error", -2.0), ("neg_root_mean_squared_error", -2.0)])
def test_losses_are_means_and_their_roots(metric: str, came: float) -> None:
    """A loss of which half is predicted: the estimate is right, with an error, and a root is a root."""
    draw = np.random.default_rng(4)
    said = draw.uniform(0.5, 1.5, 4000)
    losses = 2 * said * (abs(came) if metric.startswith("neg_root") else 1.0) + draw.normal(size=4000) * 0.1
    sample = Sample(said, losses, Units(np.repeat(np.arange(40), 100), serial=True))
    found = estimate(refer(metric, "loss", sample), said, sample.units)
    assert found.value == pytest.approx(came, abs=0.05)
    assert 0 < found.reach < 0.2


def test_rows_where_the_reference_has_none_are_counted() -> None:
    """A score that no held-out row had is outside."""
    reference = refer("accuracy", "chances", drawn(0, 28))
    assert estimate(reference, np.array([0.5, 0.5, 1 - 1e-9]), Units(np.arange(3), serial=False)).outside == pytest.approx(1 / 3)


def test_p_values_are_one_sided_and_two_sided() -> None:
    """At 1.96 errors, with many degrees of freedom."""
    found = Estimate(0.8, 0.01, 1e6, 0.0)
    assert found.p_below(0.8196) == pytest.approx(0.025, abs=1e-4)
    assert found.p_apart(0.8196) == pytest.approx(0.05, abs=1e-4)
    assert found.reach == pytest.approx(0.0196, abs=1e-4)


def test_a_metric_of_no_answer_has_no_estimate() -> None:
    """Precision of a window in which no row is called positive is nothing, and is no crash; of held-out rows likewise."""
    sample = drawn(0, 28)
    reference = refer("precision", "chances", sample)
    none = np.full(len(sample.said), 0.1)
    assert estimating.estimate(reference, none, sample.units) is None
    assert estimating.refer("precision", "chances", Sample(none, sample.came, sample.units)) is None
