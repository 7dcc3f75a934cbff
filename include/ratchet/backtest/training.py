"""What all policies share: the past as it was known, one model of every window, and how well each does in every later window.

A training depends on what was known and on the spec, never on who asked for it: trained once, it is every policy's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from include.ratchet.adapters import open_lake
from include.ratchet.adapters.sandbox import cut
from include.ratchet.backtest import bed
from include.ratchet.backtest.bed import Bed
from include.ratchet.domain import specs
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import DataError, RatchetError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Snapshot, Window
from include.ratchet.steps import compare
from include.ratchet.steps.answers import answer
from include.ratchet.steps.frames import columns_of, features, labelled, labels
from include.ratchet.steps.monitor import FEWEST_ROWS
from include.ratchet.tasks import asked, reading, snapshot, train
from include.ratchet.tasks.seam import run_task
from include.ratchet.tasks.snapshot import split_rows


def spent() -> float:
    """Return the processor time of this process and of those that it started and that ended [s]."""
    return sum(os.times()[:4])


def uncover(made: Bed, number: int) -> None:
    """Write every clean table as it was known at the end of a window."""
    step, lake = made.step(number), open_lake()
    for feed, version in step.tables.items():
        if not made.cut(feed, number).exists():
            time = specs.feed(feed, made.folder / "include" / "configured").time
            if not lake.whole(f"clean/{feed}", version):
                message = (
                    f"feed {feed}: version {version} of its clean table, known at {step.window.end:%Y-%m-%d}, cannot be read any more: "
                    "retention has removed its files. Keep them longer by retention.versions in ratchet.yaml"
                )
                raise DataError(message)
            cut(lake, feed, version, (time.name, step.window.end) if time else None, made.cut(feed, number))


def prepare(made: Bed, number: int) -> None:
    """Keep a window's rows: features as they were known at its end, labels as they are known at the end of the history.

    Raises:
        DataError: They cannot be read as the spec says; which window.
    """
    name = rows_of(number)
    if (made.folder / "shared" / name).exists():
        return
    window = made.step(number).window
    try:
        made.shared.keep(name, _rows(made, number))
    except RatchetError as why:
        message = f"window {number}, {window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}, cannot be measured: {why}"
        raise DataError(message) from why


def _rows(made: Bed, number: int) -> pa.Table:
    window = made.step(number).window
    with made.at(number) as spec:
        rows = reading.transformed(spec, reading.versions(spec), window)
    with made.at(len(made.steps)) as spec:
        matured = Window(window.start, min(window.end, made.steps[-1].window.end - spec.labels.lag))
        known = (
            labelled(reading.transformed(spec, reading.versions(spec), matured), spec) if matured.start < matured.end else rows.slice(0, 0)
        )
    return _relabelled(rows, known, spec)


def rows_of(number: int) -> str:
    """Name the file of a window's rows."""
    return f"windows/{number:03}.parquet"


def _relabelled(rows: pa.Table, known: pa.Table, spec: ModelSpec) -> pa.Table:
    """Give rows the labels of others of the same ids; those without one are left out."""
    ids, label = list(spec.columns.id), spec.columns.label
    if label in ids:
        return rows
    joined = rows.select(ids).to_pandas().merge(known.select([*ids, label]).to_pandas(), on=ids, how="left", indicator=True)
    there = pa.array((joined["_merge"] == "both").to_numpy())
    values = pa.Array.from_pandas(joined[label], type=known.schema.field(label).type)
    return rows.set_column(rows.column_names.index(label), label, values).filter(there)


def model_of(made: Bed, number: int) -> Json:
    """Train the model of a window, and measure it in every later one; return what there is of it, made once.

    Returns:
        `challenger`, what the training run handed to the gate, with its `snapshot` and `params`, the best of each candidate, or
        `skipped`, why there is none; the `seconds` of processor time that it took, and `minutes`; `later`, per number of a later
        window its figure.
    """
    path = _trained_file(made, number)
    if path.exists():
        content: Json = bed.read(path)
        return content
    began, clock = spent(), datetime.now(UTC)
    with made.at(number, f"{bed.TRAINING}/{number:03}") as spec:
        try:
            content = _trained(made, spec, number)
        except (Skip, RatchetError) as why:
            content = {"skipped": str(why)}
        content |= {"seconds": spent() - began, "began": clock.isoformat(), "ended": datetime.now(UTC).isoformat()}
    content["later"] = _later(made, spec, number) if "challenger" in content else {}
    bed.write(path, content)
    return content


def search(made: Bed) -> None:
    """Train the oldest model there can be: what its search finds is what later windows compare and fit, where the plan says so."""
    for step in made.steps:
        if "params" in model_of(made, step.number):
            return


def _found(made: Bed) -> Mapping[str, Json] | None:
    """Return the parameters that the oldest model's search found, by candidate; None where every window searches, or none has yet."""
    for step in made.steps if made.plan["search"] == "once" else ():
        path = _trained_file(made, step.number)
        content = bed.read(path) if path.exists() else {"params": None}
        if "params" in content:
            found: Json | None = content["params"]
            return found
    return None


def _trained_file(made: Bed, number: int) -> Path:
    return made.folder / "trained" / f"{number:03}.json"


def _as_found(spec: ModelSpec, found: Mapping[str, Json]) -> Json:
    """Return what `training:` says with the parameters that were found, and nothing to search."""
    mine = [each.model_dump(mode="json", exclude={"search"}) for each in spec.training.candidates]
    return {"candidates": [each | {"params": found.get(each["name"], each["params"])} for each in mine]}


def _trained(made: Bed, spec: ModelSpec, number: int) -> Json:
    """Run the bodies of a training up to the registered challenger."""
    from include.ratchet.adapters import open_ledger

    run_id, at, found = f"window-{number:03}", made.step(number).window.end, _found(made)

    def call(body: Any, *args: Any) -> Any:
        return run_task(TaskContext(f"{spec.name}_train", run_id, body.__name__, run_type="backtest", who="backtest"), body, *args)

    window = asked.window(spec, TaskContext("", run_id), at)
    run = {
        "run_id": run_id,
        "model": spec.name,
        "reason": "backtest",
        "window": window.to_json(),
        "candidates": list(asked.candidates(spec, [])),
    }
    run |= {"training": _as_found(spec, found)} if found else {}
    jobs = call(snapshot.snapshot, run | {"clock_at": at.isoformat()})
    fitted = [call(train.fit, job | {"explained": False}) for job in jobs]
    challenger = call(train.register, fitted)
    train.by_itself(
        challenger, *split_rows(spec, challenger["snapshot"])
    )  # remembered here, where nobody waits: policies that train in this window judge it side by side
    kept = open_ledger().get_snapshot(challenger["snapshot"]["digest"])
    params = {each["name"]: each["best"]["params"] for each in fitted}
    return {"challenger": challenger, "snapshot": vars(kept) | {"window": kept.window.to_json()}, "params": params}


def snapshot_of(content: Json) -> Snapshot:
    """Return the snapshot that a window's model was trained on."""
    return Snapshot(**content["snapshot"] | {"window": Window.from_json(content["snapshot"]["window"])})


def _later(made: Bed, spec: ModelSpec, number: int) -> dict[str, Json]:
    """Measure a window's model in all that came after it."""
    pipeline, found = made.models.load(spec.name, number), {}
    for each in made.steps[number:]:
        prepare(made, each.number)  # the oldest model is trained beside this work, and may be the first to need it
        found[str(each.number)] = _figure(spec, pipeline, made.shared.kept(rows_of(each.number)))
    return found


def _figure(spec: ModelSpec, pipeline: Any, rows: pa.Table) -> Json:
    """Measure a model on rows: the metric, what each day adds to its error, and how many rows there are."""
    truth = labels(rows, spec)
    if rows.num_rows < FEWEST_ROWS or (spec.classifies and len(set(truth)) < 2):  # noqa: PLR2004
        return {"value": None, "days": [], "rows": rows.num_rows}
    said = answer(pipeline, features(rows, columns_of(pipeline, spec.columns)), spec.gate.threshold)
    times: pd.Series = rows[str(spec.columns.time)].to_pandas()
    found = compare.figure(spec.gate.metric, said, truth, compare.units(times, len(truth)), spec.training.seed)
    return {"value": found.whole, "days": found.influence.tolist(), "rows": found.rows}
