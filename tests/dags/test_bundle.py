"""The bundle as Airflow sees it: where it parses, what parsing loads, and what a broken spec costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain.specs import PROJECT
from tests import trees
from tests.dags.reading import ALL, HOUSE, REHEARSALS, STAGES

BUNDLE = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
root, before = Path(sys.argv[1]), set(sys.modules)
bag = BundleDagBag(dag_folder=root, bundle_path=root, bundle_name="ratchet")
loaded = sorted({name.split(".")[0] for name in set(sys.modules) - before})
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "loaded": loaded}))
"""
ASTRO = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
import include.ratchet
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "from": include.ratchet.__file__}))
"""
HEAVY = {
    "boto3", "deltalake", "duckdb", "fsspec", "great_expectations", "mlflow", "numpy", "pandas", "pyarrow", "pydantic_settings", "scipy",
    "skops", "sklearn", "sqlalchemy",
}  # fmt: skip


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Parse the repository in a fresh process that knows nothing but the bundle's root."""
    return trees.python(BUNDLE, PROJECT, folder=tmp_path_factory.mktemp("root"))


def test_the_bundle_parses_from_the_repository_root(parsed: Any) -> None:
    """A Git or local bundle whose root is the repository: all DAGs, no import error, nothing else taken for a DAG."""
    assert parsed["errors"] == {}
    assert parsed["dags"] == sorted([*ALL, *HOUSE, *REHEARSALS])


def test_parsing_loads_nothing_heavy(parsed: Any) -> None:
    """The DAG files load our domain and dagkit, and none of the libraries that tasks need."""
    assert "include" in parsed["loaded"]
    assert HEAVY & set(parsed["loaded"]) == set()
    ours = {name for name in parsed["loaded"] if name in HEAVY | {"typer", "rich", "fastapi", "uvicorn", "psutil"}}
    assert ours == set()


def test_the_bundle_parses_in_the_astro_layout(tmp_path: Path) -> None:
    """A copied tree that is AIRFLOW_HOME and on PYTHONPATH, as the Astro runtime has it; its own code is what loads."""
    tree = trees.copy_project(tmp_path / "usr" / "local" / "airflow")
    made = trees.python(ASTRO, folder=tmp_path, AIRFLOW_HOME=str(tree), PYTHONPATH=str(tree))
    assert made["errors"] == {}
    assert made["dags"] == sorted([*ALL, *HOUSE, *REHEARSALS])
    assert made["from"] == str(tree / "include" / "ratchet" / "__init__.py")


def test_broken_specs_are_one_readable_error_and_the_others_live(tmp_path: Path) -> None:
    """`dags/specs.py` names file, key, found and allowed of every fault; the sound models and feeds keep their DAGs."""
    tree = trees.copy_project(tmp_path / "tree")
    model, feeds = tree / "include/models/flight_delay/model.yaml", tree / "include/feeds"
    text = model.read_text(encoding="utf-8").replace("task: binary", "task: binnary").replace("  seed: 7", "  sead: 7")
    model.write_text(text, encoding="utf-8")
    (feeds / "planes" / "feed.yaml").unlink()
    (feeds / "weather" / "feed.yaml").write_text("name: [weather", encoding="utf-8")
    made = trees.python(BUNDLE, tree, folder=tmp_path)
    ((file, error),) = made["errors"].items()
    assert file == "dags/specs.py"
    for words in (
        "include/models/flight_delay/model.yaml: task: found 'binnary'; input should be 'binary', 'multiclass' or 'regression'",
        "include/models/flight_delay/model.yaml: training.sead: unknown key; allowed are window, split",
        "did you mean 'seed'?",
        "- include/feeds/planes/feed.yaml: no such file",
        "include/feeds/weather/feed.yaml: while parsing a flow sequence",
    ):
        assert words in error
    assert made["dags"] == sorted(
        [*HOUSE, "airport_load_materialize", "flights_ingest", *(f"flight_duration_{stage}" for stage in (*STAGES, "rehearse"))]
    )


def test_a_hundred_models_parse(tmp_path: Path) -> None:
    """400 DAGs of models without an import error."""
    tree = trees.copy_project(tmp_path / "tree", tiny_specs=True)
    text = (tree / "include/models/buys/model.yaml").read_text(encoding="utf-8")
    for number in range(100):
        folder = tree / "include/models" / f"buys_{number}"
        folder.mkdir()
        (folder / "model.yaml").write_text(text.replace("name: buys", f"name: buys_{number}"), encoding="utf-8")
    made = trees.python(BUNDLE, tree, folder=tmp_path)
    assert made["errors"] == {}
    assert len(made["dags"]) == 101 * 5 + 1 + len(HOUSE)


INGEST = """
import json, os, subprocess, sys
from pathlib import Path
tree, bin = Path(sys.argv[1]), sys.argv[2]
subprocess.run([f"{bin}/airflow", "db", "migrate"], check=True, capture_output=True)
from airflow.dag_processing.dagbag import BundleDagBag
dag = BundleDagBag(dag_folder=tree / "dags/ingest.py", bundle_path=tree, bundle_name="ratchet").dags["visits_ingest"]
from include.ratchet.adapters import lake
from include.ratchet.adapters.sources import files
from tests import tiny
home = Path(os.environ["RATCHET__HOME"])

def down(*_, **__):
    raise OSError("down")

def run(target=None, name=""):
    kept = getattr(target, name, None)
    if target:
        setattr(target, name, down)
    made = dag.test(logical_date=None)
    if target:
        setattr(target, name, kept)
    states = {i.task_id + (f"[{i.map_index}]" if i.map_index >= 0 else ""): str(i.state) for i in made.get_task_instances()}
    return {"run": str(made.state), **states}

found = {"idle": run(), "source down": run(files.Files, "discover")}
tiny.deliver(home, "a.csv", tiny.visits(0, 1))
found["lake down"] = run(lake.DeltaLake, "write")
found["lake up"] = run()
tiny.deliver(home, "b.csv", tiny.visits(1, 1))
tiny.deliver(home, "c.csv", b"what,is,this")
found["one of two stopped"] = run()
found["idle again"] = run()
print(json.dumps(found))
"""


def test_an_ingest_run_is_as_its_batches_are(tmp_path: Path) -> None:
    """Run by Airflow itself: idle ends green, what failed ends red, and a stopped batch does not stop its neighbour.

    A merge that failed must not be hidden by a report that succeeded, nor an idle sweep reddened by an old refusal.
    """
    tree = trees.copy_project(tmp_path / "tree", tiny_specs=True)
    shared = tree / "include/ratchet/dagkit/defaults.py"
    shared.write_text(shared.read_text(encoding="utf-8").replace('"retries": 2', '"retries": 0'), encoding="utf-8")
    made = trees.python(
        INGEST, tree, Path(sys.executable).parent, folder=tmp_path, RATCHET__HOME=str(tmp_path / "home"), **trees.bundle(tree)
    )
    assert {name: each["run"] for name, each in made.items()} == {
        "idle": "success",
        "source down": "failed",
        "lake down": "failed",
        "lake up": "success",
        "one of two stopped": "failed",
        "idle again": "success",
    }
    assert made["idle again"]["land"] == "skipped"
    stopped = made["one of two stopped"]
    assert [stopped[task] for task in ("batch.check[0]", "batch.check[1]", "merge", "report")] == ["success", "failed", "success", "failed"]
