"""The `gate:` part of `model.yaml`: what a challenger must show before it may be promoted."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pydantic import Field, field_validator

from include.ratchet.domain.strict import Strict

_BOUND = re.compile(r"\s*(>=|<=)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")


class Bound(NamedTuple):
    """A bound that the business sets on one metric."""

    sign: Literal[">=", "<="]
    value: float


class Against(Strict):
    """What must be shown against another model.

    Without a mode, a retrain is held to `non_inferior` (a fresh model need not be better, only not worse by more than
    the margin) and candidates that were chosen by hand to `superior`.
    """

    mode: Literal["superior", "non_inferior"] | None = None
    margin: float = Field(0.0, ge=0)

    def null(self, *, by_hand: bool) -> float:
        """Return the difference that must be exceeded."""
        mode = self.mode or ("superior" if by_hand else "non_inferior")
        return -self.margin if mode == "non_inferior" else 0.0


class Segments(Strict):
    """How much a segment may lose against the champion."""

    margin: float = Field(0.02, gt=0)
    required: tuple[str, ...] = ()


class Fairness(Strict):
    """How far apart groups may be on one measure."""

    by: str
    measure: Literal["true_positive_rate", "false_positive_rate", "positive_rate"] = "true_positive_rate"
    max_gap: float = Field(gt=0)


class Calibration(Strict):
    """How far probabilities may be from frequencies."""

    max_error: float = Field(gt=0)


class Flips(Strict):
    """How many decisions may change."""

    max_rate: float = Field(gt=0, le=1)


class Behaviour(Strict):
    """What the challenger must do when features change.

    Numbers are added to, words replace; then the score (of the positive class, or the prediction) must not move by more
    than `within`, or must not move against `expect`, on all but `max_rate` of the rows.
    """

    change: dict[str, float | str] = Field(min_length=1)
    expect: Literal["invariant", "up", "down"]
    max_rate: float = Field(0.1, gt=0, lt=1)
    within: float | None = Field(None, gt=0)

    @property
    def name(self) -> str:
        """What identifies the test: `temp+10 invariant`."""
        changes = (f"{name}{by:+g}" if isinstance(by, float) else f"{name}={by}" for name, by in sorted(self.change.items()))
        return f"{' '.join(changes)} {self.expect}"


class Reuse(Strict):
    """How many verdicts may share test rows; each gets alpha / looks."""

    looks: int = Field(1, ge=1)


class Sanity(Strict):
    """What is not plausible."""

    min_rows: int = Field(100, ge=1)
    """Fewer test rows than this decide nothing."""
    max_label_shift: float = Field(0.25, gt=0)
    """How far the labels of the test rows may be from the train rows': total variation of the classes' shares; for a
    regression the medians' distance in interquartile ranges, times four."""
    too_good: float = Field(0.01, ge=0, lt=1)
    """A challenger that leaves less than this share of the baseline's error is refused as a suspected leak; 0: never."""


class Readiness(Strict):
    """What serving asks of the artifact."""

    p99_ms: float = Field(50, gt=0)
    max_size_mb: float = Field(200, gt=0)


class Gate(Strict):
    """The rules, their margins and their error rates."""

    metric: str
    business: dict[str, str] = Field(min_length=1)
    alpha: float = Field(0.05, gt=0, lt=0.5)
    alpha_guard: float = Field(0.05, gt=0, lt=0.5)
    smallest_gain: float = Field(0.01, gt=0)
    """The gain worth having: power and needed blocks are stated at it."""
    champion: Against = Against(margin=0.02)
    baseline: Against = Against(mode="superior")
    segments: Segments | None = None
    fairness: Fairness | None = None
    calibration: Calibration | None = None
    flips: Flips | None = None
    behaviour: tuple[Behaviour, ...] = ()
    test_reuse: Reuse = Reuse(looks=1)
    sanity: Sanity = Sanity()
    readiness: Readiness = Readiness(p99_ms=50, max_size_mb=200)
    threshold: float = Field(0.5, gt=0, lt=1)

    @field_validator("business")
    @classmethod
    def _bounds_read(cls, value: dict[str, str]) -> dict[str, str]:
        for metric, text in value.items():
            if not _BOUND.fullmatch(str(text)):
                message = f'{metric}: found {text!r}; allowed is ">= number" or "<= number"'
                raise ValueError(message)
        return value

    @property
    def bounds(self) -> dict[str, Bound]:
        """The business bounds, by metric."""
        found = {metric: _BOUND.fullmatch(text) for metric, text in self.business.items()}
        return {metric: Bound(m[1], float(m[2])) for metric, m in found.items() if m}  # type: ignore[arg-type]
