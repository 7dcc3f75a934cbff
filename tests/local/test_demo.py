"""How the demo ends: with what status, and always with nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.records import Disposition, Kind, Signal
from include.ratchet.local import demo, environment, record
from include.ratchet.local.loop import DemoError, Loop
from include.ratchet.local.ports import Ports
from include.ratchet.local.record import Stack
from include.ratchet.local.watch import Run

MINE = Stack("id", Ports(), (), 1.0)


@pytest.fixture
def stopped(config: Config, monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Return a list that grows when the stack is taken down; nothing is started for real."""
    calls: list[Config] = []

    def down(config: Config) -> list[str]:
        calls.append(config)
        return []

    monkeypatch.setattr("include.ratchet.local.stack.down", down)
    monkeypatch.setattr("include.ratchet.local.processes.adopt_orphans", lambda: None)
    # The demo quiets libraries by os.environ; the test's own environment comes back afterwards.
    monkeypatch.setattr("include.ratchet.local.environment.quiet", lambda _config: {"RATCHET__HOME": str(config.folder)})
    return calls


BY_THEMSELVES: tuple[Kind, ...] = ("schedule", "new_data", "degradation", "drift")


def _ends_with(monkeypatch: pytest.MonkeyPatch, what: BaseException | None) -> None:
    def show(*arguments: Any) -> tuple[Any, bool]:
        arguments[-1](MINE)
        if what:
            raise what
        return None, False

    monkeypatch.setattr(demo, "_show", show)


def test_success_is_status_0_and_leaves_nothing(stopped: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    """EXIT=1 ends after the check."""
    _ends_with(monkeypatch, None)
    assert demo.demo(exit_after=True, ports=Ports()) == 0
    assert len(stopped) == 1


@pytest.mark.parametrize(
    "fault", [DemoError("fit failed"), SpecError("port", ["8080 is busy"]), KeyboardInterrupt()], ids=["task", "port", "Ctrl-C"]
)
def test_anything_before_the_proof_is_status_1(stopped: list[Config], monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> None:
    """What was started is stopped, whatever went wrong."""
    _ends_with(monkeypatch, fault)
    assert demo.demo(exit_after=True, ports=Ports()) == 1
    assert len(stopped) == 1


def test_an_error_of_ours_still_stops_everything(stopped: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug shows as itself, after the stack was taken down."""
    _ends_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        demo.demo(exit_after=True, ports=Ports())
    assert len(stopped) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stays_until_it_is_told_to_end(stopped: list[Config], monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Ctrl-C, a TERM and a closed terminal end it in order; it had shown what it should, so the status is 0."""
    _ends_with(monkeypatch, None)
    monkeypatch.setattr(demo, "_stay", lambda *_: os.kill(os.getpid(), number))
    assert demo.demo(exit_after=False, ports=Ports()) == 0
    assert len(stopped) == 1


@pytest.mark.parametrize("started", [0.5, 2.0], ids=["up before", "started while this one failed"])
def test_a_stack_of_somebody_else_stays_up(stopped: list[Config], config: Config, monkeypatch: pytest.MonkeyPatch, started: float) -> None:
    """A second demo takes down only what it started itself, however it ends."""
    environment.folders(config)
    record.write(config, Stack("id", Ports(), (), started))
    monkeypatch.setattr(demo, "_show", _raise(SpecError("port", ["8080 is busy"])))
    assert demo.demo(exit_after=True, ports=Ports()) == 1
    assert stopped == []
    assert record.read(config)


def test_the_stack_that_it_started_is_taken_down(stopped: list[Config], config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on record as the one that this call was told of."""
    environment.folders(config)
    record.write(config, MINE)
    _ends_with(monkeypatch, DemoError("fit failed"))
    assert demo.demo(exit_after=True, ports=Ports()) == 1
    assert len(stopped) == 1


def _raise(error: Exception) -> Callable[..., None]:
    def show(*_: Any) -> None:
        raise error

    return show


def test_only_the_bundled_models_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken model of the user's own, and one on the same feeds, are not waited for; a broken bundled one is a message."""
    include = tmp_path / "include"
    for kind in ("feeds", "models", "views"):
        shutil.copytree(specs.PROJECT / "include" / kind, include / kind)
    mine = include / "models" / "mine" / "model.yaml"
    mine.parent.mkdir()
    mine.write_text("name: [", encoding="utf-8")
    monkeypatch.setattr(specs, "INCLUDE", include)
    assert demo._models() == ["flight_delay", "flight_duration"]
    (include / "feeds" / "weather" / "feed.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(SpecError, match="weather"):
        demo._models()
    for name in demo.MODELS:
        shutil.rmtree(include / "models" / name)
    with pytest.raises(DemoError, match="none of flight_delay, flight_duration"):
        demo._models()


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md"])
def test_the_documents_say_how_much_the_demo_delivers(file: str) -> None:
    """Three months, then one more; the rest of the year is `make feed`'s."""
    assert len([*demo.FIRST, demo.THEN]) == 4
    assert "four months of real flights" in " ".join((specs.PROJECT / file).read_text(encoding="utf-8").split())


class _Ledger:
    """Holds one report per model, and what started runs."""

    def __init__(self, kinds: Sequence[Kind] = (), **starts: list[str]) -> None:
        """Name the kinds of signals that started runs, and the windows' starts."""
        self._kinds, self._starts = kinds, starts

    def signals(self, _model: str) -> list[tuple[Signal, Disposition]]:
        """Return one signal of each kind."""
        return [(Signal("a", kind, kind, {}, datetime(2013, 4, 30, tzinfo=UTC)), Disposition(1, "started", "")) for kind in self._kinds]

    def reports(self, model: str) -> list[dict[str, Any]]:
        """Return the model's newest report."""
        return [{"windows": [{"start": start} for start in self._starts[model]]}] if self._starts[model] else []


@pytest.mark.parametrize(
    ("starts", "done"),
    [(["2013-03-28", "2013-04-04"], True), (["2013-03-28"], False), ([], False)],
    ids=["April", "March only", "no report"],
)
def test_a_month_is_monitored_when_every_model_s_report_has_it(starts: list[str], *, done: bool) -> None:
    """A report holds only predictions whose labels came: it proves that the month was scored as well."""
    loop = cast("Loop", type("L", (), {"models": ["a", "b"], "ledger": _Ledger(a=["2013-04-04"], b=starts)})())
    assert demo._monitored(loop, "2013-04") is done


@pytest.mark.parametrize(
    ("starts", "kinds", "state", "done"),
    [
        ([], BY_THEMSELVES, "success", False),
        (["2013-04-04"], ("drift",), "running", False),
        (["2013-04-04"], ("drift",), "success", True),
        (["2013-04-04"], BY_THEMSELVES, "running", True),
    ],
    ids=["not monitored", "one to come", "nothing more comes", "all came"],
)
def test_a_person_asks_after_what_starts_by_itself(starts: list[str], kinds: tuple[Kind, ...], state: str, *, done: bool) -> None:
    """Pending signals would join the run by hand; when all is quiet none is to come, and the demo's end says which was missing."""
    run = Run("a_train", "r", state, None, None)
    at_rest = time.monotonic() - 60
    loop = cast("Any", Loop)(
        None, None, None, _Ledger(kinds, **dict.fromkeys(demo.MODELS, starts)), list(demo.MODELS), (), None, None, 0.0, busy_at=at_rest
    )
    assert demo._answered(loop, [run], "2013-04") is done
