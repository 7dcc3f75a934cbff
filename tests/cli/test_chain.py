"""`./ratchet run`: the whole chain through the bodies of the DAGs, without a scheduler."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.cli.chain import ChainError, run_chain
from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.tasks.scaffold import scaffold
from tests.tiny import FEED, MODEL, Project, visits

PARAMS = {"reason": "try it", "window": "", "candidates": ["logistic"]}


def test_from_files_to_a_champion_that_has_predicted(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Ingest, train, gate, deploy, score; a second run trains again and refuses what answers the same."""
    project.deliver("a.csv", visits())
    assert run_chain(specs.model(MODEL), PARAMS)
    ledger, said = open_ledger(), " ".join(capsys.readouterr().out.split())
    assert ledger.champion(MODEL) == 1
    assert len(project.rows(f"predictions/{MODEL}")) == 60 * 40 - 1
    assert "buys version 1 (logistic) promote" in said
    assert "no label of an out-of-sample prediction has matured yet" in said
    (run,) = ledger.runs(MODEL)
    assert "try it" in run.reason
    bodies = [(step["dag_id"], step["task_id"], step["state"]) for step in ledger.steps(run.run_id)]
    stages = {
        "visits_ingest": ("land", "check", "validate", "merge"),
        "buys_train": ("arbitrate", "snapshot", "fit", "register", "judge", "dossier", "bless"),
        "buys_deploy": ("choose", "preload", "promote", "smoke"),
        "buys_score": ("score",),
    }
    expected = [(dag, task, "success") for dag, tasks in stages.items() for task in tasks]
    assert bodies == [*expected, ("buys_monitor", "ship", "success"), ("buys_monitor", "measure", "skipped")]
    assert {step["executor"] for step in ledger.steps(run.run_id)} == {"in process"}


def test_a_stopped_batch_is_named_and_the_rest_goes_on(landed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The sound file is merged, the chain goes on to its end, and the result is a failure that names the other one."""
    landed.deliver("good.csv", visits(60, 1))
    landed.deliver("bad.csv", b"")
    spec = specs.model(MODEL)
    assert not run_chain(spec, {**PARAMS, "candidates": ["tree"]})
    said = capsys.readouterr().out.replace("\n", " ")
    assert "bad.csv" in said
    assert "the file is empty" in said
    assert sorted(batch.status for batch in open_ledger().batches(FEED)) == ["merged", "merged", "stopped"]
    assert open_ledger().verdicts(MODEL)


def test_a_source_that_is_not_there_is_a_message() -> None:
    """Before the example's data was delivered: which stage of which feed, what was found, and what to do first."""
    with pytest.raises(ChainError, match=r"weather_ingest\.land failed: OperationalError: .*no such table: weather\n.*make feed"):
        run_chain(specs.model("flight_delay"), PARAMS)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("ingest.land", r"visits_ingest\.land failed: OSError: the disk \[/x\]\nLook at `source` in include/feeds/visits/feed.yaml"),
        ("arbitrate.arbitrate", r"buys_train\.arbitrate failed: OSError: the disk \[/x\]\nRun it again"),
    ],
)
def test_a_foreign_error_names_its_stage(monkeypatch: pytest.MonkeyPatch, body: str, said: str) -> None:
    """What failed, where, and what next: the source of a feed, or the same command again."""

    def broken(*_: object) -> None:
        raise OSError("the disk [/x]")

    broken.__name__ = body.partition(".")[2]
    monkeypatch.setattr(f"include.ratchet.tasks.{body}", broken)
    with pytest.raises(ChainError, match=said):
        run_chain(specs.model(MODEL), PARAMS)


def test_a_candidate_that_is_not_there_is_a_message(landed: Project) -> None:
    """The form's checks are the command line's too; nothing is trained."""
    assert landed.include.exists()
    with pytest.raises(SpecError, match="found 'forest'; allowed are logistic, tree"):
        run_chain(specs.model(MODEL), {**PARAMS, "candidates": ["forest"]})
    assert open_ledger().runs(MODEL) == []


def test_three_classes_from_a_sample_to_a_champion(project: Project) -> None:
    """What `./ratchet new` writes for words of three kinds runs as it is: holes, an empty column, and classes by name."""
    draw = np.random.default_rng(1)
    x, z, region = draw.normal(size=1500), draw.normal(size=1500), draw.choice(list("abcd"), 1500)
    score = x + z + (region == "a") + draw.normal(size=1500) / 3
    content = {
        "order_id": [f"o{i:05d}" for i in range(1500)],
        "x": np.where(draw.uniform(size=1500) < 0.05, np.nan, x.round(4)),
        "z": z.round(4),
        "empty": np.nan,
        "region": region,
        "grade": np.array(["low", "middle", "high"])[np.digitize(score, [-0.6, 0.8])],
    }
    sample = project.home.parent / "grades.csv"
    pd.DataFrame(content).to_csv(sample, index=False)
    os.utime(sample, (1e9, 1e9))  # a sample of today's second would still be settling
    scaffold("grades", sample, "grade", include=project.include)
    path = project.include / "models" / "grades" / "model.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("trials: 12", "trials: 1"), encoding="utf-8")
    assert run_chain(specs.model("grades"), {**PARAMS, "candidates": []})
    (verdict,) = open_ledger().verdicts("grades")
    assert verdict.outcome == "promote", verdict.sentence
    assert {"gain over the baseline", "gain over one feature"} <= {rule.rule for rule in verdict.rules if rule.result == "pass"}
    assert open_ledger().champion("grades") == 1
    assert set(project.rows("predictions/grades")["prediction"]) == {"low", "middle", "high"}
