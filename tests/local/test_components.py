"""What is started, where it listens, and where it finds our code."""

from __future__ import annotations

import os

import pytest

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local import components
from include.ratchet.local.ports import Ports

PORTS = Ports(8081, 5001, 8091)


def test_only_what_does_not_see_the_bundle_has_our_code_on_its_path() -> None:
    """A second copy on a worker's path would shadow the bundle's; the settings are for all."""
    paths = {c.name: c.env["PYTHONPATH"].split(os.pathsep) for c in components.airflow(PORTS)}
    assert {name for name, path in paths.items() if str(PROJECT) in path} == {"api-server", "triggerer"}
    assert all(str(PROJECT / "config") in path for path in paths.values())


def test_no_log_server_is_started() -> None:
    """Airflow's log servers listen on every interface of the machine."""
    commands = {c.name: c.command for c in components.airflow(PORTS)}
    assert all("--skip-serve-logs" in commands[name] for name in ("scheduler", "triggerer"))


def test_every_part_can_show_that_it_is_well(config: Config) -> None:
    """By a page of its own, or by its heartbeat on Airflow's."""
    parts = [*components.servers(config, PORTS), *components.airflow(PORTS)]
    assert all(bool(c.health) != bool(c.heartbeat) for c in parts)


def test_mlflow_listens_on_this_machine_and_keeps_artifacts_in_their_folder(config: Config) -> None:
    """One worker; tasks write artifacts themselves."""
    [mlflow] = [c for c in components.servers(config, PORTS) if c.name == "mlflow"]
    words = list(mlflow.command)
    given = {
        name: words[words.index(name) + 1] for name in ("--host", "--port", "--workers", "--backend-store-uri", "--default-artifact-root")
    }
    assert given == {
        "--host": "127.0.0.1",
        "--port": "5001",
        "--workers": "1",
        "--backend-store-uri": config.tracking_place,
        "--default-artifact-root": config.artifacts_place,
    }


def test_an_mlflow_elsewhere_is_not_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment with its own tracking server keeps it."""
    monkeypatch.setenv("RATCHET__MLFLOW__TRACKING", "http://mlflow.internal:5000")
    assert [c.name for c in components.servers(load_config(), PORTS)] == ["serving"]


def test_what_others_talk_to_stops_last() -> None:
    """No name is in both groups, and each is one of ours."""
    assert not set(components.FIRST_TO_STOP) & set(components.LAST_TO_STOP)
    assert {*components.FIRST_TO_STOP, *components.LAST_TO_STOP, "triggerer"} == {
        "scheduler",
        "dag-processor",
        "api-server",
        "mlflow",
        "serving",
        "triggerer",
    }
