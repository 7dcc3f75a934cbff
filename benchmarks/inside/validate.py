"""A million rows, 20 columns, 40 row rules: our sorting, and one plain run of Great Expectations. Arguments: result, rows, bad share."""

from __future__ import annotations

import functools
import importlib
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLOATS, INTS, TIMES = 12, 6, 3
FEW, BLOCK = 1000, 8192
"""Rows of a small batch, and of a block of cells: CSV is read in blocks of a megabyte."""


def main() -> None:
    """Measure both on the same frame; write processor times [s] and memory [bytes]."""
    result, rows, bad = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    # By a process of its own: what making the batch takes would hide the peak of sorting it.
    maker = multiprocessing.get_context("spawn").Process(target=_write, args=(result, rows, bad))
    maker.start()
    maker.join()
    began = time.process_time()
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.steps.decode import Decoded

    importlib.import_module("include.ratchet.steps.validate")
    said: dict[str, Any] = {"imports": time.process_time() - began}
    spec = FeedSpec.model_validate(_spec())
    table, original = _made(FEW, bad)
    few = Decoded(table, original, {})
    _sort(few, spec)  # what is loaded at the first run is set-up
    said["setup"] = _timed(lambda: _sort(few, spec))
    base = _peak()
    table, original = (_read(result.with_suffix(suffix)) for suffix in SUFFIXES)
    batch = Decoded(table, original, {})
    said |= {"arrow": batch.rows.nbytes, "cells": batch.original.nbytes, "bad": _sort(batch, spec), "peak": _peak() - base}
    ours, plains = [], []
    for _ in range(TIMES):
        definition, frame = _definition(spec), batch.rows.to_pandas()
        plains.append(_timed(functools.partial(definition.run, batch_parameters={"dataframe": frame}, result_format=COMPLETE)))
        del frame
        ours.append(_timed(lambda: _sort(batch, spec)))
    result.write_text(json.dumps(said | {"ours": min(ours), "plain": min(plains)}), encoding="utf-8")


SUFFIXES = (".rows", ".cells")
COMPLETE = {"result_format": "COMPLETE"}


def _sort(batch: Any, spec: Any) -> int:
    """Sort a batch and take both sides of it, as they are written; return how many rows are bad."""
    from include.ratchet.steps.validate import sort_rows

    found = sort_rows(batch, spec, "bench")
    good, bad = (sum(int(part.num_rows) for part in side) for side in (found.clean(), found.quarantined()))
    if good + bad != batch.rows.num_rows:
        message = f"{good} clean rows and {bad} bad ones of {batch.rows.num_rows}"
        raise RuntimeError(message)
    return bad


def _timed(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _write(result: Path, rows: int, bad: float) -> None:
    """Keep the batch as Arrow: its rows in one piece, its cells in many, as decoding leaves them."""
    import pyarrow as pa

    for table, suffix, block in zip(_made(rows, bad), SUFFIXES, (None, BLOCK), strict=True):
        with pa.OSFile(str(result.with_suffix(suffix)), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=block)


def _read(place: Path) -> Any:
    import pyarrow as pa

    with pa.OSFile(str(place)) as file, pa.ipc.open_stream(file) as stream:
        return stream.read_all()


def _definition(spec: Any) -> Any:
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    data = context.data_sources.add_pandas("b").add_dataframe_asset("a").add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite("plain"))
    for each in spec.expectations:
        suite.add_expectation(get_expectation_impl(each.type)(**each.kwargs))
    return context.validation_definitions.add(gx.ValidationDefinition(name="plain", data=data, suite=suite))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _spec() -> dict[str, Any]:
    floats, ints = [f"f{i}" for i in range(FLOATS)], [f"i{i}" for i in range(INTS)]
    rules = [{"type": "expect_column_values_to_be_between", "column": n, "min_value": -10, "max_value": 10} for n in floats]
    rules += [{"type": "expect_column_values_to_be_between", "column": n, "min_value": 0, "max_value": 999} for n in ints]
    rules += [{"type": "expect_column_values_to_not_be_null", "column": n} for n in (*floats, *ints, "word", "id")]
    rules.append({"type": "expect_column_values_to_be_in_set", "column": "word", "value_set": ["alpha", "beta", "gamma"]})
    rules.append({"type": "expect_column_value_lengths_to_be_between", "column": "word", "min_value": 4, "max_value": 5})
    columns = {"id": "int64", "word": "string"} | dict.fromkeys(floats, "float64") | dict.fromkeys(ints, "int64")
    source = {"kind": "files", "uri": "landing://bench/*.csv"}
    return {"name": "bench", "source": source, "key": ["id"], "schema": columns, "expectations": rules, "quarantine": {"max_fraction": 1}}


def _made(rows: int, bad: float) -> tuple[Any, Any]:
    """Make the batch; each bad row breaks one rule of one float column, drawn."""
    import numpy as np
    import pyarrow as pa

    draw = np.random.default_rng(0)
    frame: dict[str, Any] = {"id": np.arange(rows), "word": draw.choice(["alpha", "beta", "gamma"], rows)}
    frame |= {f"f{i}": draw.normal(size=rows).round(6) for i in range(FLOATS)}
    frame |= {f"i{i}": draw.integers(0, 1000, rows) for i in range(INTS)}
    broken, which = draw.random(rows) < bad, draw.integers(0, FLOATS, rows)
    for i in range(FLOATS):
        frame[f"f{i}"][broken & (which == i)] = 99.0
    table = pa.table(frame)
    return table, pa.table({name: table[name].cast(pa.string()) for name in table.column_names})


if __name__ == "__main__":
    main()
