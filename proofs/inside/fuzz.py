"""Ingest fuzzed batches, killed at random lines: `python -m proofs.inside.fuzz RESULT SEED BATCHES KILLS`; writes what was found.

The feed's rules are too strict first; then they are mended and all is repaired, and the clean table is compared with
that of an ingest that was never broken. Every ingest runs in a fork, and a kill is a real SIGKILL.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.inside.preload import preload
from include.ratchet.domain import specs
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import QualityError, Skip
from proofs.batches import FEED, LAX, STRICT, fuzzed

AT_ONCE = 10
"""Batches that arrive before a run."""
BODIES = "/include/ratchet/tasks/"
Json = dict[str, Any]


def main() -> None:
    """Prove it in a folder of its own."""
    result, seed, batches, kills = Path(sys.argv[1]), *(int(word) for word in sys.argv[2:5])
    preload()
    with tempfile.TemporaryDirectory(prefix="ratchet-fuzz-") as folder:
        result.write_text(json.dumps(proved(Path(folder), seed, batches, kills)), encoding="utf-8")


def proved(folder: Path, seed: int, batches: int, kills: int) -> Json:
    """Ingest broken and unbroken; return what was lost or doubled, where kills struck, and whether both tables are one."""
    specs.INCLUDE = folder / "include"
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    broken, unbroken = folder / "broken", folder / "unbroken"
    _spec(STRICT)
    lines, struck = 400, 0
    rounds = -(-batches // AT_ONCE)
    for number in range(rounds):
        _deliver((broken, unbroken), seed, number * AT_ONCE, min(batches, (number + 1) * AT_ONCE))
        for _ in range(kills // rounds + (number < kills % rounds)):
            struck += _forked(broken, _ingest, kill_at=chance.randrange(1, lines))
        lines = max(_said(broken, _ingest), 50)
    law = _said(broken, lambda: _law(seed, batches))
    _spec(LAX)
    for home, repair in ((broken, True), (unbroken, False)):
        digest = _said(home, functools.partial(_mended, repair=repair))
        law[home.name] = digest
    after = _said(broken, lambda: _law(seed, batches))
    same = law.pop("broken") == law.pop("unbroken")
    return {**law, "struck": struck, "same": same, "lost_after": after["lost"], "doubled_after": after["doubled"]}


def _spec(text: str) -> None:
    folder = specs.INCLUDE / "feeds" / FEED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / specs.FEED_FILE).write_text(text, encoding="utf-8")


def _deliver(homes: tuple[Path, ...], seed: int, first: int, end: int) -> None:
    for home in homes:
        folder = home / "landing" / FEED
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(first, end):
            path = folder / f"{number:05}.csv"
            path.write_bytes(fuzzed(seed, number, number).content)
            os.utime(path, (time.time() - 60,) * 2)


def _ingest() -> int:
    """Run the bodies as a new run of the DAG does; return how many lines of tasks that was."""
    from include.ratchet.tasks import ingest

    def call(body: Callable[..., Any], *args: object) -> Any:
        from include.ratchet.tasks.seam import run_task

        return run_task(TaskContext(f"{FEED}_ingest", "fuzz", body.__name__), body, *args)

    try:
        for name in call(ingest.land, FEED):
            try:
                call(ingest.validate, FEED, call(ingest.check, FEED, name))
            except QualityError:
                continue
        call(ingest.merge, FEED)
    except Skip:
        pass
    return _lines


def _mended(*, repair: bool) -> str:
    """Take in all that waits by the rules of now; return the content of the clean table."""
    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.transform import content_digest
    from include.ratchet.tasks import revise

    if repair:
        with contextlib.suppress(Skip):
            revise.requarantine(FEED, "proof", "the rules were too strict")
    _ingest()
    return content_digest(open_lake().dataset(f"clean/{FEED}").to_table(use_threads=False))


def _law(seed: int, batches: int) -> Json:
    """Find every row that came: in the clean table, in quarantine, in a stopped batch, or replaced by a later one; once."""
    from include.ratchet.adapters import open_lake, open_landing, open_ledger

    lake = open_lake()
    known = {each.sha: each for each in open_ledger().batches(FEED)}
    order = {sha: number for number, sha in enumerate(known)}
    clean = lake.dataset(f"clean/{FEED}").to_table(columns=["id", "token", "_batch"], use_threads=False).to_pylist()
    there = lake.version(f"quarantine/{FEED}") is not None
    held = lake.dataset(f"quarantine/{FEED}").to_table(columns=["original"], use_threads=False).to_pylist() if there else []
    found = Counter([row["token"] for row in clean] + [json.loads(row["original"])["token"] for row in held])
    newest = {row["id"]: order[row["_batch"]] for row in clean}
    counts: Counter[str] = Counter(clean=len(clean), quarantined=len(held))
    for number in range(batches):
        made = fuzzed(seed, number, number)
        batch = known[hashlib.sha256(made.content).hexdigest()]  # the same bytes under two names are one batch
        with open_landing().open(FEED, batch.sha) as stream:
            counts["altered"] += stream.read() != made.content
        counts["rows"] += len(made.rows)
        if batch.status == "stopped":
            counts["stopped"] += len(made.rows)
            counts["doubled"] += sum(found[token] for _, token in made.rows)
            continue
        for identity, token in made.rows:
            counts["doubled"] += max(0, found[token] - 1)
            replaced = not found[token] and newest.get(identity, -1) > order[batch.sha]
            counts["replaced"] += replaced
            counts["lost"] += not found[token] and not replaced
    names = ("rows", "clean", "quarantined", "stopped", "replaced", "lost", "doubled", "altered")
    return {name: counts[name] for name in names}


# -- forks and kills

_lines = 0


def _said(home: Path, work: Callable[..., Any]) -> Any:
    """Run work in a fork to its end; return what it said."""
    answer = home / "said.json"
    answer.unlink(missing_ok=True)
    _forked(home, lambda: answer.write_text(json.dumps(work()), encoding="utf-8"), kill_at=0)
    return json.loads(answer.read_text(encoding="utf-8"))


def _forked(home: Path, work: Callable[[], object], *, kill_at: int) -> bool:
    """Run work in a fork whose home is `home`; kill it at a line of a task's body, where that is not 0; say whether it struck."""
    child = os.fork()
    if child == 0:
        try:
            os.environ["RATCHET__HOME"] = str(home)
            sys.settrace(_tracer(kill_at))
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status and not os.WIFSIGNALED(status):
        raise SystemExit(f"a run that nobody killed ended with {status}")
    return os.WIFSIGNALED(status)


def _tracer(kill_at: int) -> Callable[[FrameType, str, object], Any]:
    def trace(frame: FrameType, event: str, _: object) -> Any:
        global _lines  # noqa: PLW0603 - counted in a fork, read in the same one
        if event == "call":
            return trace if BODIES in frame.f_code.co_filename else None
        _lines += event == "line"
        if kill_at and event == "line" and _lines == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


if __name__ == "__main__":
    main()
