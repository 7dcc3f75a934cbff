"""A training run that is only tried out: the same steps up to the folds' scores, tracked in MLflow, and nothing else.

It answers no signal, is no run of the ledger, and registers nothing. It does not look at the test rows either: who tries
twenty candidates on them has spent the gate's error rate before the gate has begun.
"""

from __future__ import annotations

from include.ratchet.domain import specs
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.records import Json
from include.ratchet.tasks import asked, inspect_model, reading


def plan(model: str, task: TaskContext) -> Json:
    """Return a run that `snapshot` and `fit` take, of the spec's candidates or of those that the form brings.

    Raises:
        SpecError: The overrides, a candidate or the window cannot be.
    """
    changes = task.params.get("overrides") or {}
    spec = specs.model(model, training=changes)
    inspect_model.require_sound(spec)
    at = reading.now(spec)
    chosen = task.params.get("candidates") or [each["name"] for each in changes.get("candidates", [])]
    return {
        "experiment": True,
        "run_id": task.run_id,
        "model": model,
        "reason": f"experiment: {task.params.get('reason') or 'by hand'}, by {task.who}",
        "window": asked.window(spec, task, at).to_json(),
        "candidates": list(asked.candidates(spec, chosen)),
        "training": changes,
        "clock_at": at.isoformat(),
    }


def refuse_overrides(task: TaskContext) -> None:
    """Refuse overrides of a run that could register.

    Raises:
        SpecError: There are some.
    """
    if task.params.get("overrides"):
        fault = "found without experiment: true; what is registered is trained by model.yaml alone"
        raise SpecError("the form's overrides", [fault], "Try it as an experiment, then write it into model.yaml.")
