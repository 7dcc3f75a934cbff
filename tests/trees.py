"""Copies of the project in a temporary folder, and Python processes that look at them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from include.ratchet.domain.specs import PROJECT
from tests import tiny

PARTS = ("dags", "include", "plugins", "config", "ratchet.yaml", ".airflowignore")
TIMEOUT = 240


def copy_project(to: Path, *, tiny_specs: bool = False) -> Path:
    """Copy what is deployed; with `tiny_specs`, the tiny feed and model instead of the bundled ones."""
    to.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, to / part, ignore=ignored)
        else:
            shutil.copy(PROJECT / part, to / part)
    if tiny_specs:
        for kind in ("feeds", "models", "views"):
            shutil.rmtree(to / "include" / kind)
        tiny.write_specs(to / "include")
        (to / "tests").mkdir()
        shutil.copy(PROJECT / "tests" / "tiny.py", to / "tests")
    return to


def python(code: str, *arguments: str | Path, folder: Path, **env: str) -> Any:
    """Run code in a fresh process in `folder`; return the JSON of the last line that it printed.

    The process finds no package of ours by itself: what it imports, its own code must find.
    """
    airflow = folder / "airflow-home"
    outer = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHONPATH"))}
    own = {"AIRFLOW_HOME": str(airflow), "AIRFLOW__CORE__LOAD_EXAMPLES": "false", "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname"}
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env={**outer, **own, **env}, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-6000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def bundle(tree: Path) -> dict[str, str]:
    """Return the variable that makes a tree Airflow's one bundle."""
    local = {"name": "ratchet", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(tree)}}
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([local])}
