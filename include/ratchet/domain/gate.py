"""The gate decides: promote, refuse, or inconclusive. `steps/evaluate.py` measures.

Three kinds of rules. A *proof* must be shown at level alpha; since every proof must be shown, the chance
to promote a challenger that fails one of them is at most alpha. A *guard* refuses only when harm is shown,
with Holm's correction over all guards, so that a healthy challenger is refused by guards at most
`alpha_guard` of the time. A *check* is deterministic.

| rule | kind | what it says |
|---|---|---|
| `business METRIC` | proof | the challenger's metric is beyond the bound |
| `gain over the champion` | proof | the paired difference is above 0, or above minus the margin |
| `gain over the baseline`, `gain over one feature` | proof | the same, against trivial models |
| `segment COLUMN=VALUE`, `segment other` | guard | the paired difference in a segment; those that are too small are pooled |
| `fairness gap`, `calibration`, `flips`, `behaviour ...` | guard | within what the spec allows |
| `segments are there` | check | a configured column, or a segment that the training rows had, is not missing from the test rows |
| `unseen test rows` | check | no more verdicts share these rows than `test_reuse.looks` |
| `test rows were not trained on`, `enough test rows`, `label balance` | check | the test rows are plausible |
| `finite answers`, `too good to be true`, `differs from the champion` | check | the challenger is plausible |
| `loads in a fresh process`, `same answers in a fresh process` | check | the registered artifact is what was judged |
| `answers empty and unseen values`, `latency`, `size` | check | it can serve |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from include.ratchet.domain.records import Outcome, RuleResult

FEWEST_BLOCKS = 20
"""With fewer blocks the error of the error is too large to decide by."""


@dataclass(frozen=True)
class Measured:
    """One figure of the test rows, higher is better, and the value that it must exceed; the fields are those of `RuleResult`."""

    rule: str
    estimate: float | None
    null: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    p_above: float | None = None
    p_below: float | None = None
    blocks: int = 0
    rows: int = 0
    freedom: int | None = None
    alpha: float | None = None
    margin: float | None = None
    detectable: float | None = None
    power: Mapping[str, float] = field(default_factory=dict)
    needed: Mapping[str, int] = field(default_factory=dict)
    about: str = ""
    doubt: str = ""
    """Why a required guard cannot be judged on these rows; empty when it can."""


@dataclass(frozen=True)
class Checked:
    """One deterministic finding; `ok` is None when nothing can be said yet."""

    rule: str
    ok: bool | None
    sentence: str


@dataclass(frozen=True)
class Decision:
    """What the gate decides, in one sentence, and each rule's part in it."""

    outcome: Outcome
    sentence: str
    rules: tuple[RuleResult, ...]


def decide(proofs: Sequence[Measured], guards: Sequence[Measured], checks: Sequence[Checked], alpha: float, alpha_guard: float) -> Decision:
    """Apply all rules; any failure refuses, else any doubt is inconclusive, else promote."""
    rules = (*(_proof(each, alpha) for each in proofs), *_guards(guards, alpha_guard), *map(_check, checks))
    failed = [each for each in rules if each.result == "fail"]
    open_ones = [each for each in rules if each.result == "inconclusive"]
    if not any(each.rule.startswith("business") for each in rules):
        return Decision("refuse", "Refused: no business bound was measured.", rules)
    if failed:
        return Decision("refuse", f"Refused: {failed[0].sentence}", rules)
    if open_ones:
        return Decision("inconclusive", f"Inconclusive, the champion stays: {open_ones[0].sentence}", rules)
    return Decision("promote", f"Promote: all {len(rules)} rules passed.", rules)


def _check(each: Checked) -> RuleResult:
    result: Literal["pass", "fail", "inconclusive"] = "inconclusive" if each.ok is None else "pass" if each.ok else "fail"
    return RuleResult(each.rule, "check", result, each.sentence)


def _proof(measured: Measured, alpha: float) -> RuleResult:
    if measured.estimate is None or measured.p_above is None or measured.p_below is None:
        text = measured.doubt or f"{measured.rule} cannot be measured on these rows ({measured.blocks} blocks)"
        return _result(measured, "proof", "inconclusive", text, None)
    figure = f"{measured.rule} is {measured.estimate:.4g} [{measured.low:.4g}, {measured.high:.4g}]"
    if measured.blocks < FEWEST_BLOCKS:
        more = FEWEST_BLOCKS - measured.blocks
        text = f"{figure}, on {measured.blocks} blocks; needs {FEWEST_BLOCKS}, which is {more} more{_rows(measured, more)}"
        return _result(measured, "proof", "inconclusive", text, measured.p_above)
    if measured.p_above <= alpha:
        return _result(measured, "proof", "pass", f"{figure}, shown above {measured.null:.4g}", measured.p_above)
    if measured.p_below <= alpha:
        return _result(measured, "proof", "fail", f"{figure}, shown below {measured.null:.4g}", measured.p_above)
    text = f"{figure}, not shown above {measured.null:.4g}{_hint(measured)}"
    return _result(measured, "proof", "inconclusive", text, measured.p_above)


def _hint(measured: Measured) -> str:
    """Say how many more blocks would show the observed gain, when it is positive, or else the smallest gain worth having."""
    for name, said in (("observed", "to show it with 80 % power"), ("smallest_gain", "to show the smallest gain with 80 % power")):
        more = measured.needed.get(name, 0) - measured.blocks
        if more > 0:
            return f"; needs about {more} more blocks{_rows(measured, more)} {said}"
    return ""


def _rows(measured: Measured, blocks: int) -> str:
    """Say how many rows so many blocks are, where a block is more than a row."""
    if not measured.blocks or measured.rows <= measured.blocks:
        return ""
    return f" ({round(blocks * measured.rows / measured.blocks):,} rows)"


def _guards(guards: Sequence[Measured], alpha: float) -> list[RuleResult]:
    """Holm: the k-th smallest p-value must be below alpha / (n - k)."""
    tested = sorted((g for g in guards if g.p_below is not None), key=lambda g: g.p_below or 0.0)
    shown: set[str] = set()
    for position, each in enumerate(tested):
        if (each.p_below or 0.0) > alpha / (len(tested) - position):
            break
        shown.add(each.rule)
    return [_guard(each, each.rule in shown) for each in guards]


def _guard(each: Measured, shown: bool) -> RuleResult:  # noqa: FBT001 - what Holm says of it
    if each.doubt and not shown:
        return _result(each, "guard", "inconclusive", each.doubt, each.p_below)
    if each.estimate is None:
        return _result(each, "guard", "pass", f"{each.rule}: too few rows to show harm", None)
    if each.p_below is None:
        text = f"{each.rule} is {each.estimate:.4g}; harm is not measurable on these rows ({each.blocks} blocks)"
        return _result(each, "guard", "pass", text, None)
    if shown:
        return _result(each, "guard", "fail", f"{each.rule} is {each.estimate:.4g}, shown below {each.null:.4g}", each.p_below)
    seen = f"; {each.detectable:.4g} would be seen with 80 % power" if each.detectable is not None else ""
    return _result(each, "guard", "pass", f"{each.rule} is {each.estimate:.4g}, no harm shown{seen}", each.p_below)


def _result(
    measured: Measured, kind: Literal["proof", "guard"], result: Literal["pass", "fail", "inconclusive"], sentence: str, p: float | None
) -> RuleResult:
    return RuleResult(
        measured.rule,
        kind,
        result,
        sentence,
        measured.estimate,
        measured.low,
        measured.high,
        p,
        measured.null,
        error=measured.error,
        freedom=measured.freedom,
        alpha=measured.alpha,
        margin=measured.margin,
        blocks=measured.blocks,
        rows=measured.rows,
        detectable=measured.detectable,
        power=dict(measured.power),
        needed=dict(measured.needed),
        about=measured.about,
    )
