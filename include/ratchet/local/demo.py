"""The main job: real flights arrive, and the scheduler makes of them champions that serve."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console

from include.ratchet.domain import specs
from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import RatchetError
from include.ratchet.local import environment, flights, processes, reasons, record, report, stack
from include.ratchet.local.api import Airflow
from include.ratchet.local.loop import DemoError, Loop
from include.ratchet.local.ports import Ports
from include.ratchet.local.proof import serving_version
from include.ratchet.local.record import Stack
from include.ratchet.local.view import View
from include.ratchet.local.watch import Run

FIRST, THEN = ("2013-01", "2013-02", "2013-03"), "2013-04"
TIMEOUT = 20 * 60.0
FEEDS = ("flights", "planes", "weather")
MODELS = ("flight_delay", "flight_duration")
"""The bundled models: what somebody adds, on the same feeds too, is theirs to watch."""
BY_HAND = "would the simplest candidate do?"
PATIENT = 30.0
"""Quiet for so long [s] nothing will start by itself any more: a busy machine takes its time from a signal to its run."""
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def demo(*, exit_after: bool, ports: Ports | None = None, timeout: float = TIMEOUT) -> int:
    """Run the demo; return 0 when champions serve correct predictions, 1 otherwise.

    Args:
        exit_after: End when that is shown, instead of staying until Ctrl-C. Either way what this call
            started is stopped, and a stack that was up before stays up.
        ports: Where the servers answer; from the environment when omitted.
        timeout: How long the way to the champions may take [s].
    """
    config, view = load_config(), View(Console())
    os.environ.update(environment.quiet(config))
    processes.adopt_orphans()
    shown, mine = False, list[Stack]()
    with _stoppable():
        try:
            loop, whole = _show(config, ports or Ports.from_env(), view, timeout, mine.append)
            if exit_after and whole:
                report.require_reasons(loop.ledger, loop.models)
            shown = True
            if not exit_after:
                view.say("stays up until Ctrl-C; make feed delivers the next month", "bold")
                _stay(config, view)
        except RatchetError as error:
            view.say(f"not as it should be: {error}", "red")
        except KeyboardInterrupt:
            view.say("stopping")
        finally:
            _take_down(config, view, mine)
    return 0 if shown else 1


def _show(config: Config, ports: Ports, view: View, timeout: float, started: Callable[[Stack], None]) -> tuple[Loop, bool]:
    """Bring champions to serve; return what was watched, and whether all five kinds of reasons were to be seen."""
    from include.ratchet.adapters import open_ledger

    since, deadline = datetime.now(UTC), time.monotonic() + timeout
    models, fresh = _models(), not flights.delivered(config)
    flights.seed(config)
    # Before anything watches: of three months that come one by one, the first alone would start a training.
    for month in FIRST:
        _deliver(config, view, month)
    running = stack.up(ports, view.part, config, started=started)
    loop = Loop(config, running, Airflow(running.ports.url("airflow")), open_ledger(config), models, FEEDS, view, since, deadline)
    with view:
        loop.wait(f"the first champions of {' and '.join(loop.models)}", lambda _: _champions_serve(loop))
        _deliver(config, view, THEN)
        loop.wait(f"{THEN} to be scored and monitored, and its reasons to be answered", lambda runs: _answered(loop, runs, THEN))
        _ask_by_hand(loop)
        # The new month is a reason to retrain: what serves may change until that is through.
        loop.wait("what the new month started to end", lambda runs: loop.is_quiet(runs) and _champions_serve(loop))
    report.conclude(config, running.ports, view, loop.ledger, loop.models)
    # A home of another day may have seen other specs, and by the machine's clock nothing of 2013 is due or drifts.
    return loop, fresh and models == list(MODELS) and config.clock == "data"


def _models() -> list[str]:
    """List the bundled models.

    Raises:
        SpecError: The spec of one of them, or of a feed, has faults.
        DemoError: None is there.
    """
    found = [name for name in MODELS if name in specs.names("models")]
    if not found:
        raise DemoError(f"include/models holds none of {', '.join(MODELS)}, which the demo is about; git checkout brings them back")
    for feed in sorted({feed for name in found for feed in specs.model(name).feeds}):
        specs.feed(feed)
    return found


def _deliver(config: Config, view: View, month: str) -> None:
    made = flights.feed(month, config)
    view.say(f"{month}: {made.flights} flights, {made.weather} hours of weather" if made.new else f"{month}: delivered before", "bold")


def _ask_by_hand(loop: Loop) -> None:
    """Start one training as a person would: of the simplest candidate, and with a reason. It queues behind what runs."""
    name = loop.models[0]
    simplest = specs.model(name).training.candidates[0].name
    loop.airflow.start(f"{name}_train", {"reason": BY_HAND, "candidates": [simplest]})
    loop.view.say(f"{name}_train started by hand: {BY_HAND}", "bold")


def _champions_serve(loop: Loop) -> bool:
    url = loop.stack.ports.url("serving")
    champions = {name: loop.ledger.champion(name) for name in loop.models}
    return all(version is not None and serving_version(url, name) == version for name, version in champions.items())


def _monitored(loop: Loop, month: str) -> bool:
    """Say whether a month of every model was predicted, its labels have matured, and both were compared."""
    newest = (next(iter(loop.ledger.reports(name)), {}) for name in loop.models)
    return all(any(window["start"].startswith(month) for window in report.get("windows", ())) for report in newest)


def _answered(loop: Loop, runs: Sequence[Run], month: str) -> bool:
    """Say whether a month was monitored, and all that starts by itself has started: a person's run would take pending signals along."""
    quiet = loop.is_quiet(runs, PATIENT)  # asked every time: it remembers when something was at work
    return _monitored(loop, month) and (quiet or not reasons.missing(loop.ledger, loop.models, reasons.by_themselves(loop.models)))


def _stay(config: Config, view: View) -> None:
    """Wait for Ctrl-C; tell when a part ends by itself."""
    gone: set[str] = set()
    while running := record.read(config):
        for child in running.dead():
            if child.name not in gone:
                gone.add(child.name)
                view.say(f"{child.name} ended by itself; the end of {child.log}:\n{child.tail()}", "red")
        time.sleep(1)
    view.say("the stack was taken down from elsewhere")


def _take_down(config: Config, view: View, mine: list[Stack]) -> None:
    """Stop the stack that this call started; another's stays up, whatever went wrong here."""
    found = record.read(config)
    if not mine or (found and found not in mine):
        view.say("the stack that is up was not started here, and stays up; make down stops it" if found else "nothing was started")
        return
    # A second Ctrl-C must not leave half of the stack behind; this takes about 6 s.
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    count = len(stack.down(config))
    view.say(f"everything is stopped, {count} processes" if count else "everything is stopped")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Treat an end of the terminal, or a TERM, like Ctrl-C."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in _ENDINGS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
