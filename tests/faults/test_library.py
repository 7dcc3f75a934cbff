"""The drill: every fault is refused by the rule that was named for it, and every rule is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.faults import data, models
from include.ratchet.faults.bed import Bed, make
from include.ratchet.faults.fault import Shown
from include.ratchet.faults.library import FAULTS, control, drill
from include.ratchet.faults.synthetic import synthetic
from tests.makers import mlflow_database

SEGMENTS = {"segments": {"margin": 0.05}}
GUARDS: dict[str, dict[str, Any]] = {
    "calibration": {"calibration": {"max_error": 0.08}},
    "fairness gap": {"fairness": {"by": "origin", "measure": "positive_rate", "max_gap": 0.2}},
    "flips": {"flips": {"max_rate": 0.3}},
    "behaviour": {"behaviour": [{"change": {"temp": 0.01}, "expect": "invariant", "max_rate": 0.2}]},
}
PROCESSES = ("crash at load", "crash on an unseen category")
"""Faults that start a fresh process, 2 s each: planted in one model only."""
NESTED = {"gain over the baseline": ("gain over one feature",)}
"""What is no better than the trivial model is no better than one feature either: the two stand together."""
NAMED = sorted({fault.rule for fault in (*data.FAULTS, *models.FAULTS)} - {"the judge's own error"})


def bed(name: str, folder: Path, *, guarded: bool) -> Bed:
    """Make the bed of a bundled model, with every guard that its task allows."""
    spec = specs.model(name)
    content = spec.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    if guarded:
        content["gate"] |= {key: value for guard in GUARDS.values() for key, value in guard.items()}
    rows, window = synthetic(spec)
    return make(ModelSpec.model_validate(content), rows, window, folder)


@pytest.fixture(scope="session")
def delay(tmp_path_factory: pytest.TempPathFactory) -> Bed:
    """Return flight_delay with every guard, and a registry to throw away."""
    folder = tmp_path_factory.mktemp("drill")
    mlflow_database(folder)
    return bed("flight_delay", folder, guarded=True)


@pytest.fixture(scope="session")
def honest(delay: Bed) -> Shown:
    """Return what the gate says of the honest challenger."""
    return control(delay)


@pytest.fixture(scope="session")
def met(delay: Bed) -> dict[str, Shown]:
    """Plant every fault once."""
    return {fault.name: fault.plant(delay) for fault in FAULTS}


def test_an_honest_challenger_is_stopped_by_nothing(honest: Shown) -> None:
    """Otherwise the drill would show that the gate refuses, and not what."""
    assert honest.stops == ()
    assert len(honest.passed) > 20


def test_every_fault_is_refused_by_its_own_rule(delay: Bed, honest: Shown, met: dict[str, Shown]) -> None:
    """All of them, on a configuration that has every guard."""
    assert len(FAULTS) >= 25

    def again(name: str) -> Callable[[Bed], Shown]:
        return lambda _: met[name]

    planted = tuple(replace(fault, plant=again(fault.name)) for fault in FAULTS)
    assert [(each.fault.name, each.result, each.said) for each in drill(delay, honest, planted) if not each.refused] == []


def test_the_bundled_regression_refuses_what_it_guards_against(tmp_path: Path) -> None:
    """The other bundled model as it is: whatever is not refused is a guard that its configuration does not have, by its key."""
    made = bed("flight_duration", tmp_path, guarded=False)
    few = tuple(fault for fault in (*data.FAULTS, *models.FAULTS) if fault.name not in PROCESSES)
    found = list(drill(made, control(made), few))
    assert {each.fault.rule: each.result for each in found if not each.refused} == dict.fromkeys(GUARDS, "not guarded")
    assert next(each.said for each in found if each.fault.rule == "behaviour") == "gate.behaviour"


@pytest.mark.parametrize("rule", NAMED)
def test_without_its_rule_a_fault_gets_through(delay: Bed, met: dict[str, Shown], rule: str) -> None:
    """With at most one guard on, at least one fault is stopped by this rule alone: it is promoted when the rule is taken away."""
    own = (rule, *NESTED.get(rule, ()))
    planted = [fault for fault in (*data.FAULTS, *models.FAULTS) if fault.rule == rule]
    alone = _with_only(delay, {**GUARDS, "segment ": SEGMENTS, "segments are there": SEGMENTS}.get(rule, {}))

    def stopped_alone(shown: Shown) -> bool:
        return bool(shown.stops) and all(each.rule.startswith(own) for each in shown.stops)

    assert any(stopped_alone(met[fault.name]) or stopped_alone(fault.plant(alone)) for fault in reversed(planted))


def _with_only(bed_: Bed, guard: dict[str, Any]) -> Bed:
    """Turn all guards off but one, and keep what was fitted."""
    off = {"calibration": None, "fairness": None, "flips": None, "behaviour": (), "segments": None}
    gate = bed_.spec.gate.model_copy(update=off | {key: getattr(bed_.spec.gate, key) for key in guard})
    alone = replace(bed_, spec=bed_.spec.model_copy(update={"gate": gate}))
    kept = ("honest", "champion", "proved", "trivial", "said", "test", "seen", "truth")
    alone.__dict__.update({name: getattr(bed_, name) for name in kept})
    return alone
