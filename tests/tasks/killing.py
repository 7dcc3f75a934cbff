"""Kill task bodies and run them again: `python -m tests.tasks.killing FOLDER SEED`; prints one JSON line.

The process loads the heavy libraries once and forks a child for every piece of work, as Airflow's executor does; it
never opens a file or a thread of theirs itself. Most kills strike at a line of a task body, drawn among all lines that
the work executes, since every effect has a line of its own there; the others at a moment drawn over its duration,
which reaches inside Delta, MLflow and SQLite.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from include.ratchet.domain.errors import Skip
from include.ratchet.tasks import arbitrate, choose, deploy, score, snapshot, train
from tests import tiny
from tests.tiny import DAYS, FEED, MODEL, Project

AT_MOMENTS = 3
"""Kills of each way at a moment, besides those at lines."""
BODIES = "/include/ratchet/tasks/"


def load() -> None:
    """Import what the bodies need, before any fork."""
    import deltalake  # noqa: F401
    import duckdb  # noqa: F401
    import great_expectations  # noqa: F401
    import mlflow.sklearn  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    from include.ratchet.adapters import lake, landing, ledger, models, registry  # noqa: F401
    from include.ratchet.adapters.sources import files, sql  # noqa: F401
    from include.ratchet.steps import decode, frames, predict, validate  # noqa: F401


# -- the two ways that are killed


def take_in(project: Project) -> None:
    """Land, check, validate, merge."""
    with suppress(Skip):
        project.ingest()


def bring_live(project: Project) -> None:
    """Register, promote, score; the verdict is laid in between, since the gate's own process is not what is killed."""
    fitted = json.loads((project.home / "fitted.json").read_text(encoding="utf-8"))
    challenger = project.run(train.register, fitted)
    _bless(challenger)
    with suppress(Skip):
        project.run(deploy.promote, project.run(choose.choose, MODEL, stage="deploy"), stage="deploy")
    _reconcile(project)
    with suppress(Skip):
        project.run(score.score, MODEL, stage="score")


def _bless(challenger: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.records import Verdict

    run, snapshot = challenger["run"]["run_id"], challenger["snapshot"]["digest"]
    figures = {"challenger": 0.9, "snapshot": snapshot}
    open_ledger().judge(Verdict(MODEL, challenger["version"], run, "promote", "yes", (), figures, None, datetime.now(UTC)))


def _reconcile(project: Project) -> None:
    """Clear promote once more, as an operator does when the process died between the ledger and the alias."""
    from include.ratchet.adapters import open_ledger

    (last,) = open_ledger().promotions(MODEL)
    plan = {
        "model": MODEL,
        "version": last.version,
        "previous": None,
        "action": "promote",
        "evidence": last.evidence,
        "why": "yes",
        "promotions": 0,
    }
    project.run(deploy.promote, plan, stage="deploy")


# -- what must hold afterwards


def nothing_lost(project: Project) -> list[str]:
    """Say what is wrong with the rows: clean and quarantine together are the input, as multisets."""
    clean, held = project.rows(f"clean/{FEED}"), project.rows(f"quarantine/{FEED}")
    found = Counter(clean["visit"]) + Counter(int(json.loads(each)["visit"]) for each in held["original"])
    wrong = (
        [f"rows differ: {found - Counter(range(160))} too many, {Counter(range(160)) - found} too few"]
        if found != Counter(range(160))
        else []
    )
    return wrong + ([f"quarantined {len(held)}, not 2"] if len(held) != 2 else [])


def one_champion(project: Project) -> list[str]:
    """Say what is wrong with the model: one version, one promotion, the alias at it, each row predicted once."""
    import mlflow

    from include.ratchet.adapters import open_ledger, open_registry

    open_registry()
    client = mlflow.MlflowClient()
    versions = [int(each.version) for each in client.search_model_versions(f"name = '{MODEL}'")]
    aliases = {name: int(version) for name, version in client.get_registered_model(MODEL).aliases.items()}
    promoted = [each.version for each in open_ledger().promotions(MODEL)]
    predicted = Counter(project.rows(f"predictions/{MODEL}")["visit"])
    found = {"versions": versions, "aliases": aliases, "promoted": promoted}
    wrong = [] if found == {"versions": [1], "aliases": {"challenger": 1, "champion": 1}, "promoted": [1]} else [str(found)]
    return wrong + ([] if predicted == Counter(range(DAYS * 40 - 1)) else ["predictions are not one of each row"])


# -- the machinery


@dataclass(frozen=True)
class Way:
    """Something that is killed: how a home is prepared, what runs, what must hold, and how often each body is struck."""

    name: str
    prepare: Callable[[Project], None]
    work: Callable[[Project], None]
    wrong: Callable[[Project], list[str]]
    strikes: dict[str, int]


def _deliveries(project: Project) -> None:
    for number in range(2):
        frame = tiny.visits(number * 2, 2)
        frame.loc[5, "x"] = 99.0
        project.deliver(f"{number}.csv", frame)


def _candidates(project: Project) -> None:
    project.deliver("first.csv", tiny.visits())
    project.ingest()
    project.prepare_registry()
    jobs = project.run(snapshot.snapshot, project.run(arbitrate.arbitrate, MODEL))
    fitted = [project.run(train.fit, job) for job in jobs]
    (project.home / "fitted.json").write_text(json.dumps(fitted), encoding="utf-8")


WAYS = (
    Way("take in", _deliveries, take_in, nothing_lost, {"land": 1, "check": 1, "validate": 1, "merge": 4}),
    Way("bring live", _candidates, bring_live, one_champion, {"register": 3, "promote": 2, "score": 2}),
)


def child(
    home: Path, include: Path, work: Callable[[Project], Any], at_line: int | None = None, after: float | None = None
) -> dict[str, Any]:
    """Run `work` in a fork; kill it at a line or after a time [s]; return what it said, the first time of each line, and its duration."""
    reader, writer = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _inside(home, include, work, at_line, writer)
    os.close(writer)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    said = json.loads(text) if text.endswith("}") else {"error": f"no answer; status {status}"}
    return {**said, "killed": os.WIFSIGNALED(status), "seconds": time.monotonic() - began}


def _inside(home: Path, include: Path, work: Callable[[Project], Any], at_line: int | None, writer: int) -> None:
    lines = 0
    first: dict[tuple[str, int], tuple[str, int]] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if event == "call":
            return trace if BODIES in frame.f_code.co_filename else None
        lines += event == "line"
        first.setdefault((frame.f_code.co_filename, frame.f_lineno), (frame.f_code.co_name, lines))
        if event == "line" and lines == at_line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    said: dict[str, Any] = {}
    try:
        os.environ["RATCHET__HOME"] = str(home)
        tiny.read_specs_from(include, pytest.MonkeyPatch())
        project = Project(home, include)
        if at_line is not None:
            sys.settrace(trace)
        said["result"] = work(project)
        sys.settrace(None)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reports it
        sys.settrace(None)
        said["error"] = traceback.format_exc()[-3000:]
    os.write(writer, json.dumps({**said, "lines": list(first.values())}).encode())
    os._exit(0)


def main(folder: Path, seed: int) -> None:
    """Kill each way at lines and at moments; print what was found."""
    load()
    draw, include, kills = random.Random(seed), folder / "include", []  # noqa: S311 - a seeded draw is what is wanted
    tiny.write_specs(include)
    for way in WAYS:
        template = folder / way.name
        template.mkdir()
        require(child(template, include, way.prepare))
        dry = _copied(folder, template, include, way)
        among = {body: sorted({line for name, line in dry["lines"] if name == body}) for body in way.strikes}
        lines = [line for body, times in way.strikes.items() for line in draw.sample(among[body], times)]
        for number, at_line in enumerate([*lines, *[None] * AT_MOMENTS]):
            home = folder / f"{way.name} {number}"
            shutil.copytree(template, home)
            after = None if at_line else draw.uniform(0.05, 0.6) * dry["seconds"]
            struck = child(home, include, way.work, at_line, after)
            again = child(home, include, way.work)
            seen = again if "error" in again else child(home, include, way.wrong)
            wrong = seen.get("result", seen.get("error"))
            kills.append({"way": way.name, "line": at_line, "after": after, "killed": struck["killed"], "wrong": wrong})
            shutil.rmtree(home)
    sys.stdout.write(json.dumps(kills) + "\n")


def _copied(folder: Path, template: Path, include: Path, way: Way) -> dict[str, Any]:
    """Run the work once to its end, to know its lines and its duration."""
    home = folder / "dry"
    shutil.copytree(template, home)
    made = require(child(home, include, way.work, at_line=0))
    shutil.rmtree(home)
    return made


def require(made: dict[str, Any]) -> dict[str, Any]:
    """Return what a child said, unless it failed."""
    if "error" in made:
        raise RuntimeError(made["error"])
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
