"""The dossier: everything that a person needs to agree with a verdict, as one page and as JSON.

Its content is computed from records alone (no clock, no host), so that writing it again gives the same digest: an
approval names that digest.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Disposition, Json, Signal, Snapshot, TrainingRun, Verdict, digest

WHO = ("challenger", "champion", "baseline", "one_feature")
HIDDEN = "(personal)"
BY_FEATURE = ("importance", "shapley")
"""What of `explained` is a list of features."""


@dataclass(frozen=True)
class Evidence:
    """What is known about one judged training run.

    Attributes:
        spec: The model as its run read it.
        run: Why and over what it ran.
        signals: The reasons that it answered, and what became of each.
        snapshot: Its input.
        parts: Per part (train, test) its `rows`, and where there is time `first` and `last`.
        candidates: What was fitted: name, validation score, trials, seconds.
        verdict: The gate's decision, as the ledger holds it.
        explained: Per model that serves or would serve its `calibration` or `residuals`; the challenger's
            `importance`, and `shapley` where the spec asks for it.
        code: The commit that judged.
        personal: Columns that must not be seen.
    """

    spec: ModelSpec
    run: TrainingRun
    signals: Sequence[tuple[Signal, Disposition]]
    snapshot: Snapshot
    parts: Json
    candidates: Sequence[Json]
    verdict: Verdict
    explained: Json
    code: str
    personal: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dossier:
    """The JSON twin, and the digest that names it."""

    content: Json
    digest: str


def dossier(known: Evidence) -> Dossier:
    """Put the evidence in order; personal columns are left out, and their values in rules and sentences are hidden."""
    verdict, figures = known.verdict, known.verdict.figures
    hide = _Hider(known)
    content: Json = {
        "model": known.spec.name,
        "description": known.spec.description,
        "owner": known.spec.owner,
        "task": known.spec.task,
        "version": verdict.version,
        "champion": verdict.champion,
        "verdict": {"outcome": verdict.outcome, "sentence": hide.text(verdict.sentence), "at": _at(verdict.at), "digest": verdict.digest},
        "why": _why(known),
        "data": _data(known),
        "candidates": _candidates(known),
        "metric": known.spec.gate.metric,
        "models": [_model(who, figures) for who in WHO if figures.get(who) is not None],
        "bounds": {name: [bound.sign, bound.value] for name, bound in known.spec.gate.bounds.items()},
        "rules": [hide.rule(dataclasses.asdict(each)) for each in verdict.rules],
        "explained": hide.explained(known.explained),
        "figures": {key: value for key, value in figures.items() if key not in (*WHO, "intervals", "metric")},
        "allowed": {"p99_ms": known.spec.gate.readiness.p99_ms, "size_mb": known.spec.gate.readiness.max_size_mb},
        "alpha": known.spec.gate.alpha,
        "alpha_guard": known.spec.gate.alpha_guard,
        "code": known.code,
    }
    return Dossier(content, digest(content))


def _why(known: Evidence) -> Json:
    answered = [{"kind": s.kind, "evidence": s.evidence, "at": _at(s.at), "outcome": d.outcome} for s, d in known.signals]
    run = known.run
    return {
        "run": run.run_id,
        "reason": run.reason,
        "signals": answered,
        "clock": _at(run.clock_at),
        "started": _at(run.started_at),
    }


def _data(known: Evidence) -> Json:
    kept = known.snapshot
    return {
        "snapshot": kept.digest,
        "content": kept.content,
        "transform": kept.transform,
        "tables": dict(sorted(kept.tables.items())),
        "window": kept.window.to_json(),
        "rows": kept.rows,
        "parts": known.parts,
    }


def _candidates(known: Evidence) -> list[Json]:
    """List candidates, the best validation score first; how long a fit took is no evidence, and differs when it is repeated."""
    chosen = known.verdict.figures.get("candidate")
    estimators = {each.name: each.estimator for each in known.spec.training.candidates}
    found = [
        {
            "name": each["name"],
            "estimator": estimators.get(each["name"], ""),
            "score": each["score"],
            "chosen": each["name"] == chosen,
            "trials": each["trials"],
        }
        for each in known.candidates
    ]
    return sorted(found, key=lambda each: (-each["score"], each["name"]))


def _model(who: str, figures: Json) -> Json:
    low, high = figures.get("intervals", {}).get(who, (None, None))
    return {"who": who, "value": figures[who], "low": low, "high": high}


def _at(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


class _Hider:
    """Takes the values of personal columns out of what rules say, and the columns themselves out of plots."""

    def __init__(self, known: Evidence) -> None:
        self._personal = known.personal
        columns = "|".join(re.escape(each) for each in sorted(known.personal))
        # A value may hold spaces: it ends where the gate's sentences go on.
        self._value = re.compile(rf"\b({columns})=.*?(?= is | has | cannot |: |, | and |; |$)") if columns else None

    def text(self, sentence: str) -> str:
        """Write `segment tailnum (personal)` for `segment tailnum=N123`."""
        return self._value.sub(rf"\1 {HIDDEN}", sentence) if self._value else sentence

    def rule(self, rule: Json) -> Json:
        return {key: self.text(value) if isinstance(value, str) else value for key, value in rule.items()}

    def explained(self, found: Json) -> Json:
        lists = {name: found[name] for name in BY_FEATURE if name in found}
        return found | {name: [each for each in listed if each["feature"] not in self._personal] for name, listed in lists.items()}
