"""Keep with a registered version all that it takes to make it again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, digest
from include.ratchet.domain.replay import Recipe
from include.ratchet.tasks.seam import code_version
from include.ratchet.tasks.snapshot import split_rows


def keep(fitted: Json, version: int) -> None:
    """Record the recipe of a version that was just registered; a version that has one keeps it.

    Args:
        fitted: What `fit` returned of the chosen candidate.
        version: The registered version.
    """
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.adapters.canonical import pipeline_digest
    from include.ratchet.adapters.models import load_skops
    from include.ratchet.steps.frames import columns_of
    from include.ratchet.steps.retrace import predictions_digest, split_digest

    snapshot, ledger = fitted["snapshot"], open_ledger()
    spec = specs.model(snapshot["run"]["model"])
    rows, parts = split_rows(spec, snapshot)
    artifact = open_registry().artifact(spec.name, version)
    pipeline = load_skops(artifact)
    digests = {
        "data": ledger.get_snapshot(snapshot["digest"]).content,
        "split": split_digest(rows, spec.columns.id, parts),
        "trials": trials_digest(fitted["trials"]),
        "model": pipeline_digest(artifact),
        "predictions": predictions_digest(pipeline, rows.filter(parts.test), columns_of(pipeline, spec.columns)),
    }
    content = {
        "snapshot": snapshot["digest"],
        "window": snapshot["run"]["window"],
        "columns": rows.column_names,
        "candidate": fitted["name"],
        "trials": fitted["trials"],
        "texts": texts(spec),
        "made_by": made_by(spec),
        "digests": digests,
    }
    ledger.keep_recipe(Recipe(spec.name, version, content, datetime.now(UTC)))


def trials_digest(trials: list[Json]) -> str:
    """Return a digest of what was tried and what it scored."""
    return digest([[each["params"], each["scores"], each["state"]] for each in trials])


def texts(spec: ModelSpec) -> dict[str, str]:
    """Return the specs that say what the model is, as they are written now, by their path below the include folder."""
    folders = [("models", spec.name), *(("views", name) for name in spec.views), *(("feeds", name) for name in specs.all_feeds(spec))]
    paths = [path for kind, name in folders for path in sorted((specs.INCLUDE / kind / name).iterdir()) if path.suffix in {".yaml", ".sql"}]
    return {str(path.relative_to(specs.INCLUDE)): path.read_text(encoding="utf-8") for path in paths}


def spec_of(recipe: Recipe, include: Path) -> ModelSpec:
    """Return a version's spec as it was, its texts written below a folder."""
    for path, text in recipe.content["texts"].items():
        (include / path).parent.mkdir(parents=True, exist_ok=True)
        (include / path).write_text(text, encoding="utf-8")
    return specs.model(recipe.model, include)


def made_by(spec: ModelSpec) -> dict[str, str]:
    """Return the code, the model's own code, and the environment that compute here and now."""
    from include.ratchet.adapters.environment import environment

    return {**code_of(spec), **environment()}


def code_of(spec: ModelSpec) -> dict[str, str]:
    """Return the code, and the model's own code where it has some."""
    from include.ratchet.adapters.models import sha256_of

    own: Path = specs.INCLUDE / "models" / spec.name / "code.py"
    return {"code": code_version(), **({"code.py": sha256_of(own)} if own.is_file() else {})}
