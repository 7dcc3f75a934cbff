"""The gate on many rows and 20 segments, without the fresh process; and one call of scikit-learn's roc_auc_score beside it."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.ratchet.domain import specs

DAYS, SEGMENTS, TRAINED = 28, 20, 100_000
MODEL = "flight_delay"


@dataclass
class Proved:
    """What the fresh process would have said."""

    predictions: list[list[float]] = field(default_factory=list)
    p99_ms: float = 1.0
    size_mb: float = 1.0
    error: str = "not asked in this measurement"
    odd: str = ""


def main() -> None:
    """Measure challenger, champion and baselines on the rows given; write the times, and the memory of the process."""
    result, rows = Path(sys.argv[1]), int(sys.argv[2])
    import numpy as np
    from sklearn.metrics import roc_auc_score

    from include.ratchet.steps.answers import answer_all
    from include.ratchet.steps.evaluate import evaluate
    from include.ratchet.steps.frames import Split, labels
    from include.ratchet.steps.pipeline import fit_pipeline, training_rows

    spec = _spec()
    table = _made(spec, TRAINED + rows)
    parts = Split(train=np.arange(table.num_rows) < TRAINED, test=np.arange(table.num_rows) >= TRAINED)
    train = training_rows(table.slice(0, TRAINED), spec)
    challenger, champion = (fit_pipeline(spec, each, each.params, train) for each in spec.training.candidates[:2])
    began, cpu = time.perf_counter(), time.process_time()
    decision, _ = evaluate(spec, table, parts, challenger, champion, Proved())
    found = {"gate": time.perf_counter() - began, "gate_cpu": time.process_time() - cpu}
    began, test = time.perf_counter(), table.slice(TRAINED)
    said = answer_all({"challenger": challenger, "champion": champion}, test, spec.columns)
    found["predict"] = time.perf_counter() - began
    began = time.perf_counter()
    roc_auc_score(labels(test, spec), said["challenger"].score)
    found["one"] = time.perf_counter() - began
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    segments = sum(each.rule.startswith("segment carrier") for each in decision.rules)
    result.write_text(json.dumps(found | {"rows": rows, "segments": segments}), encoding="utf-8")


def _spec() -> Any:
    spec = specs.model(MODEL)
    own = {"numeric": tuple(name for name in spec.columns.numeric if "__" not in name), "segments": ("carrier",)}
    return spec.model_copy(update={"columns": spec.columns.model_copy(update=own), "views": ()})


def _made(spec: Any, count: int) -> Any:
    """Draw rows of the shape of `flight_delay` over twice the test days; `carrier` has 20 values."""
    import numpy as np
    import pyarrow as pa

    draw = np.random.default_rng(0)
    seconds = np.sort(draw.uniform(0, DAYS * 86400, count)).astype("int64")
    made: dict[str, Any] = {name: draw.normal(size=count) for name in spec.columns.numeric}
    words = {name: [f"{name}{i}" for i in range(SEGMENTS if name == "carrier" else 3)] for name in spec.columns.categorical}
    for name, known in words.items():
        made[name] = pa.DictionaryArray.from_arrays(draw.integers(0, len(known), count), known).cast(pa.string())
    made["flight_id"] = pa.array(np.arange(count)).cast(pa.string())
    made["scheduled_departure"] = pa.array((1_767_225_600 + seconds) * 1_000_000).cast(pa.timestamp("us", "UTC"))
    made["late"] = made["temp"] + made["humid"] + draw.normal(size=count) * 2 > 1
    return pa.table(made)


if __name__ == "__main__":
    main()
