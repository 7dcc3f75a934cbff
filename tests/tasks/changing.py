"""Kill promote and rollback at every line: `python -m tests.tasks.changing HOME FOLDER FIRST STEP`; prints the table as JSON.

HOME is a home whose champion is version 1, with version 2 blessed. The lines are those of the body and of what it calls
in the ledger and the registry; FIRST and STEP choose among them. After each kill the champion is one of the two, and the
same task run again completes what was begun.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from include.ratchet.domain import specs
from include.ratchet.domain.records import Json
from tests import tiny
from tests.tasks.killing import load
from tests.tiny import MODEL, Project

WATCHED = ("tasks/deploy.py", "adapters/ledger/promotions.py", "adapters/ledger/seals.py", "adapters/registry.py")
"""Files, below include/ratchet, whose lines are injection points."""
WAYS = ("promote", "rollback")


def plan_of(way: str) -> Json:
    """Return what `choose` would hand to `promote`: from 1 to 2, or from 2 back to 1."""
    from include.ratchet.adapters import open_ledger

    to = 2 if way == "promote" else 1
    verdict = open_ledger().blessing(MODEL, to)
    assert verdict
    plan = {"model": MODEL, "version": to, "previous": 3 - to, "action": way, "evidence": verdict.digest, "why": "killed"}
    return plan | {"promotions": 1 if way == "promote" else 2}


def change(way: str) -> None:
    """Run the body, as its task would."""
    from include.ratchet.tasks import deploy

    home = Path(os.environ["RATCHET__HOME"])
    Project(home, home).run(deploy.promote, plan_of(way), stage="deploy")


def wrong(way: str, *, done: bool) -> list[str]:
    """Say what is wrong with ledger and registry after a kill, or after the task was run again."""
    from include.ratchet.adapters import open_ledger, open_registry

    open_registry()
    import mlflow

    ledger, plan = open_ledger(), plan_of(way)
    new, old = plan["version"], plan["previous"]
    changes = [each.version for each in reversed(ledger.promotions(MODEL))]
    before = [1] if way == "promote" else [1, 2]
    allowed = [[*before, new]] if done else [before, [*before, new]]
    aliases = {name: int(version) for name, version in mlflow.MlflowClient().get_registered_model(MODEL).aliases.items()}
    champions = {aliases.get("champion")} - ({new} if done else {new, old})
    said = [fault for each in ledger.audit() for fault in each.faults]
    said += [] if changes in allowed else [f"promotions are {changes}"]
    said += [f"the alias names {each}" for each in champions]
    return said + ([] if ledger.champion(MODEL) == changes[-1] else ["two champions"])


def forked(home: Path, work: Callable[[], Any], at: int | None = None) -> Json:
    """Run `work` in a fork that dies at the `at`th watched line; return what it said, and its lines by their first number."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _inside(home, work, at, writer)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    return {**(json.loads(text) if text.endswith("}") else {}), "killed": os.WIFSIGNALED(status)}


def _inside(home: Path, work: Callable[[], Any], at: int | None, writer: int) -> None:
    count = 0
    first: dict[str, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        code = frame.f_code
        if event == "call":
            return trace if code.co_filename.endswith(WATCHED) else None
        if event == "line":
            count += 1
            first.setdefault(f"{'/'.join(Path(code.co_filename).parts[-2:])}:{frame.f_lineno} {code.co_name}", count)
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    said: Json = {}
    try:
        os.environ["RATCHET__HOME"] = str(home)
        sys.settrace(trace if at is not None else None)
        said["result"] = work()
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reports it
        said["error"] = traceback.format_exc()[-2000:]
    sys.settrace(None)
    os.write(writer, json.dumps({**said, "lines": first}).encode())
    os._exit(0)


def _copy(source: Path, target: Path) -> Path:
    """Copy the databases of a home: all that a change of champion touches."""
    shutil.rmtree(target, ignore_errors=True)
    for path in filter(Path.is_file, source.rglob("*.db*")):  # a file of locks lies in a folder
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return target


def strike(template: Path, folder: Path, way: str, at: int) -> Json:
    """Kill once, look, run again, look."""
    home = _copy(template, folder / "home")
    struck = forked(home, lambda: change(way), at)

    def again() -> list[str]:
        halfway = [f"after the kill: {said}" for said in wrong(way, done=False)]
        change(way)
        return halfway + wrong(way, done=True)

    seen = forked(home, again)
    return {"way": way, "killed": struck["killed"], "wrong": seen.get("result", [seen.get("error", "no answer")])}


def main(home: Path, folder: Path, first: int, step: int) -> None:
    """Kill each way at the chosen lines; print the table."""
    tiny.write_specs(folder / "include")
    specs.INCLUDE = folder / "include"
    load()
    kills = []
    template = _copy(home, folder / "promote")
    for way in WAYS:
        dry = forked(_copy(template, folder / "dry"), lambda way=way: change(way), 0)  # type: ignore[misc]
        if "error" in dry:
            raise RuntimeError(dry["error"])
        points = sorted(dry["lines"].items(), key=lambda point: point[1])
        kills += [{"point": point, **strike(template, folder, way, at)} for point, at in points[first::step]]
        template = _copy(folder / "dry", folder / "rollback")
    sys.stdout.write(json.dumps(kills) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
