"""Send mixed signals to the arbiter from two processes that are killed at random: prints what the ledger holds then.

Arguments are the ledger's URL, the seed, how many signals, and a folder. Time is the signals' own, ten minutes apart.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.arbiter import Facts
from include.ratchet.domain.records import Json, Kind, Signal, TrainingRun, Window
from include.ratchet.domain.triggerspec import Triggers
from include.ratchet.tasks.arbitrate import settle

MODEL, WORKERS, RUNS_A_DAY = "m", 2, 12
STEPS = (5, 45)
BEGIN, STEP = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=10)
DAY, COOLDOWN = timedelta(days=1), timedelta(hours=1)
KINDS: tuple[Kind, ...] = ("manual", "schedule", "new_data", "degradation", "drift")
WEIGHTS = (1, 6, 6, 6, 6)
"""By hand is one in 25: a person passes cooldown and budget by, and takes a part of both."""
TRIGGERS = Triggers.model_validate(
    {
        "schedule": {"cron": "0 3 * * *"},
        "new_data": {"min_rows": 1},
        "degradation": {"drop": 0.1},
        "drift": {},
        "cooldown": COOLDOWN,
        "budget": {"runs_per_day": RUNS_A_DAY},
        "expire": timedelta(days=2),
    }
)


def signals(seed: int, count: int) -> list[Signal]:
    """Make the signals; a tenth of those of the monitor are about a version that serves no more."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    made = []
    for number, kind in enumerate(chance.choices(KINDS, WEIGHTS, k=count)):
        about = {"version": int(chance.random() > 0.1)} if kind in {"degradation", "drift"} else {}  # noqa: PLR2004
        made.append(Signal(MODEL, kind, f"{kind}:{number}", {"number": number} | about, BEGIN + number * STEP))
    return made


def script(seed: int, count: int, worker: int) -> Iterator[tuple[int, Signal, bool]]:
    """Yield what a worker does, by steps: it sends a signal, and after some of them arbitrates.

    Its own half of the signals, a quarter of the other's too, and every tenth of its own twice.
    """
    chance, step = random.Random(f"{seed} {worker}"), 0  # noqa: S311 - nothing secret
    for number, each in enumerate(signals(seed, count)):
        mine = number % WORKERS == worker
        for _ in range((2 if chance.random() < 0.1 else 1) if mine else int(chance.random() < 0.25)):  # noqa: PLR2004
            yield step, each, chance.random() < 0.3  # noqa: PLR2004
            step += 1


def arbitrate(ledger: Ledger, run_id: str, at: datetime, new_rows: int) -> None:
    """Arbitrate as the train DAG's first task does; a try that follows a killed one finds the run that it had started."""
    if ledger.run(MODEL, run_id):
        return
    run = TrainingRun(run_id, MODEL, "", Window(BEGIN, at), ("a",), datetime.now(UTC), at)
    settle(ledger, run, TRIGGERS, lambda known: Facts(at, tuple(each.clock_at for each in known), new_rows, champion=1))


def work(url: str, seed: int, count: int, worker: int, place: Path) -> None:
    """Follow the script from where the killed process before this one had come."""
    ledger, begin = Ledger(url), _steps(place)
    for step, each, arbitrates in script(seed, count, worker):
        if step < begin:
            continue
        ledger.signal(each)
        if arbitrates:
            arbitrate(ledger, f"{worker}-{step}", each.at, new_rows=step % 10)
        part = place.with_suffix(".part")
        part.write_text(str(step + 1), encoding="utf-8")
        part.replace(place)


def fight(url: str, seed: int, count: int, folder: Path) -> int:
    """Let both workers go through their scripts; return how many kills struck.

    Each is killed at a random moment once it has come some random steps further: by the clock alone, a busy machine would
    kill it before it has done anything.
    """
    chance, kills = random.Random(seed), 0  # noqa: S311 - nothing secret
    places = [folder / f"{worker}.txt" for worker in range(WORKERS)]
    children = [_fork(url, seed, count, worker, places[worker]) for worker in range(WORKERS)]
    until = [chance.randrange(*STEPS) for _ in places]
    while any(children):
        time.sleep(chance.uniform(0, 0.02))
        for worker, child in enumerate(children):
            if not child:
                continue
            if _steps(places[worker]) >= until[worker]:
                os.kill(child, signal.SIGKILL)
                until[worker] = _steps(places[worker]) + chance.randrange(*STEPS)
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended and os.WIFSIGNALED(status):
                kills += 1
                children[worker] = _fork(url, seed, count, worker, places[worker])
            elif ended and status:
                raise SystemExit(f"worker {worker}, which nobody killed, ended with {status}")
            elif ended:
                children[worker] = 0
    return kills


def _steps(place: Path) -> int:
    return int(place.read_text(encoding="utf-8")) if place.exists() else 0


def _fork(url: str, seed: int, count: int, worker: int, place: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(url, seed, count, worker, place)
        except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return child


def finish(ledger: Ledger, count: int) -> None:
    """Let time go on until every signal is answered."""
    at, number = BEGIN + count * STEP, 0
    while ledger.signals(MODEL, pending=True):
        at, number = at + COOLDOWN, number + 1
        arbitrate(ledger, f"end-{number}", at, new_rows=1)


def compare(url: str, seed: int, count: int) -> Json:
    """Compare the ledger with what was sent; each of `faults` breaks the claim."""
    ledger, sent = Ledger(url), {each.key for each in signals(seed, count)}
    found = ledger.signals(MODEL)
    runs = {run.run_id: run for run in ledger.runs(MODEL)}
    keys, started = Counter(each.key for each, _ in found), Counter(made.run for _, made in found if made.outcome == "started")
    by_hand = {made.run for each, made in found if made.outcome == "started" and each.kind == "manual"}
    clocks = [(run, runs[run].clock_at) for run in _recorded(url)]
    faults = [f"lost: {key}" for key in sent - set(keys)]
    faults += [f"doubled: {key}" for key, times in keys.items() if times > 1]
    faults += [f"{made.outcome}: {each.key}" for each, made in found if made.outcome == "pending"]
    faults += [f"no run: {each.key}" for each, made in found if made.outcome in {"started", "coalesced"} and made.run not in runs]
    faults += [f"run {run} was started by {started[run]} signals" for run in runs if started[run] != 1]
    for number, (run, at) in enumerate(clocks):
        before = [clock for _, clock in clocks[:number]]
        if run not in by_hand and (max(before, default=BEGIN - DAY) + COOLDOWN > at or sum(t > at - DAY for t in before) >= RUNS_A_DAY):
            faults.append(f"over budget or too soon: run {run} at {at}")
    faults += [f"{audit.chain}: {audit.faults}" for audit in ledger.audit() if audit.faults]
    totals = Counter(made.outcome for _, made in found)
    return {"sent": len(sent), "held": len(found), "runs": len(runs), "by_hand": len(by_hand), "totals": dict(totals), "faults": faults}


def _recorded(url: str) -> list[str]:
    """Return the runs in the order in which they were recorded: that of their seals."""
    with create_engine(url).connect() as connection:
        rows = connection.execute(text("SELECT record FROM seals WHERE chain = 'runs' ORDER BY number"))
        return [str(row.record).partition("/")[2] for row in rows]


def main(url: str, seed: int, count: int, folder: Path) -> None:
    """Do one part."""
    folder.mkdir(parents=True, exist_ok=True)
    kills = fight(url, seed, count, folder)
    finish(Ledger(url), count)
    sys.stdout.write("\n" + json.dumps({"kills": kills, **compare(url, seed, count)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
