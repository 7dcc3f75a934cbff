"""Judge a challenger by real requests: errors, latency, and whether it speaks of the same world."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
from scipy import stats

from include.ratchet.domain.modelspec import Canary, ModelSpec

FAR = 0.5
"""|P(higher) - P(lower)| between the predictions of challenger and champion that no retraining explains; a wrong unit does."""
SLOW = 0.01
"""Requests that may take longer than the p99 that the gate allows."""


def judge(requests: pa.Table, spec: ModelSpec, canary: Canary, version: int, champion: int) -> dict[str, Any]:
    """Compare what two versions answered since the route was opened.

    A fault is shown, not feared: each of three one-sided tests at a third of the gate's `alpha_guard`, so that one look
    stops a healthy challenger at most so often; several looks at growing data stop it a little more often.

    Args:
        requests: The log of the service, one row per row asked for.
        spec: The model.
        canary: What is allowed.
        version: The challenger, as shadow or canary.
        champion: Who answers the others.

    Returns:
        `requests` that the challenger saw, by `shadow` and `canary`; `errors`; `p99_ms`; `apart`, how much more often it
        predicts higher than the champion than lower [-1, 1]; and `faults`, one sentence each.
    """
    rows = requests.to_pandas()
    mine = rows[(rows["model_version"] == version) & rows["route"].isin(["shadow", "canary"])]
    theirs = rows[(rows["model_version"] == champion) & (rows["route"] == "champion")]
    named = mine.assign(request=mine["prediction_id"].str.rsplit(".", n=1).str[0])
    asked = named.drop_duplicates("request")
    # The gate's bound is for one row; a request of many takes longer in every version.
    single = asked[asked["request"].map(named["request"].value_counts()) == 1]
    level, count = spec.gate.alpha_guard / 3, len(asked)
    failed = int(asked["error"].notna().sum())
    slow = int((single["latency_ms"] > spec.gate.readiness.p99_ms).sum())
    apart, p_apart = _apart(mine["score"].dropna(), theirs["score"].dropna())
    faults = []
    if count and stats.binom.sf(failed - 1, count, canary.max_error_rate) <= level:
        faults.append(f"{failed} of {count} requests failed; allowed is a share of {canary.max_error_rate:g}")
    if len(single) and stats.binom.sf(slow - 1, len(single), SLOW) <= level:
        bound = f"{spec.gate.readiness.p99_ms:g} ms; allowed is a share of {SLOW:g}"
        faults.append(f"{slow} of {len(single)} requests of one row took longer than {bound}")
    if abs(apart) >= FAR and p_apart <= level:
        faults.append(f"its predictions stand apart from the champion's by {apart:+.2f}; allowed is {FAR:g}")
    return {
        "requests": count,
        "shadow": int((asked["route"] == "shadow").sum()),
        "canary": int((asked["route"] == "canary").sum()),
        "errors": failed,
        "p99_ms": round(float(asked["latency_ms"].quantile(0.99)), 2) if count else None,
        "apart": round(apart, 4),
        "faults": faults,
    }


def _apart(mine: pd.Series, theirs: pd.Series) -> tuple[float, float]:
    """Return how much more often a prediction is higher than lower, and the p-value that the two are alike."""
    if mine.empty or theirs.empty:
        return 0.0, 1.0
    found = stats.mannwhitneyu(mine, theirs)
    return float(2 * found.statistic / (len(mine) * len(theirs)) - 1), float(found.pvalue)
