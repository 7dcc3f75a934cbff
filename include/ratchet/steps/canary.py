"""Judge a challenger by real requests, at every look anew: errors, latency, and whether it speaks of the same world."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import special, stats

from include.ratchet.domain.modelspec import Canary, ModelSpec
from include.ratchet.domain.target import Figures

FAR = 0.5
"""P(higher) - P(lower) between the predictions of challenger and champion that no retraining explains; a wrong unit does."""
SLOW = 0.01
"""Requests that may take longer than the p99 that the gate allows."""


@dataclass(frozen=True)
class Counts:
    """What a challenger's requests have shown so far; all that the tests look at.

    Attributes:
        asked, failed: Requests, and those that failed.
        single, slow: Requests of one row, and those that took longer than the gate's p99.
        pairs, above: Pairs of a request of its own and one of the champion's, and how many of them it predicts higher;
            a tie counts half.
    """

    asked: int = 0
    failed: int = 0
    single: int = 0
    slow: int = 0
    pairs: int = 0
    above: float = 0.0


def judge(requests: pa.Table, spec: ModelSpec, canary: Canary, version: int, champion: int) -> dict[str, Any]:
    """Compare what two versions answered since the route was opened.

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
    rows = requests.to_pandas().sort_values(["asked_at", "prediction_id"], kind="stable")
    rows["request"] = rows["prediction_id"].str.rsplit(".", n=1).str[0]
    mine = rows[(rows["model_version"] == version) & rows["route"].isin(["shadow", "canary"])]
    theirs = rows[(rows["model_version"] == champion) & (rows["route"] == "champion")]
    asked = mine.drop_duplicates("request")
    counts = _counted(mine, asked, theirs.drop_duplicates("request"), spec.gate.readiness.p99_ms)
    return {
        "requests": counts.asked,
        "shadow": int((asked["route"] == "shadow").sum()),
        "canary": int((asked["route"] == "canary").sum()),
        "errors": counts.failed,
        "p99_ms": round(float(asked["latency_ms"].quantile(0.99)), 2) if counts.asked else None,
        "apart": round(_apart(counts), 4),
        "faults": faults(counts, spec, canary),
    }


def faults(counts: Counts, spec: ModelSpec, canary: Canary) -> list[str]:
    """Say what is shown to be wrong; a healthy challenger is called wrong at most so often, over all looks together.

    Each of three tests has a third of the gate's `alpha_guard`, the one with two sides a half of it for each. Every test
    stays below its level however often it is asked (`evidence`), so that each look may be the last.
    """
    level, found = spec.gate.alpha_guard / 3, []
    if evidence(counts.failed, counts.asked, canary.max_error_rate) >= -math.log(level):
        found.append(f"{counts.failed} of {counts.asked} requests failed; allowed is a share of {canary.max_error_rate:g}")
    if evidence(counts.slow, counts.single, SLOW) >= -math.log(level):
        bound = f"{spec.gate.readiness.p99_ms:g} ms; allowed is a share of {SLOW:g}"
        found.append(f"{counts.slow} of {counts.single} requests of one row took longer than {bound}")
    sides = (counts.above, counts.pairs - counts.above)
    if max(evidence(each, counts.pairs, (1 + FAR) / 2) for each in sides) >= -math.log(level / 2):
        found.append(f"its predictions stand apart from the champion's by {_apart(counts):+.2f}; allowed is {FAR:g}")
    return found


def compare(mine: Figures, theirs: Figures, spec: ModelSpec, canary: Canary) -> list[str]:
    """Say what is shown against a challenger by counts alone, as a target of another's making gives them; at the level of `faults`.

    What the champion does as often is allowed too: clients send wrong rows to both, and requests of many rows, which take
    longer than the gate's bound for one. How often it does is not known either: while the challenger is no worse, each hit
    of both together is the challenger's with a probability of at most `fraction`. A fault is held against it only where
    the evidence against both, what is allowed and what the champion does, is enough; the requests must have been split so
    all the while.
    """
    level, found = spec.gate.alpha_guard / 3, []
    for what, count, other, allowed in (
        ("failed", mine.failed, theirs.failed, canary.max_error_rate),
        (f"took longer than {spec.gate.readiness.p99_ms:g} ms", mine.slow, theirs.slow, SLOW),
    ):
        shown = min(evidence(count, mine.requests, allowed), evidence(count, count + other, canary.fraction))
        if shown >= -math.log(level):
            champion = f"the champion's are {other} of {theirs.requests}"
            found.append(f"{count} of {mine.requests} requests {what}; allowed is a share of {allowed:g}, and {champion}")
    return found


def evidence(hits: float, count: int, allowed: float) -> float:
    """Return the logarithm of the evidence that hits are more frequent than allowed.

    It is the likelihood ratio of all larger rates, weighted evenly, to the allowed one. While the rate is at most the
    allowed one, whatever came before, this is a non-negative supermartingale that starts at 1: over all counts together
    it reaches 1/a with a probability of at most a (Ville's inequality). A hit may count for a part: by the inequality of
    the means the ratio is then smaller than for the hits that it stands for.

    Args:
        hits: How many hits there were, in parts of one.
        count: Of how many.
        allowed: The rate that is allowed, in (0, 1).

    References:
        Ville (1939); Robbins (1970), Statistical methods related to the law of the iterated logarithm, for the mixture.
    """
    misses = count - hits
    larger = float(stats.beta.logsf(allowed, hits + 1, misses + 1)) + float(special.betaln(hits + 1, misses + 1)) - math.log1p(-allowed)
    return larger - hits * math.log(allowed) - misses * math.log1p(-allowed)


def _counted(mine: pd.DataFrame, asked: pd.DataFrame, theirs: pd.DataFrame, p99_ms: float) -> Counts:
    # The gate's bound is for one row; a request of many takes longer in every version.
    single = asked[asked["request"].map(mine["request"].value_counts()) == 1]
    ours = asked.dropna(subset="score")
    higher = _higher(ours, theirs)
    return Counts(
        asked=len(asked),
        failed=int((asked["error"].fillna("") != "").sum()),
        single=len(single),
        slow=int((single["latency_ms"] > p99_ms).sum()),
        pairs=len(higher),
        above=float(higher.sum()),
    )


def _higher(mine: pd.DataFrame, theirs: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Pair each of the challenger's requests with another one of the champion's; 1 is higher, 0 lower.

    One row of a request counts: the others are of the same hour and the same client. A shadow answers the same requests as
    the champion, and is paired with the one before its own, by its id, for lines come late and errors have no score: beside
    the same row, a model that is only calibrated a little differently would be higher every time. What the champion was
    not asked is paired with what is left of its requests, in the order in which they came. None of those serves twice.
    """
    before = mine["request"].map(pd.Series(np.arange(len(theirs)), index=theirs["request"])).to_numpy(dtype=float) - 1
    scores, others = (each["score"].to_numpy(dtype=float) for each in (mine, theirs))
    used = before[before >= 0].astype(int)
    left = np.setdiff1d(np.flatnonzero(~np.isnan(others)), used)
    alone = scores[np.isnan(before)]
    count = min(len(alone), len(left))
    one = np.concatenate([scores[before >= 0], alone[:count]])
    other = others[np.concatenate([used, left[:count]])]
    both = ~np.isnan(other)  # the champion failed on the request before
    one, other = one[both], other[both]
    return (one > other) + 0.5 * (one == other)


def _apart(counts: Counts) -> float:
    return 2 * counts.above / counts.pairs - 1 if counts.pairs else 0.0
