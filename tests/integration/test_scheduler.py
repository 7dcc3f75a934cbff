"""The whole house for real: scheduler, triggerer, API server and prediction service, from a file to a prediction."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.local import processes
from tests import tiny, trees

SECONDS = 420
LOOP = """
import json, sys, time
from datetime import UTC, datetime
sys.path.insert(0, sys.argv[1])
import httpx
from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain.config import load_config
from include.ratchet.local import environment, record, stack
from include.ratchet.local.api import Airflow
from include.ratchet.local.ports import Ports
from tests import tiny

config, ports, found = load_config(), Ports(*map(int, sys.argv[2:5])), {}
environment.folders(config)
found["stack"] = environment.stack_id(config)
print(json.dumps(found), flush=True)
began = time.monotonic()

def until(what, done):
    while not done():
        record.read(config).require_alive()
        airflow = Airflow(ports.url("airflow"))
        broken = airflow.import_errors() + [str(t) for t in airflow.tasks("~", "~", "failed", "upstream_failed")]
        if broken or time.monotonic() - began > float(sys.argv[5]):
            raise SystemExit(f"{what}: {broken or [(r['dag_id'], r['state']) for r in airflow.runs()]}")
        time.sleep(0.5)
    found.setdefault("seconds", {})[what] = round(time.monotonic() - began)

def served():
    answer = httpx.get(f"{url}/v1/models/{tiny.MODEL}", timeout=10, trust_env=False)
    return answer.json().get("version") if answer.is_success else None

url = ports.url("serving")
try:
    stack.up(ports, config=config, without={"mlflow"})
    found["parts"] = sorted(child.name for child in record.read(config).children)
    found["seconds"] = {"up": round(time.monotonic() - began)}
    tiny.deliver(config.folder, "first.csv", tiny.visits())
    ledger = open_ledger()
    until("champion", lambda: ledger.champion(tiny.MODEL))
    until("served", lambda: served() == 1)
    rows = {"records": [{"x": 3.0, "colour": "red"}, {"x": -3.0, "colour": "green"}]}
    found["answer"] = httpx.post(f"{url}/v1/models/{tiny.MODEL}:predict", json=rows, timeout=30, trust_env=False).json()
    until("scored", lambda: open_lake().version(f"predictions/{tiny.MODEL}") is not None)
    runs = [f"{run['dag_id']} {run['run_type']}" for run in Airflow(ports.url("airflow")).runs()]
    found["runs"] = sorted(set(runs))
    (run,) = ledger.runs(tiny.MODEL)
    links = f"/dags/{run.model}_train/dagRuns/{run.run_id}/taskInstances/dossier/links"
    found["links"] = Airflow(ports.url("airflow")).get(links)
    found["dossier"] = ledger.dossier(ledger.verdicts(tiny.MODEL)[0].digest)
    found["steps"] = [(step["task_id"], step["state"], step["executor"]) for step in ledger.steps(run.run_id)]
finally:
    found["stopped"] = len(stack.down(config))
print(json.dumps(found), flush=True)
"""


def _free_ports() -> list[str]:
    """Return three ports that nobody listens on."""
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for each in (a, b, c):
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in (a, b, c)]


@pytest.mark.integration
@pytest.mark.timeout(SECONDS + 60)
def test_a_file_becomes_a_champion_that_serves(tmp_path: Path) -> None:
    """A file arrives, the watcher wakes ingest, and events carry it to a served champion and scored rows; then all ends.

    Nothing is started by hand: no run is manual. Afterwards no process carries the stack's marker.
    """
    tree = trees.copy_project(tmp_path / "tree", tiny_specs=True)
    model = tiny.MODEL_YAML.replace("target: batch", "target: local")
    tiny.write_specs(tree / "include", model=model, feed=tiny.FEED_YAML + "    poll: 1s\n")
    said: list[dict[str, Any]] = []
    command = [sys.executable, "-P", "-c", LOOP, str(tree), *_free_ports(), str(SECONDS - 60)]
    try:
        done = subprocess.run(command, cwd=tree, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False)
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    finally:
        left = processes.marked(said[0]["stack"]) if said else []
        for each in left:
            each.kill()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert left == []
    made = said[-1]
    assert made["parts"] == ["api-server", "dag-processor", "scheduler", "serving", "triggerer"]
    assert made["stopped"] >= len(made["parts"])
    high, low = made["answer"]["probabilities"]
    assert high > 0.9
    assert low < 0.1
    assert made["answer"]["version"] == 1
    assert {"visits_ingest asset_triggered", "buys_train asset_triggered", "buys_deploy asset_triggered"} <= set(made["runs"])
    assert not [run for run in made["runs"] if run.endswith("manual")]
    assert made["links"]["extra_links"] == {"Dossier": made["dossier"]["url"]}
    assert made["dossier"]["url"].startswith("http://")
    tasks = [task for task, *_ in made["steps"]]
    assert sorted(tasks) == ["arbitrate", "bless", "dossier", "fit", "fit", "judge", "register", "snapshot"]
    assert {(state, executor) for _, state, executor in made["steps"]} == {("success", "LocalExecutor")}
