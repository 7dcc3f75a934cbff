"""The gate on many rows, without the fresh process; and one call of scikit-learn's roc_auc_score beside it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.ratchet.domain import specs

DAYS = 28
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
    """Measure challenger, champion and baseline on the rows given; write the times."""
    result, rows = Path(sys.argv[1]), int(sys.argv[2])
    from sklearn.metrics import roc_auc_score

    from include.ratchet.domain.records import Window
    from include.ratchet.steps.evaluate import evaluate
    from include.ratchet.steps.frames import features, labels, split
    from include.ratchet.steps.pipeline import fit_pipeline, training_rows

    spec = specs.model(MODEL)
    table = _made(rows)
    end = table["scheduled_departure"].to_pandas().max()
    parts = split(table, spec, Window(datetime(1900, 1, 1, tzinfo=UTC), end.to_pydatetime() + spec.labels.lag))
    x, y = features(table, spec.columns), labels(table, spec)
    train = training_rows(table.filter(parts.train), spec)
    challenger, champion = (fit_pipeline(spec, each, each.params, train) for each in spec.training.candidates[:2])
    began = time.perf_counter()
    evaluate(spec, table, parts, challenger, champion, Proved())
    gate = time.perf_counter() - began
    scores = challenger.predict_proba(x[parts.test])[:, 1]
    began = time.perf_counter()
    roc_auc_score(y[parts.test], scores)
    one = time.perf_counter() - began
    result.write_text(json.dumps({"gate": gate, "one": one, "rows": int(parts.test.sum())}), encoding="utf-8")


def _made(rows: int) -> Any:
    """Draw rows of the shape of `flight_delay`; the test part has about `rows` of them."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    spec = specs.model(MODEL)
    draw, days = np.random.default_rng(0), DAYS * 2
    count = rows * days // DAYS
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(draw.uniform(0, days * 86400, count)), unit="s")
    frame: dict[str, Any] = {name: draw.normal(size=count) for name in spec.columns.numeric}
    frame |= {name: draw.choice(["a", "b", "c"], count) for name in spec.columns.categorical}
    frame |= {"flight_id": [str(i) for i in range(count)], "scheduled_departure": times.floor("us")}
    frame["late"] = frame["temp"] + frame["humid"] + draw.normal(size=count) * 2 > 1
    return pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)


if __name__ == "__main__":
    main()
