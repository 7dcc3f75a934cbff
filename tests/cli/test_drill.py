"""`./ratchet drill`: which rule refused each fault, on the model's own rows or on made-up ones."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.cli import drill, show
from include.ratchet.domain import specs
from include.ratchet.faults import library
from include.ratchet.faults.fault import Fault, Shown, Stop
from tests.tiny import MODEL, Project

FEW = ("tiny test set", "swapped labels in the train rows", "miscalibrated scores", "pickle instead of skops")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant four faults: all of them are planted in tests/faults."""
    monkeypatch.setattr(library, "FAULTS", tuple(each for each in library.FAULTS if each.name in FEW))
    monkeypatch.setattr(show.console, "width", 250)


def test_it_runs_on_the_models_own_rows(landed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows that a training run would get now; each fault with its rule, and the key that would guard against the rest."""
    assert landed.home.exists()
    assert drill.run_drill(specs.model(MODEL))
    said = capsys.readouterr().out
    assert "buys: 4 faults on 2,399 rows of its own" in said
    assert "3 of 4 faults refused" in said
    assert "to add to model.yaml: gate.calibration" in said


def test_without_data_it_makes_some_up(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that has seen no data yet can be drilled; the reason is said."""
    assert not project.home.exists()
    assert drill.run_drill(specs.model(MODEL))
    assert "made-up rows, since: " in capsys.readouterr().out


def test_a_fault_that_gets_through_fails_the_drill(
    landed: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no rule stops is a failure of the command; what another rule stops is only said."""

    def plant(*stops: Stop) -> Any:
        return lambda _: Shown(stops, (Stop("size", "small enough"),))

    assert landed.home.exists()
    monkeypatch.setattr(library, "FAULTS", (Fault("large", "size", plant()), Fault("late", "size", plant(Stop("latency", "slow")))))
    assert not drill.run_drill(specs.model(MODEL))
    said = capsys.readouterr().out
    assert "not caught: large" in said
    assert "other rule: late" in said
