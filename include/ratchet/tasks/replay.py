"""Make a registered version again from its recipe, and say how far the result is the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Snapshot, Window
from include.ratchet.domain.replay import Recipe, Replay, differences
from include.ratchet.tasks import recipe as recipes

if TYPE_CHECKING:
    import pyarrow as pa


def replay(model: str, version: int) -> Replay:
    """Rebuild a version: rows from the tables at their versions, then split, recorded trials, fit and predictions.

    Nothing is registered. The specs are those of then; code and packages are those of here, and named where they differ.

    Raises:
        LedgerError: The version has no recipe.
        DataError: Neither its tables nor its snapshot can be read any more.
    """
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    found = ledger.recipe(model, version)
    with tempfile.TemporaryDirectory() as folder:
        include = Path(folder)
        spec = recipes.spec_of(found, include)
        rows, notes = _rows(spec, include, ledger.get_snapshot(found.content["snapshot"]), found.content["columns"])
        made = _made(spec, rows, found)
    different = differences(found.content["made_by"], recipes.made_by(spec))
    return Replay(model, version, found.content["digests"], made, different, tuple(notes))


def _rows(spec: ModelSpec, include: Path, snapshot: Snapshot, columns: list[str]) -> tuple[pa.Table, list[str]]:
    """Read the tables at their versions again; name the rows in which they are not what the snapshot holds."""
    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.frames import WAVE, labelled
    from include.ratchet.steps.retrace import differing_rows
    from include.ratchet.steps.transform import content_digest, transform
    from include.ratchet.steps.views import View
    from include.ratchet.steps.waves import TRAIN, copied, dealt

    lake = open_lake()
    views = [View(view, specs.view_sql(view, include)) for view in (specs.view(name, include) for name in spec.views)]
    window = snapshot.window if spec.columns.time else None
    try:
        tables = {name: lake.dataset(f"clean/{name}", version) for name, version in snapshot.tables.items()}
        made = transform(spec, specs.transform_sql(spec, include), tables, window, columns, views)
        rows = labelled(made, spec).select([name for name in columns if name != WAVE])
    except (DataError, SpecError) as error:
        return lake.kept(snapshot.place), [f"the tables cannot be read at their versions ({error}); the kept snapshot was taken"]
    try:
        kept = lake.kept(snapshot.place)
    except DataError as error:
        if WAVE in columns:  # which rows were tested is in the snapshot, and beside it
            rows = dealt(rows, spec, TRAIN, lake.kept(snapshot.memory))
        return rows, [f"the kept snapshot cannot be read ({error}); the tables were"]
    if WAVE in columns:
        rows = copied(rows, kept, spec.columns.id)
    if content_digest(kept) == content_digest(rows):
        return rows, []
    altered = "tables differ from the snapshot" if content_digest(kept) == snapshot.content else "kept snapshot was altered"
    return rows, [f"the {altered}: {said}" for said in differing_rows(rows, kept, spec.columns.id)]


def _made(spec: ModelSpec, rows: pa.Table, recipe: Recipe) -> Json:
    """Fit again what was fitted; return a digest per stage."""
    from include.ratchet.adapters.canonical import digest_of
    from include.ratchet.steps.folds import folds
    from include.ratchet.steps.frames import columns_of, split
    from include.ratchet.steps.pipeline import training_rows
    from include.ratchet.steps.retrace import predictions_digest, split_digest
    from include.ratchet.steps.search import Trial
    from include.ratchet.steps.train import fit_candidate
    from include.ratchet.steps.transform import content_digest

    content, window = recipe.content, Window.from_json(recipe.content["window"])
    parts = split(rows, spec, window)
    train = rows.filter(parts.train)
    candidate = next(each for each in spec.training.candidates if each.name == content["candidate"])
    recorded = [Trial.from_json(each) for each in content["trials"]]
    fitted = fit_candidate(spec, candidate, training_rows(train, spec), folds(train, spec, window), recorded, explained=False)
    columns = columns_of(fitted.pipeline, spec.columns)
    return {
        "data": content_digest(rows),
        "split": split_digest(rows, spec.columns.id, parts),
        "trials": recipes.trials_digest([each.to_json() for each in fitted.trials]),
        "model": digest_of(fitted.pipeline),
        "predictions": predictions_digest(fitted.pipeline, rows.filter(parts.test), columns),
    }
