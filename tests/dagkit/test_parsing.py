"""Which specs are read: all of them for the DAG processor, the one that runs for a task."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import BundleDagBag

from include.ratchet.dagkit import parsing, schedules
from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.specs import PROJECT
from tests import tiny

CONTEXT = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
"""What Airflow's task process sets before it parses the file of the DAG that runs."""


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of three models; `broken` cannot be read."""
    folder = tmp_path / "include"
    tiny.write_specs(folder)
    text = (folder / "models/buys/model.yaml").read_text(encoding="utf-8")
    for name in ("broken", "sells"):
        (folder / "models" / name).mkdir()
        changed = text.replace("name: buys", f"name: {name}").replace("roc_auc", "roc_auc" if name == "sells" else "[")
        (folder / "models" / name / "model.yaml").write_text(changed, encoding="utf-8")
    tiny.read_specs_from(folder, monkeypatch)
    return folder


@pytest.fixture
def read(include: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of spec files that are read from now on."""
    files: list[str] = []
    real = specs._bytes

    def counting(path: Path) -> bytes:
        files.append(str(path.relative_to(include)))
        return real(path)

    monkeypatch.setattr(specs, "_bytes", counting)
    return files


def test_the_processor_builds_every_sound_model(read: list[str]) -> None:
    """Without a context every spec is read once, and a broken one is left out."""
    assert [spec.name for spec in parsing.models("train")] == ["buys", "sells"]
    assert read == ["models/broken/model.yaml", "models/buys/model.yaml", "models/sells/model.yaml"]


def test_a_task_reads_its_own_spec_only(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of a task does not grow with the number of models, and a broken neighbour does not matter."""
    monkeypatch.setenv(CONTEXT, "sells_train")
    assert [spec.name for spec in parsing.models("train")] == ["sells"]
    assert read == ["models/sells/model.yaml"]


@pytest.mark.parametrize("running", ["sells_score", "visits_ingest", "train", "gone_train", "sells"])
def test_a_file_of_another_stage_builds_nothing(read: list[str], monkeypatch: pytest.MonkeyPatch, running: str) -> None:
    """A DAG of another stage, or of a model that is gone, makes this file read nothing."""
    monkeypatch.setenv(CONTEXT, running)
    assert list(parsing.models("train")) == []
    assert read == []


def test_feeds_are_chosen_in_the_same_way(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`visits_ingest` reads the feed `visits`."""
    monkeypatch.setenv(CONTEXT, "visits_ingest")
    assert [spec.name for spec in parsing.feeds("ingest")] == ["visits"]
    assert read == ["feeds/visits/feed.yaml"]


def test_a_feed_with_a_broken_cron_harms_no_other(include: Path) -> None:
    """`schedule: "@daily"` is a fault of that feed, named; dags/ingest.py goes on with the others."""
    (include / "feeds" / "daily").mkdir()
    text = textwrap.dedent(tiny.FEED_YAML.replace("name: visits", "name: daily")) + 'schedule: "@daily"\n'
    (include / "feeds/daily/feed.yaml").write_text(text, encoding="utf-8")
    assert [schedules.ingest(spec) is not None and spec.name for spec in parsing.feeds("ingest")] == ["visits"]
    with pytest.raises(SpecError, match="schedule: found '@daily': it has not five fields"):
        specs.feed("daily")


def test_a_real_file_builds_one_dag_in_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """dags/train.py of the bundle, parsed as a task process parses it."""
    monkeypatch.setenv(CONTEXT, "flight_delay_train")
    bag = BundleDagBag(dag_folder=PROJECT / "dags/train.py", bundle_path=PROJECT, bundle_name="ratchet")
    assert list(bag.dags) == ["flight_delay_train"]


def test_sound_specs_report_nothing(include: Path) -> None:
    """The file dags/specs.py imports without an error."""
    shutil.rmtree(include / "models" / "broken")
    parsing.report_broken()


def test_all_broken_specs_are_one_error(include: Path) -> None:
    """Each fault begins with its file, once; a folder without a spec is a fault too."""
    (include / "feeds" / "empty").mkdir()
    with pytest.raises(SpecError) as caught:
        parsing.report_broken()
    assert caught.value.headline == "2 fault(s) in the specs; the DAGs of the others go on"
    empty, broken = caught.value.faults
    assert empty == f"{include}/feeds/empty/feed.yaml: no such file"
    assert broken.startswith(f"{include}/models/broken/model.yaml: while parsing")


def test_views_are_built_like_models(include: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each view has its DAG; a task of another DAG reads none."""
    tiny.add_view(include)
    assert [spec.name for spec in parsing.views("materialize")] == [tiny.VIEW]
    monkeypatch.setenv(CONTEXT, "buys_train")
    assert list(parsing.views("materialize")) == []


def test_a_model_without_views_reads_none(include: Path, read: list[str]) -> None:
    """A view costs the models that join it, and no other."""
    tiny.add_view(include)
    list(parsing.models("train"))
    assert [file for file in read if file.startswith("views/")] == []
