"""airflow_settings.yaml, .airflowignore, pre-commit and the licence."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.reading import ROOT, image_env

SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text(encoding="utf-8"))["airflow"]


def _models() -> set[str]:
    return {path.parent.name for path in (ROOT / "include" / "models").glob("*/model.yaml")}


def test_every_bundled_model_has_its_pool() -> None:
    """Astro's local Airflow gets one pool with one slot for each model, and no other."""
    assert {pool["pool_name"] for pool in SETTINGS["pools"]} == {f"ratchet_{name}" for name in _models()}
    assert {pool["pool_slot"] for pool in SETTINGS["pools"]} == {1}
    assert all(pool["pool_description"] for pool in SETTINGS["pools"])


def test_every_connection_of_the_deployment_is_there_without_a_secret() -> None:
    """The connections that ratchet.yaml names are Airflow's too; no password stands in the file."""
    named = yaml.safe_load((ROOT / "ratchet.yaml").read_text(encoding="utf-8")).get("connections", {})
    connections = {connection["conn_id"]: connection for connection in SETTINGS["connections"]}
    assert set(connections) == set(named)
    for connection in connections.values():
        assert not connection["conn_password"]
        assert isinstance(connection["conn_port"], int)
    assert connections["reference"]["conn_host"] == f"{image_env()['RATCHET__HOME']}/reference.db"


_FIND = """
import json, sys
from airflow.utils.file import list_py_file_paths
print(json.dumps(list_py_file_paths(sys.argv[1], safe_mode=True)))
"""


def test_a_bundle_at_the_root_finds_dags_and_nothing_else(tmp_path: Path) -> None:
    """Airflow itself, given a root with our .airflowignore, reads the files under dags/ only."""
    root = tmp_path / "root"
    for name in ("dags/train.py", "dags/deep/score.py", "include/a.py", "plugins/b.py", "config/c.py", "tests/d.py", ".venv/e.py", "f.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from airflow.sdk import dag\n", encoding="utf-8")
    shutil.copy(ROOT / ".airflowignore", root)
    env = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-W", "ignore", "-c", _FIND, str(root)]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=True)
    found = {str(Path(path).relative_to(root)) for path in json.loads(done.stdout.splitlines()[-1])}
    assert found == {"dags/train.py", "dags/deep/score.py"}


def test_pre_commit_runs_our_make_targets_only() -> None:
    """Hooks come from this repository, and each is a target of the Makefile that CI runs too."""
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for hook in (hook for repo in repos for hook in repo["hooks"]):
        program, target = hook["entry"].split()
        assert program == "make"
        assert target in targets


def test_secrets_stay_out_of_git() -> None:
    """.env is ignored; its example is not."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored
    assert not {".env*", ".env.*", ".env.example"} & set(ignored)


def test_the_licence_is_whole() -> None:
    """LICENSE is the text of Apache 2.0 from its first line to its last, and of nothing else."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("Apache License\n")
    assert text.rstrip().endswith("limitations under the License.")
    assert "SUBCOMPONENTS" not in text
