"""Lay a challenger's evidence before the gate: proofs, guards and checks on the same untouched test rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.gate import Checked, Decision, Measured, decide
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps import compare
from include.ratchet.steps.baselines import fit_baselines
from include.ratchet.steps.compare import Answers
from include.ratchet.steps.frames import Split, columns_of, features, labels

SAME = 1e-9
"""How far the fresh process may be from this one."""


class Proved(Protocol):
    """What a fresh process said: predictions per row, CPU time of a row [ms], size [MB], error or nothing."""

    @property
    def predictions(self) -> list[list[float]]:
        """Per row."""
        ...

    @property
    def p99_ms(self) -> float:
        """CPU time of one row."""
        ...

    @property
    def size_mb(self) -> float:
        """Of the artifact."""
        ...

    @property
    def error(self) -> str:
        """Empty when it answered."""
        ...


def evaluate(
    spec: ModelSpec, rows: pa.Table, parts: Split, challenger: Any, champion: Any, proved: Proved
) -> tuple[Decision, dict[str, Any]]:
    """Measure everything that the spec's gate asks for, and decide.

    Args:
        spec: The model.
        rows: The snapshot's rows.
        parts: Which of them are for what; only the test rows are judged on.
        challenger: The fitted pipeline that would serve.
        champion: The fitted pipeline that serves, None before the first.
        proved: What the fresh process said.

    Returns:
        The decision, and the figures of all three models for people to read.

    Raises:
        DataError: A configured segment column is not in the data.
    """
    x, y = features(rows, spec.columns), labels(rows, spec)
    test = rows.filter(pa.array(parts.test))
    times = test[spec.columns.time].to_pandas() if spec.columns.time else None
    block = compare.blocks(times, test.num_rows, spec.training.seed)
    truth, seen = y[parts.test], x[parts.test]
    gate = spec.gate
    answers = {"challenger": compare.answer(challenger, seen, gate.threshold)}
    unasked: list[Measured] = []
    if champion is not None:
        theirs = columns_of(champion, spec.columns)
        gone = [name for name in theirs.features if name not in test.column_names]
        if not gone:
            answers["champion"] = compare.answer(champion, features(test, theirs), gate.threshold)
        else:  # not compared is not shown: let the transform return the column until another champion serves
            unasked = [Measured(f"gain over the champion, which needs {', '.join(gone)} of the transform,", None, 0.0)]
    for who, trivial in fit_baselines(spec, (x[parts.train], y[parts.train])).items():
        answers[who] = compare.answer(trivial, seen, gate.threshold)
    bench = _Bench(spec, answers, truth, block, test)
    checks = list(_checks(spec, answers, seen, proved, challenger))
    decision = decide([*_proofs(bench), *unasked], list(_guards(bench)), checks, gate.alpha, gate.alpha_guard)
    figures = {"metric": gate.metric, "test_rows": len(truth), "test_blocks": len(np.unique(block))}
    figures |= {who: round(bench.figure(gate.metric, who).whole, 6) for who in answers}
    intervals = {who: compare.measure(who, bench.figure(gate.metric, who), gate.alpha) for who in answers}
    figures["intervals"] = {who: [each.low, each.high] for who, each in intervals.items()}
    figures |= {"p99_ms": round(proved.p99_ms, 2), "size_mb": round(proved.size_mb, 3)}
    return decision, figures


class _Bench:
    """The test rows with every model's answers; each metric of each model is computed once."""

    def __init__(
        self, spec: ModelSpec, answers: dict[str, Answers], truth: npt.NDArray[Any], block: npt.NDArray[np.int_], test: pa.Table
    ) -> None:
        self.spec, self.answers, self.truth, self.block, self.test = spec, answers, truth, block, test
        self._known: dict[tuple[str, str], compare.Replicates] = {}

    def figure(self, metric: str, who: str) -> compare.Replicates:
        """Return a metric of one model, with each block left out."""
        if (metric, who) not in self._known:
            self._known[metric, who] = self.replicate(compare.metric(metric, self.answers[who], self.truth))
        return self._known[metric, who]

    def replicate(self, statistic: compare.Statistic) -> compare.Replicates:
        """Leave out each block."""
        return compare.replicate(statistic, self.block)

    def gain(self, inside: npt.NDArray[np.bool_]) -> compare.Replicates:
        """Return challenger less champion among some rows."""
        among = [_among(compare.metric(self.spec.gate.metric, self.answers[who], self.truth), inside) for who in ("challenger", "champion")]
        return self.replicate(among[0]) - self.replicate(among[1])


def _proofs(bench: _Bench) -> Iterator[Measured]:
    gate = bench.spec.gate
    for name, bound in gate.bounds.items():
        sign = 1.0 if bound.sign == ">=" else -1.0
        yield compare.measure(f"business {name}", bench.figure(name, "challenger").times(sign), gate.alpha, sign * bound.value)
    rivals = (("champion", gate.champion), ("baseline", gate.baseline), ("one_feature", gate.baseline))
    for who, against in rivals:
        if who in bench.answers:
            null = -against.margin if against.mode == "non_inferior" else 0.0
            gain = bench.figure(gate.metric, "challenger") - bench.figure(gate.metric, who)
            yield compare.measure(f"gain over {'one feature' if who == 'one_feature' else f'the {who}'}", gain, gate.alpha, null)
    yield from _required(bench)


def _required(bench: _Bench) -> Iterator[Measured]:
    """Name the required segments that these rows cannot judge: what cannot be proved makes the verdict inconclusive."""
    gate, columns = bench.spec.gate, bench.spec.columns.segments
    if gate.segments is None or "champion" not in bench.answers:
        return
    known = {f"{column}={value}": inside for column in columns for value, inside in _groups(bench.test, column)}
    for required in gate.segments.required:
        if required not in known or not np.isfinite(bench.gain(known[required]).whole):
            yield Measured(f"required segment {required}", None, -gate.segments.margin)


def _guards(bench: _Bench) -> Iterator[Measured]:
    spec, gate, mine = bench.spec, bench.spec.gate, bench.answers["challenger"]
    if gate.segments and "champion" in bench.answers:
        for column in spec.columns.segments:
            for value, inside in _groups(bench.test, column):
                yield compare.measure(f"segment {column}={value}", bench.gain(inside), gate.alpha_guard, -gate.segments.margin)
    if gate.calibration and spec.task == "binary":
        error = bench.replicate(compare.calibration_error(mine, bench.truth)).times(-1.0)
        yield compare.measure("calibration", error, gate.alpha_guard, -gate.calibration.max_error)
    if gate.flips and "champion" in bench.answers:
        changed = mine.predicted != bench.answers["champion"].predicted
        yield compare.measure("flips", bench.replicate(lambda rows: -float(changed[rows].mean())), gate.alpha_guard, -gate.flips.max_rate)
    if gate.fairness and spec.task == "binary":
        of = compare.rate(mine, bench.truth, gate.fairness.measure)
        insides = [inside for _, inside in _groups(bench.test, gate.fairness.by)]

        def gap(rows: compare.Rows) -> float:
            rates = [of(rows[inside[rows]]) for inside in insides]
            return -float(np.nanmax(rates) - np.nanmin(rates))

        yield compare.measure("fairness gap", bench.replicate(gap), gate.alpha_guard, -gate.fairness.max_gap)


def _checks(spec: ModelSpec, answers: dict[str, Answers], seen: pd.DataFrame, proved: Proved, challenger: Any) -> Iterator[Checked]:
    ready = spec.gate.readiness
    if proved.error:
        yield Checked(
            "loads in a fresh process", ok=False, sentence=f"the artifact does not load and answer in a fresh process: {proved.error}"
        )
        return
    ask = challenger.predict_proba if hasattr(challenger, "predict_proba") else challenger.predict
    head = seen.head(len(proved.predictions))
    here = np.asarray(ask(head), dtype=float).reshape(len(head), -1)
    apart = float(np.abs(here - np.asarray(proved.predictions)).max())
    yield Checked(
        "same answers in a fresh process", apart <= SAME, f"the fresh process answers within {apart:.2g} of this one; allowed is {SAME:.0e}"
    )
    yield Checked("latency", proved.p99_ms <= ready.p99_ms, f"p99 of one row is {proved.p99_ms:.1f} ms; allowed are {ready.p99_ms:g}")
    yield Checked(
        "size", proved.size_mb <= ready.max_size_mb, f"the artifact has {proved.size_mb:.2f} MB; allowed are {ready.max_size_mb:g}"
    )
    if "champion" in answers:
        mine, theirs = answers["challenger"], answers["champion"]
        same = np.array_equal(_raw(mine), _raw(theirs)) if _raw(mine).shape == _raw(theirs).shape else False
        yield Checked(
            "differs from the champion",
            not same,
            "challenger and champion answer " + ("every test row the same" if same else "differently"),
        )


def _raw(answers: Answers) -> npt.NDArray[Any]:
    return answers.predicted if answers.probabilities is None else answers.probabilities


def _groups(test: pa.Table, column: str) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    if column not in test.column_names:
        message = f"segment column {column!r} is not in the data; add it to the transform, or take it out of the gate"
        raise DataError(message)
    values = test[column].to_pandas().astype("string").fillna("(missing)")
    for value in sorted(values.unique()):
        yield value, (values == value).to_numpy()


def _among(a: compare.Statistic, inside: npt.NDArray[np.bool_]) -> compare.Statistic:
    def statistic(rows: compare.Rows) -> float:
        kept = rows[inside[rows]]
        return a(kept) if len(kept) else float("nan")

    return statistic
