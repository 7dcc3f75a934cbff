"""Body of `<model>_rehearse`: prove, before anybody needs it, that the version before can come back."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, RatchetError, Skip
from include.ratchet.domain.promotion import former
from include.ratchet.domain.records import Json, Trial
from include.ratchet.domain.replay import differences
from include.ratchet.tasks import recipe as recipes


def rehearse(model: str) -> Json:
    """Load what a rollback would go to, let it answer a row of today, and hold its answers against those recorded of it.

    The outcome and its time are in the ledger. What says nothing about the version, such as a network that is down or a
    task that is ended, is no outcome: it is raised as it is, and the rehearsal tried again.

    Returns:
        The version, how many rows it was held against, and how long it took [s].

    Raises:
        Skip: There is no version to go back to.
        DeployError: It would not come back as it was.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.tasks.deploy import blessing

    spec, ledger = specs.model(model), open_ledger()
    version = former(ledger.promotions(model))
    if version is None:
        message = "there is no earlier champion to go back to"
        raise Skip(message)
    verdict, began = blessing(model, version, ledger), time.monotonic()

    def tried(said: str, *, passed: bool) -> float:
        seconds = time.monotonic() - began
        ledger.tried(Trial(spec.name, version, "rehearsal", verdict.digest, passed, said, seconds, datetime.now(UTC)))
        return seconds

    try:
        rows = _answers(model, version, verdict.artifact)
    except RatchetError as error:
        fault = f"{type(error).__name__}: {error}"
        tried(fault, passed=False)
        raise DeployError(f"{model} version {version}: a rollback to it would fail: {fault}. Name another former champion.") from error
    seconds = tried(f"answers {rows} recorded rows as it did", passed=True)
    return {"model": model, "version": version, "rows": rows, "seconds": round(seconds, 2)}


def _answers(model: str, version: int, sha: str) -> int:
    """Return how many recorded answers were repeated.

    Raises:
        DeployError: One was not, or it cannot answer at all.
    """
    from include.ratchet.adapters import open_lake, open_ledger, open_registry
    from include.ratchet.steps.frames import columns_of, split
    from include.ratchet.steps.retrace import predictions_digest
    from include.ratchet.tasks.score import example_frame

    spec, ledger = specs.model(model), open_ledger()
    pipeline = open_registry().load(model, version, sha)
    row = example_frame(spec, pipeline)
    try:
        pipeline.predict(row)
    except Exception as error:  # whatever it is, it is the version's: nothing is read here
        message = f"cannot answer a row of today: {type(error).__name__}: {error}"
        raise DeployError(message) from error
    recipe = ledger.recipe(model, version)
    snapshot = ledger.get_snapshot(recipe.content["snapshot"])
    rows = open_lake().kept(snapshot.place)
    with tempfile.TemporaryDirectory() as folder:
        then = recipes.spec_of(recipe, Path(folder))
    held_out = rows.filter(split(rows, then, snapshot.window).test)
    if predictions_digest(pipeline, held_out, columns_of(pipeline, then.columns)) != recipe.content["digests"]["predictions"]:
        changed = ", ".join(differences(recipe.content["made_by"], recipes.made_by(spec))) or "nothing that is known"
        message = f"other answers for its {held_out.num_rows} held-out rows than are recorded; different from then: {changed}"
        raise DeployError(message)
    return int(held_out.num_rows)
