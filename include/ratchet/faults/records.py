"""Faults behind the gate: the spec, the artifact, the registry, the ledger."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.models import load_skops
from include.ratchet.domain.errors import LedgerError, RegistryError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.ports import TrainingReport
from include.ratchet.domain.records import Outcome, Promotion, Verdict
from include.ratchet.faults.bed import Bed
from include.ratchet.faults.fault import Fault, refusal

PICKLE = b"cposix\nsystem\n(S'true'\ntR."
"""A pickle that would run a command when it is loaded; written by hand, for nothing here can write one."""
BLESSED, TRUSTED, UNALTERED, READ = (
    "only a blessed version serves",
    "only reviewed skops loads",
    "the artifact is as registered",
    "the spec",
)


def _ledger(bed: Bed) -> Ledger:
    return Ledger(f"sqlite:///{bed.folder / 'ledger.db'}")


def _judged(ledger: Ledger, bed: Bed, run: str, outcome: Outcome) -> Verdict:
    return ledger.judge(Verdict(f"{bed.spec.name}_{run}", 1, run, outcome, outcome, (), {}, None, datetime.now(UTC)))


def _promote(ledger: Ledger, verdict: Verdict, **changes: Any) -> None:
    asked = Promotion(verdict.model, verdict.version, None, "promote", "drill", "drill", verdict.digest, datetime.now(UTC))
    ledger.promote(dataclasses.replace(asked, **changes))


def _unjudged(bed: Bed) -> None:
    """Version 2 on the verdict of version 1."""
    ledger = _ledger(bed)
    _promote(ledger, _judged(ledger, bed, "unjudged", "promote"), version=2)


def _refused(bed: Bed) -> None:
    ledger = _ledger(bed)
    _promote(ledger, _judged(ledger, bed, "refused", "refuse"))


def _overtaken(bed: Bed) -> None:
    """The champion changed after this promotion began."""
    ledger = _ledger(bed)
    verdict = _judged(ledger, bed, "overtaken", "promote")
    _promote(ledger, verdict)
    _promote(ledger, verdict)


def _edited(bed: Bed) -> None:
    """Somebody turned a refusal into a blessing in the database."""
    ledger = _ledger(bed)
    verdict = _judged(ledger, bed, "edited", "refuse")
    with sa.create_engine(f"sqlite:///{bed.folder / 'ledger.db'}").begin() as connection:
        connection.execute(sa.text("UPDATE verdicts SET outcome = 'promote' WHERE digest = :digest"), {"digest": verdict.digest})
    _promote(ledger, verdict)


def _pickle(bed: Bed) -> None:
    path = bed.folder / "model.pkl"
    path.write_bytes(PICKLE)
    load_skops(path)


def _unreviewed(bed: Bed) -> None:
    """A pipeline that carries somebody's function."""
    load_skops(bed.save(Pipeline([("own", FunctionTransformer(dataclasses.replace)), ("model", bed.honest)]), "unreviewed"))


def _altered(bed: Bed) -> None:
    """Other weights under the registered version, after its verdict."""
    from include.ratchet.adapters.registry import MlflowRegistry

    registry, spec = MlflowRegistry(f"sqlite:///{bed.folder / 'mlflow.db'}", str(bed.folder / "artifacts")), bed.spec
    trial = {"params": {}, "scores": [], "score": 0.0, "state": "complete", "reason": ""}
    candidate = {"name": "a", "score": 0.0, "trials": [trial], "best": trial, "seconds": 0.0}
    registry.register(TrainingReport(f"{spec.name}_drill", "drill", "a", bed.honest, (candidate,), spec.columns, {}, "drill"))
    place = Path(registry.artifact(f"{spec.name}_drill", 1))
    place.write_bytes(bed.save(bed.champion, "other").read_bytes())
    registry.load(f"{spec.name}_drill", 1)


def _read(spec: ModelSpec, dotted: str, value: Any) -> ModelSpec:
    """Read the spec again with one key changed."""
    content = spec.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    *path, last = dotted.split(".")
    part: Any = content
    for key in path:
        part = part[int(key)] if isinstance(part, list) else part[key]
    part[last] = value
    return ModelSpec.model_validate(content)


def _forbidden(bed: Bed) -> None:
    _read(bed.spec, "columns.forbidden", [bed.spec.columns.features[0]])


def _foreign(bed: Bed) -> None:
    _read(bed.spec, "training.candidates.0.estimator", "os.system")


def _missing_bound(bed: Bed) -> None:
    _read(bed.spec, "gate.business", {})


FAULTS = (
    Fault("a version that was not judged", BLESSED, refusal(_unjudged, BLESSED, LedgerError)),
    Fault("a refused version promoted", BLESSED, refusal(_refused, BLESSED, LedgerError)),
    Fault("a promotion over another champion", BLESSED, refusal(_overtaken, BLESSED, LedgerError)),
    Fault("a verdict edited in the database", BLESSED, refusal(_edited, BLESSED, LedgerError)),
    Fault("pickle instead of skops", TRUSTED, refusal(_pickle, TRUSTED, RegistryError)),
    Fault("a type that nobody reviewed", TRUSTED, refusal(_unreviewed, TRUSTED, RegistryError)),
    Fault("artifact altered after registration", UNALTERED, refusal(_altered, UNALTERED, RegistryError)),
    Fault("a forbidden column as a feature", READ, refusal(_forbidden, READ, ValueError)),
    Fault("an estimator from anywhere", READ, refusal(_foreign, READ, ValueError)),
    Fault("no business bound in model.yaml", READ, refusal(_missing_bound, READ, ValueError)),
)
