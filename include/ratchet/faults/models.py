"""Faults of the challenger itself: what it says, how it says it, and how long that takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.faults.bed import Bed, Case, Said
from include.ratchet.faults.data import largest
from include.ratchet.faults.fault import Fault, Shown, Stop, gate
from include.ratchet.faults.scripted import Contrary, Raw, Restless, Slow, raw, reversed_of, scripted, shuffled
from include.ratchet.steps.recorded import metric as measured


def _same(bed: Bed) -> Case:
    return bed.case(challenger=bed.champion)


def _reversed(bed: Bed) -> Case:
    """The candidate with the worst validation score was taken for the best."""
    return bed.case(challenger=scripted(bed, reversed_of(bed, raw(bed))))


def _worse(bed: Bed) -> Case:
    """Half of what it says has nothing to do with the rows, and the business bound does not mind."""
    return bed.case(spec=_loose(bed), challenger=scripted(bed, 0.5 * raw(bed) + 0.5 * shuffled(bed)))


def _constant(bed: Bed) -> Case:
    """Always the same answer, under a business bound that anything meets."""
    said = raw(bed)
    middle = np.zeros_like(said) + (said.mean(axis=0) if bed.spec.classifies else np.median(np.asarray(bed.truth, dtype=float)))
    return bed.case(spec=_loose(bed), challenger=scripted(bed, middle), champion=None)


def _one_feature(bed: Bed) -> Case:
    """A whole pipeline that knows no more than one feature does, under a loose bound."""
    return bed.case(spec=_loose(bed), challenger=bed.trivial["one_feature"], champion=None)


def _loose(bed: Bed) -> ModelSpec:
    gate_ = bed.spec.gate.model_copy(update={"business": {bed.spec.gate.metric: ">= -1e9"}})
    return bed.spec.model_copy(update={"gate": gate_})


def _noise(bed: Bed) -> Case:
    """The honest answers, in another order."""
    return bed.case(challenger=scripted(bed, shuffled(bed)))


def _weak(bed: Bed) -> Case:
    """Better than a poor champion, and still not what the business asks for."""
    bar = {name: f"{bound.sign} {_beyond(bed, bound.sign, name)!r}" for name, bound in bed.spec.gate.bounds.items()}
    spec = bed.spec.model_copy(update={"gate": bed.spec.gate.model_copy(update={"business": bar})})
    return bed.case(spec=spec)


def _beyond(bed: Bed, sign: str, metric: str) -> float:
    """Return a bound that the honest challenger misses by a tenth of itself."""
    reached = measured(metric, bed.said, bed.truth)(np.arange(len(bed.truth)))
    return float(reached + 0.1 * abs(reached)) if sign == ">=" else float(-reached - 0.1 * abs(reached))


def _some(bed: Bed, value: float) -> Case:
    said = raw(bed)
    said[-20:] = value
    return bed.case(challenger=scripted(bed, said))


def _nan(bed: Bed) -> Case:
    return _some(bed, float("nan"))


def _infinite(bed: Bed) -> Case:
    return _some(bed, float("inf"))


def _miscalibrated(bed: Bed) -> Case:
    """The same order and the same decisions, wrong as chances: pushed to the ends or to the middle, whichever is further."""
    said = raw(bed)
    pushed = [0.5 + 0.5 * np.sign(said - 0.5) * np.abs(2 * said - 1) ** power for power in (0.2, 5.0)]
    return bed.case(challenger=scripted(bed, max(pushed, key=lambda each: float(np.abs(each - said).mean()))))


def _unfair(bed: Bed) -> Case:
    """One group gets every positive decision, the others none; the champion was no better."""
    fairness, cut = bed.spec.gate.fairness, bed.spec.gate.threshold
    _, inside = largest(bed, fairness.by if fairness else bed.spec.columns.segments[0])

    def favouring(said: Raw) -> Any:
        return scripted(bed, np.where(inside, cut + (1 - cut) * said, cut * said * (1 - 1e-9)))

    return bed.case(challenger=favouring(raw(bed)), champion=favouring(bed.champion.predict_proba(bed.seen)[:, 1]))


def _flipped(bed: Bed) -> Case:
    """Decisions that change for most rows, although the order of the scores does not."""
    said = raw(bed)
    if bed.spec.task == "multiclass":
        return bed.case(challenger=scripted(bed, reversed_of(bed, said)))
    champion, cut = bed.champion.predict_proba(bed.seen)[:, 1], bed.spec.gate.threshold
    few = float((champion >= cut).mean()) < 0.5  # noqa: PLR2004 - most of them are decided the other way
    return bed.case(challenger=scripted(bed, cut + (1 - cut) * said if few else cut * said * (1 - 1e-9)))


def _contrary(bed: Bed) -> Case:
    return bed.case(challenger=Contrary(bed))


def _restless(bed: Bed) -> Case:
    return bed.case(challenger=Restless(bed))


def _slow(bed: Bed) -> Case:
    slow = Slow(bed)
    case = bed.case(challenger=slow)
    return replace(case, proved=replace(bed.here(case), p99_ms=bed.timed(slow)))


def _oversized(bed: Bed) -> Case:
    """A file that is larger than allowed: its end is a hole, so that it takes no disk."""
    path = bed.save(bed.honest, "oversized")
    with path.open("r+b") as file:
        file.truncate(int((bed.spec.gate.readiness.max_size_mb + 1) * 1e6))
    case = bed.case()
    return replace(case, proved=replace(bed.here(case), size_mb=path.stat().st_size / 1e6))


def _crash(bed: Bed) -> Case:
    """A file of which half is missing, given to a fresh process."""
    path = bed.save(bed.honest, "torn")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return bed.case(proved=bed.probed(path))


def _brittle(bed: Bed) -> Case:
    """A pipeline that raises on a category that it did not see, asked in a fresh process."""
    parts: list[Any] = [("words", OneHotEncoder(handle_unknown="error"), list(bed.spec.columns.categorical))]
    if bed.spec.columns.numeric:
        parts.append(("numbers", SimpleImputer(keep_empty_features=True), list(bed.spec.columns.numeric)))
    kind = DecisionTreeClassifier if bed.spec.classifies else DecisionTreeRegressor
    model = Pipeline([("columns", ColumnTransformer(parts)), ("model", kind(max_depth=3))]).fit(bed.seen, bed.truth)
    said = bed.probed(bed.save(model, "brittle"))
    honest = bed.here(bed.case())
    return bed.case(proved=Said(honest.predictions, honest.p99_ms, honest.size_mb, said.error, said.odd))


def _signature(bed: Bed) -> Shown:
    """A pipeline that was fitted on a column which is called something else where it serves."""
    name = bed.spec.columns.features[0]

    class Renamed:
        def __getattr__(self, asked: str) -> Any:
            return getattr(bed.honest, asked)

    def ask(frame: Any) -> Raw:
        return np.asarray(getattr(bed.honest, "predict_proba" if bed.spec.classifies else "predict")(frame.rename(columns={name: "other"})))

    made = Renamed()
    setattr(made, "predict_proba" if bed.spec.classifies else "predict", ask)
    try:
        bed.judge(bed.case(challenger=made))
    except (ValueError, KeyError) as error:
        return Shown((Stop("the judge's own error", f"{type(error).__name__}: {error}"),))
    return Shown(())


def _unbound(bed: Bed) -> Case:
    return bed.case(spec=bed.spec.model_copy(update={"gate": bed.spec.gate.model_copy(update={"business": {}})}))


def _binary(rule: str) -> Any:
    def needs(spec: ModelSpec) -> str:
        if spec.task != "binary":
            return f"nothing: gate.{rule} is for task binary"
        return "" if getattr(spec.gate, rule) else f"gate.{rule}"

    return needs


def _flips(spec: ModelSpec) -> str:
    if not spec.classifies:
        return "nothing: gate.flips is for classes"
    return "" if spec.gate.flips else "gate.flips"


def _behaviour(spec: ModelSpec) -> str:
    return "" if spec.gate.behaviour else "gate.behaviour"


def _words(spec: ModelSpec) -> str:
    return "" if spec.columns.categorical and not spec.columns.text else "columns.categorical, and no text"


FAULTS = (
    Fault("the candidate is the champion", "differs from the champion", gate(_same)),
    Fault("reversed metric: the worst candidate chosen", "business", gate(_reversed)),
    Fault("answers that have nothing to do with the rows", "business", gate(_noise)),
    Fault("worse than the champion", "gain over the champion", gate(_worse)),
    Fault("constant predictions under a loose bound", "gain over the baseline", gate(_constant)),
    Fault("no better than one feature", "gain over one feature", gate(_one_feature)),
    Fault("good, and not what the business asks for", "business", gate(_weak)),
    Fault("no business bound", "business", gate(_unbound)),
    Fault("NaN in the predictions", "finite answers", gate(_nan)),
    Fault("infinite predictions", "finite answers", gate(_infinite)),
    Fault("miscalibrated scores", "calibration", gate(_miscalibrated), _binary("calibration")),
    Fault("fairness gap", "fairness gap", gate(_unfair), _binary("fairness")),
    Fault("decisions flipped", "flips", gate(_flipped), _flips),
    Fault("moves against the behaviour tests", "behaviour", gate(_contrary), _behaviour),
    Fault("never says the same twice", "same answers in a fresh process", gate(_restless)),
    Fault("10 x the latency allowed", "latency", gate(_slow)),
    Fault("oversized artifact", "size", gate(_oversized)),
    Fault("crash at load", "loads in a fresh process", gate(_crash)),
    Fault("crash on an unseen category", "answers empty and unseen values", gate(_brittle), _words),
    Fault("wrong signature", "the judge's own error", _signature),
)
