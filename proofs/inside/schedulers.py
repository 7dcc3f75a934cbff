"""Send signals as the monitor, a schedule and people do, while one of two schedulers is killed: prints what the ledger holds then.

Arguments are where the result goes, the seed, and how many signals. The signals are written to the ledger and announced by
an asset event each, by two senders that repeat a part of theirs; those by hand are DAG runs, posted again too. Meanwhile
files are delivered, so that there is something to train on. At the end one person's run takes what still waits along.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil

from include.ratchet.adapters import open_ledger  # noqa: TID253 - loaded by a proof that runs
from include.ratchet.domain import specs
from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.records import Json, Kind, Signal
from include.ratchet.local import components, environment, processes, stack
from include.ratchet.local.api import Airflow
from include.ratchet.local.ports import Ports
from proofs.inside.signals import _recorded

FEED, MODEL = "visits", "buys"
KINDS: tuple[Kind, ...] = ("manual", "schedule", "new_data", "degradation", "drift")
WEIGHTS = (1, 12, 12, 12, 12)
SENDERS, PACE = 2, (0.4, 1.6)
"""Seconds between two signals of a sender."""
KILLED_AFTER, BACK_AFTER = (25.0, 50.0), (1.0, 8.0)
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
SOONER = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__CORE__PARALLELISM": "2",
}
"""The dead are missed after seconds, not minutes; each scheduler forks two workers."""
LAST = "manual__the-last"
TIMEOUT, CALM = 1500.0, 6.0
"""How long all may take, and how long nothing must move until it has ended: there is a moment between an event and its run [s]."""
Found = TypeVar("Found")


class Schedulers:
    """Two of them, each with workers of its own; one at a time is killed with all that it had forked."""

    def __init__(self, config: Config, env: dict[str, str], seed: int) -> None:
        """Start both."""
        self._config, self._env, self._chance = config, env, random.Random(f"kill {seed}")  # noqa: S311 - nothing secret
        self._pids = [self._start(number) for number in range(2)]
        self.kills, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._kill_often, daemon=True)

    def __enter__(self) -> Self:
        """Begin to kill."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill no more; both run."""
        self._stop.set()
        self._thread.join()

    def _start(self, number: int) -> int:
        part = next(each for each in components.airflow(Ports.from_env()) if each.name == "scheduler")
        log = self._config.folder / "logs" / f"scheduler-{number}.log"
        return processes.start(part.name, part.command, self._env | part.env, self._config.folder, log).pid

    def _kill_often(self) -> None:
        while not self._stop.wait(self._chance.uniform(*KILLED_AFTER)):
            number = self._chance.randrange(2)
            scheduler = psutil.Process(self._pids[number])
            for each in (scheduler, *scheduler.children(recursive=True)):
                each.kill()
            self.kills += 1
            time.sleep(self._chance.uniform(*BACK_AFTER))
            self._pids[number] = self._start(number)


def signals(seed: int, count: int) -> list[Signal]:
    """Make the signals; one in twenty is about a version that does not serve."""
    chance, now = random.Random(seed), datetime.now(UTC)  # noqa: S311 - nothing secret
    made = []
    for number, kind in enumerate(chance.choices(KINDS, WEIGHTS, k=count)):
        about = {"version": 99} if kind in {"degradation", "drift"} and chance.random() < 0.1 else {}  # noqa: PLR2004
        key = f"manual:manual__{number}" if kind == "manual" else f"{kind}:{number}"
        made.append(Signal(MODEL, kind, key, {"number": number} | about, now))
    return made


def send(airflow: Airflow, asset: int, script: Sequence[Signal], chance: random.Random) -> int:
    """Send some signals in their order, every fourth once more; return how often one was sent again."""
    ledger, again = open_ledger(), 0
    for each in script:
        times = 2 if chance.random() < 0.25 else 1  # noqa: PLR2004
        again += times - 1
        for _ in range(times):
            if each.kind == "manual":
                _by_hand(airflow, each.key.partition(":")[2])
            else:
                ledger.signal(each)
                _patiently(lambda: airflow._call("POST", "/assets/events", json={"asset_id": asset, "extra": {}}))  # noqa: SLF001 - has no name of its own
        time.sleep(chance.uniform(*PACE))
    return again


def _by_hand(airflow: Airflow, run_id: str, **conf: Any) -> None:
    body = {"logical_date": None, "dag_run_id": run_id, "conf": {"reason": "a person asks", **conf}}

    def post() -> None:
        try:
            airflow._call("POST", f"/dags/{MODEL}_train/dagRuns", json=body)  # noqa: SLF001
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:  # asked for before
                raise

    _patiently(post)


def _patiently(call: Callable[[], Found]) -> Found:
    """Ask again where a busy server did not answer."""
    for _ in range(20):
        try:
            return call()
        except httpx.HTTPError as error:
            last = error
            time.sleep(1)
    raise last


def deliver(airflow: Airflow, folder: Path, home: Path, stop: threading.Event) -> None:
    """Deliver one file after the other, and let the feed's DAG take it in."""
    for number, file in enumerate(sorted(folder.glob("*.csv"))):
        target = home / "landing" / FEED / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
        os.utime(target, (0, time.time() - 60))
        _patiently(lambda: airflow.start(f"{FEED}_ingest", {}))
        if stop.wait(10 if number == 0 else 30):
            return


def at_rest(airflow: Airflow) -> bool:
    """Whether no run of the training DAG is queued or at work, and no event waits to start one."""
    states = {each["state"] for each in _patiently(lambda: airflow.runs(f"{MODEL}_train", limit=100))}
    return not states & {"queued", "running"}


def wait_for(what: Callable[[], bool], told: str) -> None:
    """Wait until it holds, and still does a moment later."""
    end = time.monotonic() + TIMEOUT
    since = time.monotonic()
    while time.monotonic() < since + CALM:
        time.sleep(1)
        if not what():
            since = time.monotonic()
        if time.monotonic() > end:
            raise SystemExit(f"not in {TIMEOUT:.0f} s: {told}")


def compare(airflow: Airflow, sent: Sequence[str], ledger_url: str) -> Json:
    """Compare the ledger and Airflow with what was sent; each of `faults` breaks the claim."""
    ledger, triggers = open_ledger(), specs.model(MODEL).triggers
    allowed = triggers.budget.runs_per_day if triggers.budget else None
    found, runs = ledger.signals(MODEL), {run.run_id: run for run in ledger.runs(MODEL)}
    keys, started = Counter(each.key for each, _ in found), Counter(made.run for _, made in found if made.outcome == "started")
    by_hand = {made.run for each, made in found if made.outcome == "started" and each.kind == "manual"}
    own = [run for run in _recorded(ledger_url) if run not in by_hand]
    faults = [f"lost: {key}" for key in set(sent) - set(keys)] + [f"nobody sent: {key}" for key in set(keys) - set(sent)]
    faults += [f"doubled: {key}" for key, times in keys.items() if times > 1]
    faults += [f"{made.outcome}: {each.key}" for each, made in found if made.outcome == "pending"]
    faults += [f"no run: {each.key}" for each, made in found if made.outcome in {"started", "coalesced"} and made.run not in runs]
    faults += [f"run {run} was started by {started[run]} signals" for run in runs if started[run] != 1]
    faults += [f"over budget: {len(own)} runs"] if allowed is None or len(own) > allowed else []
    clocks = [runs[run].clock_at for run in _recorded(ledger_url)]
    faults += [
        f"too soon: {run}"
        for number, run in enumerate(_recorded(ledger_url))
        if run in own and number and clocks[number] < max(clocks[:number]) + triggers.cooldown
    ]
    woken = _all_runs(airflow)
    faults += [f"not a run of Airflow: {run}" for run in runs if run not in woken]
    faults += [f"by hand, and no run: {run}" for run in woken if run.startswith("manual__") and run not in by_hand]
    faults += [] if "success" in woken.values() else ["no run succeeded: what was sent started nothing that trains"]
    faults += [f"{audit.chain}: {audit.faults}" for audit in ledger.audit() if audit.faults]
    return {
        "sent": len(set(sent)),
        "held": len(found),
        "totals": dict(Counter(made.outcome for _, made in found)),
        "runs": len(runs),
        "by_hand": len(by_hand),
        "allowed": allowed,
        "woken": len(woken),
        "states": dict(Counter(woken.values())),
        "faults": faults,
    }


def _all_runs(airflow: Airflow) -> dict[str, str]:
    found: dict[str, str] = {}
    while True:
        page = airflow.get(f"/dags/{MODEL}_train/dagRuns", limit=100, offset=len(found), order_by="id")["dag_runs"]
        found |= {each["dag_run_id"]: each["state"] for each in page}
        if len(page) < 100:  # noqa: PLR2004 - a whole page
            return found


def main() -> None:
    """Start it all, send, kill, wait, compare."""
    result, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    config, ports = load_config(), Ports.from_env()
    env = environment.base(config, ports) | {**SOONER, DATABASE: os.environ[DATABASE], environment.MARKER: environment.stack_id(config)}
    _start(config, ports, env)
    airflow = Airflow(ports.url("airflow"))
    made, stop = signals(seed, count), threading.Event()
    schedulers = Schedulers(config, env, seed)
    asset = _known(airflow)
    stack.ensure_pools(ports)
    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS + 1) as pool, schedulers:
        delivered = pool.submit(deliver, airflow, specs.PROJECT / "deliveries", config.folder, stop)
        wait_for(
            lambda: bool(open_ledger().batches(FEED, "merged")), "the first batch to be merged"
        )  # who asks before is told: no data yet
        halves = [pool.submit(send, airflow, asset, made[each::SENDERS], random.Random(f"{seed} {each}")) for each in range(SENDERS)]  # noqa: S311
        again = sum(each.result() for each in halves)
        wait_for(lambda: at_rest(airflow), "all runs to end")
        stop.set()
        delivered.result()
    _by_hand(airflow, LAST)
    wait_for(lambda: at_rest(airflow) and not open_ledger().signals(MODEL, pending=True), "every signal to be answered")
    sent = [*(each.key for each in made), f"manual:{LAST}", f"schedule:{datetime.now(UTC).year}-01-01T00:00:00+00:00"]
    found = compare(airflow, sent, config.ledger_place)
    result.write_text(
        json.dumps(found | {"again": again, "kills": schedulers.kills, "seconds": round(time.monotonic() - began)}), encoding="utf-8"
    )


def _start(config: Config, ports: Ports, env: dict[str, str]) -> None:
    """Make Airflow's tables, and start what both schedulers share."""
    subprocess.run(components.migrate(), env=env, cwd=config.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    for part in components.airflow(ports):
        if part.name in {"api-server", "dag-processor"}:
            processes.start(part.name, part.command, env | part.env, config.folder, config.folder / "logs" / f"{part.name}.log")


def _known(airflow: Airflow) -> int:
    """Wait until Airflow knows both DAGs; return the number of the asset that announces a signal."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        try:
            dags = {each["dag_id"] for each in airflow.get("/dags")["dags"]}
            assets = {each["name"]: int(each["id"]) for each in airflow.get("/assets", limit=100)["assets"]}
        except httpx.HTTPError:
            dags, assets = set(), {}
        if {f"{FEED}_ingest", f"{MODEL}_train"} <= dags and f"{MODEL}_retrain" in assets:
            return assets[f"{MODEL}_retrain"]
        time.sleep(1)
    raise SystemExit(f"DAGs and assets are not there; errors of import: {airflow.import_errors()}")


if __name__ == "__main__":
    main()
