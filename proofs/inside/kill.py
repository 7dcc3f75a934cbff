"""Kill ingest at random moments: arguments are the seed, how many kills, and the feed.

Every ingest runs in a fork of this process, which has the libraries loaded and does nothing else: a kill is a real
SIGKILL of a process that has written as far as it came.
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.inside.preload import preload
from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import Skip

ROWS, FILES = 200, 2
COLUMNS = ("id", "value", "word")
Row = tuple[str, ...]


def main() -> None:
    """Deliver, kill, run again, compare; until there were enough kills."""
    result, seed, wanted, feed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    config, chance = load_config(), random.Random(seed)  # noqa: S311 - nothing secret
    preload()
    stage = config.folder / "stage.txt"
    took = _unharmed(config, feed, chance, stage)
    where: Counter[str] = Counter()
    while where.total() < wanted:
        _deliver(config, feed, chance)
        for _ in range(chance.choice((1, 1, 2))):
            killed_in = _killed(lambda: _ingest(feed, stage), chance.uniform(0, took), stage)
            where.update([killed_in] if killed_in else [])
        _forked(lambda: _ingest(feed, stage))
    report = config.folder / "compared.json"
    _forked(lambda: report.write_text(json.dumps(_compared(config, feed)), encoding="utf-8"))
    found = {"kills": where.total(), "where": dict(where), **json.loads(report.read_text(encoding="utf-8"))}
    result.write_text(json.dumps(found), encoding="utf-8")


def _unharmed(config: Config, feed: str, chance: random.Random, stage: Path) -> float:
    """Run twice without a kill; return how long the second one took [s]."""
    for _ in range(2):
        _deliver(config, feed, chance)
        began = time.monotonic()
        _forked(lambda: _ingest(feed, stage))
    return time.monotonic() - began


def _deliver(config: Config, feed: str, chance: random.Random) -> None:
    """Write two files of rows with ids of their own; about one in twenty is bad."""
    folder = config.folder / "landing" / feed
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(FILES):
        number = len(list(folder.iterdir()))
        path = folder / f"{number:05}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in range(ROWS):
                value = chance.choice(("-5", "x", "")) if chance.random() < 0.05 else str(chance.randrange(1000))  # noqa: PLR2004
                writer.writerow((number * ROWS + row, value, chance.choice(("a", "b", "c"))))
        os.utime(path, (time.time() - 60,) * 2)  # it has lain still for long


def _ingest(feed: str, stage: Path) -> None:
    """Run the bodies as a new run of the DAG does; note which one is at work."""
    from include.ratchet.tasks import ingest
    from include.ratchet.tasks.seam import run_task

    def call(body: Callable[..., object], *args: object) -> object:
        stage.write_text(body.__name__, encoding="utf-8")
        return run_task(TaskContext(f"{feed}_ingest", "kill", body.__name__), body, *args)

    try:
        batches = call(ingest.land, feed)
    except Skip:
        return
    for sha in batches if isinstance(batches, list) else []:
        call(ingest.check, feed, sha)
        call(ingest.validate, feed, sha)
    call(ingest.merge, feed)


def _killed(work: Callable[[], object], after: float, stage: Path) -> str | None:
    """Start the work in a fork and kill it; return the body that was hit, None when it had ended."""
    stage.write_text("start", encoding="utf-8")
    child = _fork(work)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return stage.read_text(encoding="utf-8") or "start" if os.WIFSIGNALED(status) else None


def _forked(work: Callable[[], object]) -> None:
    _, status = os.waitpid(_fork(work), 0)
    if status:
        raise SystemExit(f"a run that nobody killed ended with {status}")


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return child


def _compared(config: Config, feed: str) -> dict[str, int]:
    """Compare what was delivered with what is in the lake, as multisets of rows."""
    from include.ratchet.adapters import open_lake

    lake = open_lake()
    came: Counter[Row] = Counter()
    for path in (config.folder / "landing" / feed).iterdir():
        with path.open(newline="", encoding="utf-8") as file:
            came.update(tuple(row[name] for name in COLUMNS) for row in csv.DictReader(file))
    clean = lake.dataset(f"clean/{feed}").to_table(columns=list(COLUMNS), use_threads=False).to_pylist()
    bad = lake.dataset(f"quarantine/{feed}").to_table(columns=["original"], use_threads=False).to_pylist()
    kept = Counter(tuple(str(row[name]) for name in COLUMNS) for row in clean)
    originals = [json.loads(row["original"]) for row in bad]
    kept.update(tuple("" if row[name] is None else str(row[name]) for name in COLUMNS) for row in originals)
    return {"rows": came.total(), "quarantined": len(bad), "lost": (came - kept).total(), "doubled": (kept - came).total()}


if __name__ == "__main__":
    main()
