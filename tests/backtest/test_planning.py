"""Planning: what is replayed, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.ratchet.adapters import open_lake
from include.ratchet.backtest import planning
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, SpecError
from tests.tiny import MODEL, MODEL_YAML, Project, visits


def test_without_data_there_is_nothing_to_replay(project: Project) -> None:
    """Said with what to do, and nothing is written."""
    with pytest.raises(DataError, match=r"found no merged batch.* Deliver data and run visits_ingest"):
        planning.plan(specs.model(MODEL), 6)
    assert not (project.home / "backtests").exists()


def test_a_short_history_is_said(project: Project) -> None:
    """A history that one training would use up has nothing to compare."""
    project.deliver("first.csv", visits(0, 20))
    project.ingest()
    with pytest.raises(DataError, match="no history yet: its rows reach from 2020-01-01 to 2020-01-20"):
        planning.plan(specs.model(MODEL), 6)


def test_a_table_without_rows_is_said(landed: Project) -> None:
    """A clean table that is there and holds no row has no first and no last event."""
    rows = open_lake().dataset("clean/visits").to_table(use_threads=False)
    open_lake().write("clean/visits", rows.slice(0, 0), write_id="emptied", mode="replace")
    with pytest.raises(DataError, match="models/buys: found no row with an event time"):
        planning.plan(specs.model(MODEL), 6)
    assert not (landed.home / "backtests").exists()


def test_a_plan_belongs_to_the_code_as_it_is(landed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of a source that no commit knows is another backtest; another commit of the same sources is not."""
    source = tmp_path / "steps" / "gate.py"
    source.parent.mkdir()
    source.write_text("LEVEL = 0.05\n", encoding="utf-8")
    monkeypatch.setattr(planning, "SOURCES", tmp_path)
    first = planning.plan(specs.model(MODEL), 6)
    monkeypatch.setenv("RATCHET_CODE_VERSION", "another")
    assert planning.plan(specs.model(MODEL), 6).folder == first.folder
    assert {"python", "numpy"} < first.plan["made_by"].keys()
    source.write_text("LEVEL = 0.01\n", encoding="utf-8")
    assert planning.plan(specs.model(MODEL), 6).folder != first.folder
    assert landed.home in first.folder.parents


def test_a_model_without_time(project: Project) -> None:
    """Time is what is replayed."""
    project.write(model=MODEL_YAML.replace("time: at, ", "").replace("{validation: 7d, test: 25d}", "{validation: 0.2, test: 0.2}"))
    with pytest.raises(SpecError, match="cannot be replayed") as raised:
        planning.plan(specs.model(MODEL), 6)
    assert "columns.time: not there" in str(raised.value)


def test_a_plan_finds_its_folder_again(landed: Project) -> None:
    """The same history, spec and windows are the same folder; another spec has another, and the old one is removed."""
    first = planning.plan(specs.model(MODEL), 6)
    assert planning.plan(specs.model(MODEL), 6).folder == first.folder
    assert [step.tables for step in first.steps] == [{"visits": 0}] * 6
    triggers = {
        policy: yaml.safe_load((first.folder / f"include/{policy}/models/{MODEL}/model.yaml").read_text("utf-8"))["triggers"]
        for policy in ("never", "every", "configured")
    }
    assert "new_data" not in triggers["never"]
    assert triggers["every"]["new_data"] == {"min_rows": 1}
    assert triggers["configured"]["new_data"] == {"min_rows": 100}
    outside = "{target: sagemaker, sagemaker: {"
    outside += "region: eu-west-1, role: arn:aws:iam::123456789012:role/r, place: s3://bucket, "
    outside += "image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/i:1}}"
    landed.write(model=MODEL_YAML.replace("deploy: {target: batch}", f"deploy: {outside}"))
    second = planning.plan(specs.model(MODEL), 6)
    assert second.folder != first.folder
    assert not first.folder.exists()
    assert specs.model(MODEL).deploy.sagemaker
    assert not specs.model(MODEL, second.folder / "include" / "every").deploy.sagemaker  # the endpoint of today stays as it is


def test_a_policy_that_cannot_be_is_left_out(landed: Project) -> None:
    """A loss cannot be tested in windows of a day: said before anything is trained; who names the policy is refused."""
    landed.write(model=MODEL_YAML.replace("      degradation: {drop: 0.1}\n", "").replace("window: 7d", "window: 1d"))
    made = planning.plan(specs.model(MODEL), 6)
    found, left_out = planning.possible(made, [])
    assert found == ("never", "every", "drift", "configured")
    assert left_out.keys() == {"loss", "both"}
    assert "monitor.window: found 1d; allowed with triggers.degradation is 5d or more" in left_out["loss"]
    assert planning.possible(made, ["drift"]) == (("drift",), {})
    with pytest.raises(SpecError, match="cannot be replayed so") as raised:
        planning.possible(made, ["drift", "loss"])
    assert "loss: monitor.window: found 1d" in str(raised.value)
    assert "both" not in str(raised.value)
