"""What a training run leaves in MLflow, from real fits."""

from __future__ import annotations

import json

from include.ratchet.adapters import open_ledger
from include.ratchet.tasks import arbitrate, snapshot, train
from include.ratchet.tasks.reported import CURVES, IMPORTANCES, TRIALS, reported
from include.ratchet.tasks.seam import code_version
from tests.tiny import MODEL, Project


def test_a_report_holds_what_was_done(landed: Project) -> None:
    """Trials of all candidates, plots, the snapshot's digest and tables, the window, the seed and the code."""
    jobs = landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL, reason="look"))
    fitted = [landed.run(train.fit, job) for job in jobs]
    made = reported(fitted, fitted[0])
    kept = open_ledger().get_snapshot(jobs[0]["snapshot"]["digest"])
    assert (made.model, made.chosen, made.snapshot, made.code) == (MODEL, "logistic", kept.digest, code_version())
    assert made.data["content"] == kept.content
    assert made.data["tables"] == kept.tables
    assert made.parameters["folds"] == "3"
    assert made.parameters["seed"] == "7"
    assert "look" in made.parameters["reason"]
    assert set(made.files) == {TRIALS, CURVES, IMPORTANCES}
    assert json.loads(made.files[TRIALS]) == {each["name"]: each["trials"] for each in fitted}
    assert [len(each["trials"][0]["scores"]) for each in fitted] == [3, 3]
