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
    """What must be shown against another model."""

    mode: Literal["superior", "non_inferior"] = "superior"
    margin: float = Field(0.0, ge=0)


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
    """The gain worth having, for the reader of the spec: no rule reads it. What must be shown are the margins below."""
    champion: Against = Against(mode="non_inferior", margin=0.02)
    baseline: Against = Against(mode="superior")
    segments: Segments | None = None
    fairness: Fairness | None = None
    calibration: Calibration | None = None
    flips: Flips | None = None
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
