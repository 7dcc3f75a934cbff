"""Bring the ends of runs into the ledger: `python -m include.ratchet.tasks.ends FOLDER`, started by the listener."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.domain.records import Json
from include.ratchet.tasks import openlineage

REASONS = {
    "upstream_failed": "an earlier task failed",
    "skipped": "an earlier task was skipped",
    "removed": "the DAG has no such task any more",
}
KILLED = "it left no record of its own: killed, or never started"


def record_all(folder: Path) -> int:
    """Record every run end that lies in the folder, and remove it; return how many there were.

    What cannot be recorded stays there, with an error, for the next time.
    """
    done = 0
    while waiting := sorted(folder.glob("*.json")):
        for path in waiting:
            record(json.loads(path.read_text(encoding="utf-8")))
            path.unlink()
            done += 1
    return done


def record(run: Json) -> list[Json]:
    """Add to the ledger the tries of a run that left no record of their own; return them."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    known = {_key(step): step["state"] for step in ledger.steps(run["run_id"]) if step["dag_id"] == run["dag_id"]}
    found = [_skipped_since(each, known) for task in run["tasks"] for each in _tries(task)]
    missing = [each for each in found if _key(each) not in known]
    for each in missing:
        ended = {"dag_id": run["dag_id"], "run_id": run["run_id"], **each}
        ledger.step(parameters={"conf": run["conf"]}, **ended)
        if each["state"] == "failed":  # its start may have been told; what never started has no end
            openlineage.tell(ended)
    return missing


def _key(step: Json) -> tuple[str, int, int]:
    return step["task_id"], step["map_index"], step["try_number"]


def _skipped_since(step: Json, known: dict[tuple[str, int, int], str]) -> Json:
    """Give a skip the negative of its number where the try that has it failed: the task was cleared since, and a branch passes it by.

    Airflow counts a try when it starts, so that the skip carries the failed one's number; without a record of it the
    failure would stay the newest that is known of the task, and its alert would stand.
    """
    if step["state"] == "skipped" and known.get(_key(step)) == "failed":
        return step | {"try_number": -step["try_number"]}
    return step


def _tries(task: Json) -> list[Json]:
    """Return all tries of a task that have ended, as the ledger's steps; of earlier ones only the number is known."""
    from include.ratchet.tasks.seam import code_version

    now = datetime.now(UTC).isoformat()
    ended = task["ended_at"] or task["started_at"] or now
    made = []
    for number in range(1, max(task["try_number"], 1) + 1):
        last = number >= task["try_number"]
        state = task["state"] if last else "failed"
        if state in {"success", "None"}:
            continue  # a task of ours that ended well has recorded itself
        made.append(
            {
                "task_id": task["task_id"],
                "map_index": task["map_index"],
                "try_number": number,
                "state": state,
                "executor": task["executor"],
                "code_version": code_version(),
                "started_at": datetime.fromisoformat(task["started_at"] or ended),
                "ended_at": datetime.fromisoformat(ended),
                "output": "",
                "reason": REASONS.get(state, KILLED),
            }
        )
    return made


if __name__ == "__main__":
    record_all(Path(sys.argv[1]))
