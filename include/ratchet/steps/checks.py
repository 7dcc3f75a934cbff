"""The deterministic findings of the gate: what serving needs, and what is not plausible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.gate import Checked
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import DIFFERS, UNSEEN
from include.ratchet.steps import influence
from include.ratchet.steps.bench import Bench, groups
from include.ratchet.steps.compare import Mask
from include.ratchet.steps.frames import Split, features
from include.ratchet.steps.recorded import metric, perfect

SAME = 1e-9
"""How far the fresh process may be from this one."""
EXPECTED_ROWS = 100
"""A segment of the train rows that should have so many test rows, and has none, was lost on the way."""
MORE_REPEATED = 0.05
"""Test rows may repeat train rows so much more often than train rows repeat each other."""
HIDDEN = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]


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

    @property
    def odd(self) -> str:
        """What is wrong with its answers to an empty row and to unseen words; empty when nothing is."""
        ...


def readiness(spec: ModelSpec, test: pa.Table, challenger: Any, proved: Proved) -> Iterator[Checked]:
    """Say whether the registered artifact loads, answers the same, in time, within its size, and whatever it is asked."""
    ready = spec.gate.readiness
    if proved.error:
        text = f"the artifact does not load and answer in a fresh process: {proved.error}"
        yield Checked("loads in a fresh process", ok=False, sentence=text)
        return
    yield Checked("loads in a fresh process", ok=True, sentence="the artifact loads and answers in a fresh process")
    head = features(test.slice(0, len(proved.predictions)), spec.columns)
    ask = challenger.predict_proba if hasattr(challenger, "predict_proba") else challenger.predict
    here = np.asarray(ask(head), dtype=float).reshape(len(head), -1)
    there = np.asarray(proved.predictions, dtype=float).reshape(len(head), -1)
    apart = float(np.abs(here - there).max(initial=0.0)) if here.shape == there.shape and len(head) else float("inf")
    text = f"the fresh process answers within {apart:.2g} of this one; allowed is {SAME:.0e}"
    yield Checked("same answers in a fresh process", apart <= SAME, text)
    text = proved.odd or "an empty row and one of unseen words are answered"
    yield Checked("answers empty and unseen values", not proved.odd, text)
    yield Checked("latency", proved.p99_ms <= ready.p99_ms, f"p99 of one row is {proved.p99_ms:.1f} ms; allowed are {ready.p99_ms:g}")
    text = f"the artifact has {proved.size_mb:.2f} MB; allowed are {ready.max_size_mb:g}"
    yield Checked("size", proved.size_mb <= ready.max_size_mb, text)


def sanity(bench: Bench, rows: pa.Table, parts: Split, y: npt.NDArray[Any]) -> Iterator[Checked]:
    """Say what is not plausible about the test rows, or about how the challenger does on them."""
    yield _finite(bench)
    yield _enough(bench)
    yield _not_trained_on(bench.spec, rows, parts, y)
    yield _balance(bench, y[parts.train])
    yield _too_good(bench)
    if "champion" in bench.answers:
        mine, theirs = bench.answers["challenger"].raw, bench.answers["champion"].raw
        same = mine.shape == theirs.shape and bool(np.array_equal(mine, theirs))
        text = "challenger and champion answer " + ("every test row the same" if same else "differently")
        yield Checked(DIFFERS, not same, text)
    if bench.spec.gate.segments or bench.spec.gate.fairness:
        yield _segments_there(bench, rows.filter(pa.array(parts.train)))


def _finite(bench: Bench) -> Checked:
    """Look at every answer: a ranking metric takes NaN and infinity for just another place, and the fresh process sees few rows."""
    said = bench.answers["challenger"].raw.reshape(len(bench.truth), -1)
    wrong = int((~np.isfinite(said)).any(axis=1).sum()) if said.dtype.kind == "f" else 0
    text = (
        f"{wrong:,} of {len(bench.truth):,} test rows are answered with NaN or infinity" if wrong else "every test row has a finite answer"
    )
    return Checked("finite answers", not wrong, text)


def _enough(bench: Bench) -> Checked:
    count, least = bench.test.num_rows, bench.spec.gate.sanity.min_rows
    return Checked("enough test rows", count >= least, f"{count:,} test rows; allowed are {least:,} or more (gate.sanity.min_rows)")


def _not_trained_on(spec: ModelSpec, rows: pa.Table, parts: Split, y: npt.NDArray[Any]) -> Checked:
    """Look for test rows among the others by their id, and by what they hold: a copy has another id."""
    rule = "test rows were not trained on"
    twice = _ids_again([rows[name] for name in spec.columns.id], parts)
    if twice:
        return Checked(rule, ok=False, sentence=f"{twice:,} test rows have an id that the challenger was fitted on")
    held = _hashes([*(rows[name] for name in spec.columns.features), pa.array(y)])
    trained, test = held[parts.train], held[parts.test]
    known, rest = np.split(trained, [len(trained) * 4 // 5])
    copied, usual = float(_known(test, trained).mean()), float(_known(rest, known).mean()) if len(known) else 0.0
    text = f"{copied:.1%} of the test rows equal a train row in label and all features; of the train rows {usual:.1%} equal another"
    return Checked(rule, copied <= 2 * usual + MORE_REPEATED, text)


def _ids_again(ids: list[pa.ChunkedArray], parts: Split) -> int:
    """Count test rows whose id is a train row's; where no first part of an id is, which costs a sixth, no id is."""
    test, train = pa.array(parts.test), pa.array(parts.train)
    if not pc.any(pc.is_in(ids[0].filter(test), value_set=ids[0].filter(train).combine_chunks())).as_py():
        return 0
    hashes = _hashes(list(ids))
    return int(_known(hashes[parts.test], hashes[parts.train]).sum())


def _known(some: Hashes, others: Hashes) -> Mask:
    """Say of each number whether it is among the others; three times as fast as numpy on 5 million."""
    found: Mask = pc.is_in(pa.array(some), value_set=pa.array(others)).to_numpy(zero_copy_only=False)
    return found


def _hashes(columns: list[Any]) -> Hashes:
    """Return one number per row that is the same where all cells are."""
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
            codes = cells.to_numpy(zero_copy_only=False).astype(np.float64).view(np.uint64)
        else:
            codes = pc.dictionary_encode(cells, null_encoding="encode").indices.to_numpy(zero_copy_only=False).astype(np.uint64)
        mixed = (mixed ^ codes) * HIDDEN
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _balance(bench: Bench, trained: npt.NDArray[Any]) -> Checked:
    allowed, rule = bench.spec.gate.sanity.max_label_shift, "label balance"
    if bench.spec.classifies:
        classes = np.unique(np.concatenate([trained, bench.truth]))
        shares = [np.array([float((part == each).mean()) for each in classes]) for part in (trained, bench.truth)]
        apart = float(np.abs(shares[0] - shares[1]).sum() / 2)
        text = (
            f"the classes' shares differ by {apart:.3f} between train and test rows; allowed are {allowed:g} (gate.sanity.max_label_shift)"
        )
        return Checked(rule, apart <= allowed, text)
    low, middle, high = np.quantile(trained.astype(float), [0.25, 0.5, 0.75])
    distance = abs(float(np.median(bench.truth.astype(float))) - middle)
    apart = distance / (high - low) / 4 if high > low else 0.0
    text = f"the median label moved by {distance:.4g}, {apart:.3f} of four interquartile ranges; allowed are {allowed:g}"
    return Checked(rule, apart <= allowed, f"{text} (gate.sanity.max_label_shift)")


def _too_good(bench: Bench) -> Checked:
    """Compare what error is left with the baseline's: a model that leaves nearly none was told the answer."""
    name, least = bench.spec.gate.metric, bench.spec.gate.sanity.too_good
    told = perfect(bench.answers["challenger"], bench.truth)
    formula = influence.known(name, told)
    best = formula(told, bench.truth)[0] if formula else metric(name, told, bench.truth)(np.arange(len(bench.truth)))
    mine, trivial = (best - bench.figure(name, who).whole for who in ("challenger", "baseline"))
    left = mine / trivial if trivial > 0 and np.isfinite(mine) else 1.0
    text = f"{left:.1%} of the baseline's error is left; less than {least:.1%} is taken for a leak (gate.sanity.too_good)"
    return Checked("too good to be true", not least or left >= least, text)


def _segments_there(bench: Bench, trained: pa.Table) -> Checked:
    """Fail closed when a column that must be guarded, or a segment of the train rows, is missing from the test rows."""
    rule, gate = "segments are there", bench.spec.gate
    wanted = [*(bench.spec.columns.segments if gate.segments else ()), *([gate.fairness.by] if gate.fairness else ())]
    gone = [name for name in dict.fromkeys(wanted) if name not in bench.test.column_names]
    if gone:
        text = f"segment column {', '.join(map(repr, gone))} is not in the data; add it to the transform, or take it out of the gate"
        return Checked(rule, ok=False, sentence=text)
    for column in dict.fromkeys(wanted):
        here = {value for value, _ in groups(bench.test, column)}
        for value, inside in groups(trained, column):
            expected = inside.mean() * bench.test.num_rows
            if value not in here and expected >= EXPECTED_ROWS:
                text = f"segment {column}={value} has {inside.mean():.1%} of the train rows and none of the test rows"
                return Checked(rule, ok=False, sentence=text)
    return Checked(rule, ok=True, sentence=f"every segment of {', '.join(dict.fromkeys(wanted))} that the train rows have is tested")


def unseen(looks: int, allowed: int, *, timed: bool = True) -> Checked:
    """Say whether these rows may still decide: each verdict that they take part in is a chance to pass by luck."""
    if looks < allowed:
        later = "" if timed or looks + 1 < allowed else "; the next one is on test rows that arrive from now on"
        return Checked(UNSEEN, ok=True, sentence=f"verdict {looks + 1} of {allowed} on these test rows{later}")
    text = (
        f"{looks} earlier verdict{'s' if looks > 1 else ''} saw some of these test rows; allowed are {allowed} in all "
        "(gate.test_reuse.looks, each at alpha / looks). It is judged again when the test rows are new"
    )
    return Checked(UNSEEN, ok=None, sentence=text)
