"""Lay a challenger's evidence before the gate: proofs, guards and checks on the same untouched test rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from include.ratchet.domain.claims import claim
from include.ratchet.domain.gate import Decision, Measured, decide
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import GAIN, Gain, Occasion
from include.ratchet.steps import checks, compare, stated
from include.ratchet.steps.answers import answer_all
from include.ratchet.steps.baselines import fit_baselines
from include.ratchet.steps.bench import Bench
from include.ratchet.steps.checks import Proved
from include.ratchet.steps.frames import WAVE, Split, columns_of, features, labels, split_keys
from include.ratchet.steps.guards import guards

POINTS = (0.005, 0.01, 0.02)
RIVALS = {
    "champion": (GAIN, "champion"),
    "baseline": ("gain over the baseline", "baseline"),
    "one_feature": ("gain over one feature", "baseline"),
}
"""Whom the challenger is compared with: the rule's name, and what of the spec it is held to."""
_SHARES = ("roc_auc", "accuracy", "average_precision", "f1", "precision", "recall", "r2", "jaccard", "top_k", "matthews")


def evaluate(  # noqa: PLR0913, PLR0917 - who is judged, on what, and when
    spec: ModelSpec,
    rows: pa.Table,
    parts: Split,
    challenger: Any,
    champion: Any,
    proved: Proved,
    occasion: Occasion = Occasion(),  # noqa: B008 - frozen
    trivial: Mapping[str, Any] | None = None,
) -> tuple[Decision, dict[str, Any]]:
    """Measure everything that the spec's gate asks for, and decide.

    Args:
        spec: The model.
        rows: The snapshot's rows.
        parts: Which of them are for what; only the test rows are judged on.
        challenger: The fitted pipeline that would serve.
        champion: The fitted pipeline that serves, None before the first.
        proved: What the fresh process said.
        occasion: Who chose the candidates, and what was judged before.
        trivial: The baselines, where they are fitted on these train rows already.

    Returns:
        The decision, and the figures of all three models for people to read.
    """
    y, test, gate = labels(rows, spec), rows.filter(pa.array(parts.test)), spec.gate
    train = features(rows.filter(pa.array(parts.train)), spec.columns), y[parts.train]
    asked = {"challenger": challenger, **(trivial or fit_baselines(spec, train))}
    unasked: list[Measured] = []
    theirs = columns_of(champion, spec.columns) if champion is not None else spec.columns
    gone = [name for name in theirs.features if name not in test.column_names]
    if gone:  # not compared is not shown: let the transform return the column until another champion serves
        text = f"{GAIN}, which needs {', '.join(gone)} of the transform, cannot be measured on these rows"
        unasked = [Measured(GAIN, None, 0.0, doubt=text)]
    elif champion is not None and theirs == spec.columns:
        asked["champion"] = champion
    said = answer_all(asked, test, spec.columns, gate.threshold)
    if champion is not None and not gone and "champion" not in said:
        said |= answer_all({"champion": champion}, test, theirs, gate.threshold)
    bench = Bench(spec, said, y[parts.test], _units(spec, test), test, challenger)
    alpha = gate.alpha / gate.test_reuse.looks
    # NaN and infinity are refused by "finite answers", and make no figure.
    with np.errstate(invalid="ignore"), ThreadPoolExecutor(2) as beside:
        # Neither changes what the others read; they sort and hash outside the interpreter's lock.
        guarded = beside.submit(copy_context().run, guards, bench)
        sane = beside.submit(copy_context().run, lambda: list(checks.sanity(bench, rows, parts, y)))
        found = [*_proofs(bench, alpha, by_hand=occasion.by_hand), *unasked]
        seen = [
            checks.unseen(occasion.looks, gate.test_reuse.looks, timed=spec.columns.time is not None),
            *sane.result(),
            *checks.readiness(spec, test, challenger, proved),
        ]
        decision = decide(found, guarded.result(), seen, alpha, gate.alpha_guard)
    return decision, _figures(bench, alpha, proved) | _claimed(decision, occasion, gate.smallest_gain)


def window_tested(spec: ModelSpec, rows: pa.Table, parts: Split) -> dict[str, str | int]:
    """Return the times of the first and the last test row, UTC; the wave of the test rows where there is no time."""
    if spec.columns.time is None:
        return {"wave": int(rows[WAVE].filter(pa.array(parts.test))[0].as_py()) if WAVE in rows.column_names else 0}
    times = rows[spec.columns.time].to_pandas()[parts.test]
    return {"first": times.min().isoformat(), "last": times.max().isoformat()}


def _units(spec: ModelSpec, test: pa.Table) -> compare.Units:
    """Return what was sampled as one: days where there is time, entities where they are named, else rows."""
    if spec.columns.time:
        return compare.units(test[spec.columns.time].to_pandas(), test.num_rows)
    return compare.units(None, test.num_rows, split_keys(test, spec) if spec.columns.entity else None)


def _proofs(bench: Bench, alpha: float, *, by_hand: bool) -> Iterator[Measured]:
    gate = bench.spec.gate
    for name, bound in gate.bounds.items():
        sign = 1.0 if bound.sign == ">=" else -1.0
        found = compare.measure(f"business {name}", bench.figure(name, "challenger").times(sign), alpha, sign * bound.value)
        yield stated.of_proof(found, alpha, gains(name, gate.smallest_gain), sign * bound.value)
    for who, (rule, against) in RIVALS.items():
        if who in bench.answers:
            held, gain = getattr(gate, against), bench.figure(gate.metric, "challenger") - bench.figure(gate.metric, who)
            found = compare.measure(rule, gain, alpha, held.null(by_hand=by_hand and who == "champion"))
            yield replace(stated.of_proof(found, alpha, gains(gate.metric, gate.smallest_gain), 0.0), margin=held.margin)


def gains(metric: str, smallest: float) -> dict[str, float]:
    """Return the gains that power is stated at: none, 0.5, 1 and 2 points of a share, and the smallest worth having.

    A metric in a unit of its own, such as minutes, has no points: half, one and two times the smallest gain take their place.
    """
    fixed = POINTS if metric.startswith(_SHARES) or metric == "balanced_accuracy" else tuple(smallest * k for k in (0.5, 1.0, 2.0))
    return {"0": 0.0, **{f"{gain:g}": gain for gain in fixed}, "smallest_gain": smallest}


def _figures(bench: Bench, alpha: float, proved: Proved) -> dict[str, Any]:
    name = bench.spec.gate.metric
    figures: dict[str, Any] = {"metric": name, "test_rows": len(bench.truth), "test_blocks": bench.sampled.count, "alpha": alpha}
    figures |= {who: round(bench.figure(name, who).whole, 6) for who in bench.answers}
    intervals = {who: compare.measure(who, bench.figure(name, who), alpha) for who in bench.answers}
    figures["intervals"] = {who: [each.low, each.high] for who, each in intervals.items()}
    return figures | {"p99_ms": round(proved.p99_ms, 2), "size_mb": round(proved.size_mb, 3)}


def _claimed(decision: Decision, occasion: Occasion, scale: float) -> dict[str, Any]:
    """Shrink the observed gain: of many challengers, the one that is promoted was lucky too."""
    for rule in decision.rules:
        if rule.rule == GAIN and rule.estimate is not None and rule.error:
            return {"claimed_gain": claim([*occasion.gains, Gain(rule.estimate, rule.error)], scale).to_json()}
    return {}
