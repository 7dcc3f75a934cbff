"""Body of `dossier` in `<model>_train`: one page on the verdict, for whoever must agree with it."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Verdict
from include.ratchet.tasks import reading
from include.ratchet.tasks.importance import importance, shapley
from include.ratchet.tasks.snapshot import split_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.steps.frames import Split

PAGE, TWIN = "dossier/dossier.html", "dossier/dossier.json"
_log = logging.getLogger(__name__)


def dossier(judged: Json, candidates: list[Json]) -> Json:
    """Write the dossier of a judged challenger: to MLflow beside its run, into the home, its digest into the ledger.

    Everything comes from records and from the snapshot, so that a second run writes the same bytes again.
    Returns what `judge` returned, with the dossier's `digest` and the `url` where people read it.
    """
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.steps.dossier import Evidence
    from include.ratchet.steps.dossier import dossier as put_together
    from include.ratchet.steps.dossier_page import page

    spec, ledger = specs.model(judged["model"]), open_ledger()
    verdict = next(each for each in ledger.verdicts(spec.name) if each.digest == judged["digest"])
    run = ledger.run(spec.name, verdict.run_id)
    if run is None:
        message = f"{spec.name} version {verdict.version}: its verdict is in the ledger, its run {verdict.run_id} is not; train again"
        raise LedgerError(message)
    kept = reading.snapshot_of(spec.name, verdict.version)
    rows, parts = split_rows(spec, {"digest": kept.digest})
    known = Evidence(
        spec,
        run,
        [(signal, became) for signal, became in ledger.signals(spec.name) if became.run == verdict.run_id],
        kept,
        _spans(spec, rows, parts),
        list(candidates),
        verdict,
        _explained(spec, rows, parts, verdict),
        _code(ledger, verdict.run_id),
        frozenset(column for name in specs.all_feeds(spec) for column in specs.feed(name).personal),
    )
    made = put_together(known)
    files = {PAGE: page(made), TWIN: json.dumps(made.content, indent=1, sort_keys=True)}
    place = _keep(spec.name, verdict.version, files)
    registry = open_registry()
    url = registry.attach(spec.name, verdict.version, files)
    registry.tag(spec.name, verdict.version, {"ratchet.dossier_digest": made.digest})
    ledger.explain(verdict.digest, made.digest, url)
    _log.info("dossier of %s version %s: %s (and %s)", spec.name, verdict.version, url, place)
    return {**judged, "dossier": {"digest": made.digest, "url": url}}


def _spans(spec: ModelSpec, rows: pa.Table, parts: Split) -> Json:
    """Return how many rows each part has, and from when to when."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: Json = {}
    for name in ("train", "test"):
        mask = getattr(parts, name)
        found[name] = {"rows": int(mask.sum()), "first": None, "last": None}
        if spec.columns.time and mask.any():
            ends = pc.min_max(rows[spec.columns.time].filter(pa.array(mask))).as_py()
            found[name] |= {"first": ends["min"].isoformat(), "last": ends["max"].isoformat()}
    return found


def _explained(spec: ModelSpec, rows: pa.Table, parts: Split, verdict: Verdict) -> Json:
    """Ask challenger and champion once more about test rows: calibration or residuals, and what the challenger looks at."""
    import pyarrow as pa

    from include.ratchet.adapters import open_registry
    from include.ratchet.steps import explain
    from include.ratchet.steps.answers import answer
    from include.ratchet.steps.frames import columns_of, features, labels

    test = rows.filter(pa.array(parts.test))
    test = test.take(pa.array(explain.drawn(test.num_rows, explain.MOST_ROWS, spec.training.seed)))
    truth = labels(test, spec)
    found: Json = {}
    for who, version in (("challenger", verdict.version), ("champion", verdict.champion)):
        found[who] = []
        if version is None:
            continue
        pipeline = open_registry().load(spec.name, version)
        columns = columns_of(pipeline, spec.columns)
        if not set(columns.features) <= set(test.column_names):
            continue
        seen = features(test, columns)
        said = answer(pipeline, seen, spec.gate.threshold)
        found[who] = explain.calibration(said, truth) if said.probabilities is not None else explain.residuals(said, truth)
        if who == "challenger":
            found["importance"] = importance(spec, version, pipeline, lambda: test)
            if spec.training.shap is not None:
                found["shapley"] = shapley(spec, version, pipeline, lambda: test)
    return found


def _code(ledger: Ledger, run: str) -> str:
    """Return the commit that judged, as it was recorded then."""
    found = [step["code_version"] for step in ledger.steps(run) if step["task_id"] == "judge" and step["state"] == "success"]
    return str(found[0]) if found else "unknown"


def _keep(model: str, version: int, files: dict[str, str]) -> Path:
    """Write the files into the home, each in one move."""
    from include.ratchet.domain.config import load_config

    folder = load_config().folder / "dossiers" / model
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        target = folder / f"version-{version}{Path(name).suffix}"
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    return folder / f"version-{version}{Path(PAGE).suffix}"
