"""The dossier task: written for every verdict, the same when it is written again, its digest in the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.records import digest
from include.ratchet.tasks import train
from include.ratchet.tasks.dossier import PAGE, TWIN, dossier
from tests.tiny import MODEL, MODEL_YAML, Project

CANDIDATES = [{"name": "logistic", "score": 0.9, "trials": [{"params": {"C": "1.0"}, "score": 0.9}], "seconds": 0.1}]


def artifacts(version: int) -> dict[str, str]:
    """Read what MLflow holds beside a version's run."""
    run = open_registry().get(MODEL, version).run_id
    found = {}
    for name in (PAGE, TWIN):
        found[name] = Path(mlflow.artifacts.download_artifacts(f"runs:/{run}/{name}")).read_text(encoding="utf-8")
    return found


def newest(project: Project) -> Any:
    """Return what judge returned for the newest verdict."""
    verdict = open_ledger().verdicts(MODEL)[0]
    project.run_id = verdict.run_id
    return {"model": MODEL, "version": verdict.version, "outcome": verdict.outcome, "digest": verdict.digest, "sentence": verdict.sentence}


def test_a_dossier_is_beside_the_run_in_the_home_and_in_the_ledger(blessed: Project) -> None:
    """MLflow and the home hold page and twin; the ledger and the registry hold the digest of the twin."""
    judged = newest(blessed)
    said = blessed.run(dossier, judged, CANDIDATES)
    kept = artifacts(1)
    assert digest(json.loads(kept[TWIN])) == said["dossier"]["digest"]
    assert said["dossier"]["digest"] in kept[PAGE]
    assert (blessed.home / "dossiers" / MODEL / "version-1.html").read_text(encoding="utf-8") == kept[PAGE]
    assert open_ledger().dossier(judged["digest"]) == said["dossier"]
    assert open_registry().get(MODEL, 1).tags["ratchet.dossier_digest"] == said["dossier"]["digest"]
    assert blessed.run(train.bless, said)["dossier"] == said["dossier"]


def test_writing_it_again_changes_nothing(serving: Project) -> None:
    """The same bytes and the same digest: a task that was killed is run again."""
    judged = newest(serving)
    first, files = serving.run(dossier, judged, CANDIDATES), artifacts(2)
    assert serving.run(dossier, judged, CANDIDATES) == first
    assert artifacts(2) == files
    content = json.loads(files[TWIN])
    assert content["champion"] == 1
    assert content["explained"]["champion"]
    assert {each["feature"] for each in content["explained"]["importance"]} == {"x", "colour"}


def test_a_refused_challenger_has_one_too(landed: Project) -> None:
    """From data to page in one go: the sentence of the refusal stands on it, and the Shapley values that were asked for."""
    landed.write(model=MODEL_YAML.replace(">= 0.60", ">= 0.999").replace("  training:\n", "  training:\n      shap: 50\n"))
    verdict = landed.train()
    said = landed.run(dossier, verdict, CANDIDATES)
    assert said["outcome"] == "refuse"
    text = artifacts(said["version"])[PAGE]
    assert "Refused: business roc_auc" in text
    assert "There is no champion yet" in text
    assert "What moves its predictions" in text
