"""A million rows, 20 columns, 40 row rules: our sorting, and one plain run of Great Expectations. Arguments: result, rows, bad share."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

FLOATS, INTS = 12, 6


def main() -> None:
    """Measure both on the same frame; write processor times [s] and memory [bytes]."""
    result, rows, bad = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    began = time.perf_counter()
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.steps.decode import Decoded
    from include.ratchet.steps.validate import sort_rows

    imported, base = time.perf_counter() - began, _peak()
    table, original = _made(rows, bad)
    spec = FeedSpec.model_validate(_spec())
    batch, ours, plains = Decoded(table, original, {}), [], []
    sort_rows(Decoded(table.slice(0, 1000), original.slice(0, 1000), {}), spec, "warm")  # what is loaded at the first run is set-up
    held = _peak() - base
    found = sort_rows(batch, spec, "bench")
    peak = _peak() - base
    for _ in range(2):
        definition = _definition(spec)
        frame = table.to_pandas()
        began = time.process_time()
        definition.run(batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"})
        plains.append(time.process_time() - began)
        del frame
        began = time.process_time()
        sort_rows(batch, spec, "bench")
        ours.append(time.process_time() - began)
    said = {"imports": imported, "ours": min(ours), "plain": min(plains), "peak": peak, "held": held, "arrow": table.nbytes}
    result.write_text(json.dumps(said | {"bad": found.quarantined.num_rows}), encoding="utf-8")


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
