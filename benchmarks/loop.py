"""From the arrival of three months of flights to both champions, beside the same bodies in one plain process."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.project import FOLDER, Project, copy
from benchmarks.table import Row

TITLE = "The whole loop: from the arrival of three months of flights to both champions (imports count on neither side)"
TIMELINE = FOLDER / "timeline.txt"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both sides `repeat` times in turn, each from a fresh home; write the last timeline."""
    feeder = copy("feeder")
    feeder.run("benchmarks.inside.feeder")
    delivered = str(feeder.root / ".ratchet")
    project = copy("loop")
    ours, plain = [], []
    for _ in range(repeat):
        plain.append(_fresh(project).run("benchmarks.inside.plain", delivered))
        ours.append(_fresh(project).run("benchmarks.inside.loop", delivered))
    (FOLDER / "loop.json").write_text(json.dumps({"ours": ours, "plain": plain}, indent=1), encoding="utf-8")
    TIMELINE.write_text(timeline(ours[-1]["timeline"], plain[-1]["bodies"]), encoding="utf-8")
    peer = statistics.median(each["seconds"] for each in plain)
    last = statistics.median(max(each["promoted"].values()) for each in ours)
    first = statistics.median(min(each["promoted"].values()) for each in ours)
    name = "one plain process"
    yield Row(
        "arrival to the last champion, scheduler",
        last,
        peer=peer,
        peer_name=name,
        limit=1.2,
        of_ratio=True,
        note=f"timeline in {TIMELINE.name}",
    )
    yield Row("arrival to the first champion", first, peer=peer, peer_name=name)
    imports = statistics.median(each["imports"] for each in plain)
    yield Row("arrival to the last champion", last, peer=peer + imports, peer_name="the plain process with its imports")
    spent = [sum(each["cpu"].values()) for each in ours]
    yield Row(
        "processor time until then",
        statistics.median(spent),
        peer=statistics.median(each["cpu"] for each in plain),
        peer_name=name,
        note=_parts(ours[-1]["cpu"]),
    )
    yield Row("memory of the whole stack", sum(ours[-1]["memory"].values()), "MB", note="PSS, after the run")


def _parts(cpu: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in sorted(cpu.items(), key=lambda each: -each[1]))


def timeline(tasks: list[dict[str, Any]], bodies: dict[str, float]) -> str:
    """Lay out a run for people: what each task waited for, and how long its body took in the plain process."""
    lines = [f"{'queued':>8} {'started':>8} {'ended':>8} {'waited':>7} {'took':>7} {'plain':>7}  task, [s] after the arrival"]
    for task in tasks:
        name = f"{task['dag']}.{task['task'].split('[')[0].removeprefix('batch.')}"
        waited = task["started"] - task["queued"] if task["queued"] is not None and task["started"] is not None else None
        took = task["ended"] - task["started"] if task["started"] is not None else None
        shared = sum(each["dag"] == task["dag"] and each["task"].split("[")[0] == task["task"].split("[")[0] for each in tasks)
        plain = bodies[name] / shared if name in bodies else None
        numbers = [_cell(each, width) for each, width in zip((task["queued"], task["started"], task["ended"]), (8, 8, 8), strict=True)]
        numbers += [_cell(each, 7) for each in (waited, took, plain)]
        lines.append(f"{' '.join(numbers)}  {task['dag']}.{task['task']}  {task['state']}")
    return "\n".join(lines) + "\n"


def _cell(value: float | None, width: int) -> str:
    return f"{value:{width}.2f}" if value is not None else " " * width


def _fresh(project: Project) -> Project:
    shutil.rmtree(project.root / ".ratchet", ignore_errors=True)
    return project
