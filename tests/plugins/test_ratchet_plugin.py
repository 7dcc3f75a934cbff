"""The plugin: Airflow finds it, and a scheduler that starts has a pool for every model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain.specs import PROJECT
from tests import trees

START = """
import json, subprocess, sys
bin = sys.argv[1]
subprocess.run([f"{bin}/airflow", "db", "migrate"], check=True, capture_output=True)
from airflow import plugins_manager
from airflow.models.pool import Pool
names = [type(each).__name__ for plugin in plugins_manager._get_plugins()[0] if plugin.name == "ratchet" for each in plugin.listeners]
errors = plugins_manager.get_import_errors()
from airflow.listeners.listener import get_listener_manager

class SchedulerJobRunner:
    pass

class TriggererJobRunner:
    pass

def pools():
    return {each.pool: each.slots for each in Pool.get_pools() if each.pool.startswith("ratchet")}

hook = get_listener_manager().hook.on_starting
hook(component=TriggererJobRunner())
found = [pools()]
hook(component=SchedulerJobRunner())
found.append(pools())
Pool.create_or_update_pool("ratchet_buys", slots=3, description="", include_deferred=False)
hook(component=SchedulerJobRunner())
found.append(pools())
print(json.dumps({"listeners": names, "errors": errors, "pools": found}))
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Start components of Airflow, as far as the listeners are concerned, on a database of its own."""
    folder = tmp_path_factory.mktemp("plugin")
    tree = trees.copy_project(folder / "tree", tiny_specs=True)
    env = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(tree / "plugins"), "PYTHONPATH": str(tree)}
    return trees.python(START, Path(sys.executable).parent, folder=folder, **env)


def test_airflow_loads_it(started: Any) -> None:
    """The listener is registered, and the plugin does not fail to import."""
    assert started["listeners"] == ["Pools"]
    assert started["errors"] == {}


def test_a_starting_scheduler_makes_the_missing_pools(started: Any) -> None:
    """One slot for each model; other components make none; the slots that an operator set stay."""
    assert started["pools"] == [{}, {"ratchet_buys": 1}, {"ratchet_buys": 3}]


def test_it_is_light() -> None:
    """It is imported by every component and every task: only Airflow's own words at module level."""
    text = (PROJECT / "plugins" / "ratchet_plugin.py").read_text(encoding="utf-8")
    loaded = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert loaded <= {"__future__", "typing", "airflow", "include"}
