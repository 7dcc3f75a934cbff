"""The gate decides: promote, refuse, or inconclusive. `steps/compare.py` measures.

Three kinds of rules. A *proof* must be shown at level alpha; since every proof must be shown, the chance
to promote a challenger that fails one of them is at most alpha. A *guard* refuses only when harm is shown,
with Holm's correction over all guards, so that a healthy challenger is refused by guards at most
`alpha_guard` of the time. A *check* is deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from include.ratchet.domain.records import Outcome, RuleResult

FEWEST_BLOCKS = 20
"""With fewer blocks the error of the error is too large to decide by."""


@dataclass(frozen=True)
class Measured:
    """One figure of the test rows, higher is better, and the value that it must exceed."""

    rule: str
    estimate: float | None
    null: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    p_above: float | None = None
    p_below: float | None = None
    blocks: int = 0


@dataclass(frozen=True)
class Checked:
    """One deterministic finding."""

    rule: str
    ok: bool
    sentence: str


@dataclass(frozen=True)
class Decision:
    """What the gate decides, in one sentence, and each rule's part in it."""

    outcome: Outcome
    sentence: str
    rules: tuple[RuleResult, ...]


def decide(proofs: Sequence[Measured], guards: Sequence[Measured], checks: Sequence[Checked], alpha: float, alpha_guard: float) -> Decision:
    """Apply all rules; any failure refuses, else any doubt is inconclusive, else promote."""
    rules = (
        *(_proof(each, alpha) for each in proofs),
        *_guards(guards, alpha_guard),
        *(RuleResult(each.rule, "check", "pass" if each.ok else "fail", each.sentence) for each in checks),
    )
    failed = [each for each in rules if each.result == "fail"]
    open_ones = [each for each in rules if each.result == "inconclusive"]
    if not any(each.rule.startswith("business") for each in rules):
        return Decision("refuse", "Refused: no business bound was measured.", rules)
    if failed:
        return Decision("refuse", f"Refused: {failed[0].sentence}", rules)
    if open_ones:
        return Decision("inconclusive", f"Inconclusive, the champion stays: {open_ones[0].sentence}", rules)
    return Decision("promote", f"Promote: all {len(rules)} rules passed.", rules)


def _proof(measured: Measured, alpha: float) -> RuleResult:
    if measured.estimate is None or measured.p_above is None or measured.p_below is None:
        text = f"{measured.rule} cannot be measured on these rows ({measured.blocks} blocks)"
        return RuleResult(measured.rule, "proof", "inconclusive", text, measured.estimate)
    figure = f"{measured.rule} is {measured.estimate:.4g} [{measured.low:.4g}, {measured.high:.4g}]"
    if measured.blocks < FEWEST_BLOCKS:
        text = f"{figure}, on {measured.blocks} blocks; needs {FEWEST_BLOCKS}"
        return _result(measured, "proof", "inconclusive", text, measured.p_above)
    if measured.p_above <= alpha:
        return _result(measured, "proof", "pass", f"{figure}, shown above {measured.null:.4g}", measured.p_above)
    if measured.p_below <= alpha:
        return _result(measured, "proof", "fail", f"{figure}, shown below {measured.null:.4g}", measured.p_above)
    more = _more_blocks(measured)
    hint = f"; needs about {more} more blocks" if more else ""
    return _result(measured, "proof", "inconclusive", f"{figure}, not shown above {measured.null:.4g}{hint}", measured.p_above)


def _guards(guards: Sequence[Measured], alpha: float) -> list[RuleResult]:
    """Holm: the k-th smallest p-value must be below alpha / (n - k)."""
    tested = sorted((g for g in guards if g.p_below is not None), key=lambda g: g.p_below or 0.0)
    shown: set[str] = set()
    for position, each in enumerate(tested):
        if (each.p_below or 0.0) > alpha / (len(tested) - position):
            break
        shown.add(each.rule)
    results = []
    for each in guards:
        if each.estimate is None:
            results.append(RuleResult(each.rule, "guard", "pass", f"{each.rule}: too few rows to show harm"))
        elif each.p_below is None:
            text = f"{each.rule} is {each.estimate:.4g}; harm is not measurable on these rows ({each.blocks} blocks)"
            results.append(_result(each, "guard", "pass", text, None))
        elif each.rule in shown:
            text = f"{each.rule} is {each.estimate:.4g}, shown below {each.null:.4g}"
            results.append(_result(each, "guard", "fail", text, each.p_below))
        else:
            results.append(_result(each, "guard", "pass", f"{each.rule} is {each.estimate:.4g}, no harm shown", each.p_below))
    return results


def _more_blocks(measured: Measured) -> int | None:
    """Blocks that would show the observed gain, when it is positive: the error falls with their root."""
    if measured.estimate is None or not measured.error or measured.estimate <= measured.null:
        return None
    needed = measured.blocks * (2.5 * measured.error / (measured.estimate - measured.null)) ** 2
    more = math.ceil(needed - measured.blocks)
    return more if 0 < more < 100_000 else None  # noqa: PLR2004


def _result(measured: Measured, kind: str, result: str, sentence: str, p: float | None) -> RuleResult:
    figures = (measured.estimate, measured.low, measured.high, p, measured.null)
    return RuleResult(measured.rule, kind, result, sentence, *figures)  # type: ignore[arg-type]
