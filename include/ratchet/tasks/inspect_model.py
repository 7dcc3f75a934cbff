"""What reading model.yaml cannot find: metrics and estimators that the installed packages do not have."""

from __future__ import annotations

import difflib
import importlib.util

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.specs import did_you_mean
from include.ratchet.domain.trainingspec import OWN_CODE, Candidate

_SOME = "roc_auc, neg_log_loss, average_precision, accuracy, r2, neg_mean_absolute_error"


def faults(spec: ModelSpec) -> list[str]:
    """Name every metric that is not known and every estimator that cannot be imported, by dotted key.

    Heavy: it loads scikit-learn, and the candidates' classes, the model's own code.py among them.
    """
    return [*_metric_faults(spec), *_estimator_faults(spec), *_engine_faults(spec)]


def require_sound(spec: ModelSpec) -> None:
    """Stop before any work is done for a model that could not be trained or judged.

    Raises:
        SpecError: A metric or an estimator is not there; all of them are named.
    """
    found = faults(spec)
    if found:
        raise SpecError(
            f"include/models/{spec.name}/model.yaml: {len(found)} fault(s)", found, "Mend the file; ./ratchet check reads it again."
        )


def _metric_faults(spec: ModelSpec) -> list[str]:
    from sklearn.metrics import get_scorer_names

    known = get_scorer_names()
    asked = {"gate.metric": spec.gate.metric, **{f"gate.business.{name}": name for name in spec.gate.business}}
    return [
        f"{key}: found {name!r}{fault}"
        for key, name in asked.items()
        if name not in known
        for fault in [_metric_fault(name, known)]
        if fault
    ]


def _metric_fault(name: str, known: list[str]) -> str:
    """Say what is wrong with a metric that is not scikit-learn's; nothing when the model's code.py has it."""
    from include.ratchet.steps.scoring import scorer_of

    if not OWN_CODE.fullmatch(name):
        return f"; allowed are scikit-learn's scorers, such as {_SOME}{did_you_mean(name, known)}, and include.models.<name>.code:metric"
    try:
        scorer_of(name)
    except SpecError as error:
        return f", {'; '.join(error.faults)}"
    except Exception as error:  # noqa: BLE001 - an import runs whatever the module holds
        return f", cannot be imported: {type(error).__name__}: {error}"
    return ""


def _estimator_faults(spec: ModelSpec) -> list[str]:
    from include.ratchet.steps.estimators import estimator_class

    found = []
    for each in spec.training.candidates:
        try:
            kind = estimator_class(each.estimator)
        except SpecError as error:
            said = "; ".join(error.faults)
        except Exception as error:  # noqa: BLE001 - an import runs whatever the module holds
            said = f"cannot be imported: {type(error).__name__}: {error}"
        else:
            found += _parameter_faults(each, kind)
            continue
        found.append(f"training.candidates.{each.name}.estimator: found {each.estimator!r}, {said}{_meant(each.estimator)}")
    return found


def _parameter_faults(candidate: Candidate, kind: type) -> list[str]:
    """Name the parameters that the estimator does not take: at the first fit a signal would be spent already."""
    from include.ratchet.steps.estimators import parameters

    known = sorted(parameters(kind))
    where = f"training.candidates.{candidate.name}"
    return [
        f"{where}.{key}: found {name!r}; {kind.__name__} takes no such parameter{did_you_mean(name, known)}"
        for key in ("params", "search")
        for name in getattr(candidate, key)
        if name not in known
    ]


def _engine_faults(spec: ModelSpec) -> list[str]:
    """Say what of the transform Spark cannot do, and that it is not installed."""
    if spec.engine == "duckdb":
        return []
    from include.ratchet.steps.dialect import spark_sql

    found = [] if importlib.util.find_spec("pyspark") else ["engine: found 'spark', and pyspark is not installed; make extras installs it"]
    try:
        spark_sql(specs.transform_sql(spec), f"models/{spec.name}")
    except SpecError as error:
        found += error.faults
    return found


def _meant(path: str) -> str:
    """Guess among scikit-learn's estimators, which are spread over many modules."""
    if not path.startswith("sklearn."):
        return ""
    from sklearn.utils import all_estimators

    known = {name: f"{kind.__module__.split('._')[0]}.{name}" for name, kind in all_estimators()}
    name = path.rpartition(".")[2]
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {known[close[0]]!r}?" if close and known[close[0]] != path else ""
