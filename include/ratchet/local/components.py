"""What the embedded stack consists of: commands, where each finds our code, how each shows that it is well."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from include.ratchet.domain.config import Config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local.environment import CONFIG_FOLDER, python_path
from include.ratchet.local.ports import HOST, Ports

PROGRAMS = Path(sys.executable).parent

FIRST_TO_STOP = ("scheduler", "dag-processor")
"""Waited for: the scheduler lets running tasks end. The triggerer is not, it takes more than 10 s to end; triggers start again."""
LAST_TO_STOP = ("api-server", "mlflow", "serving")
"""What running tasks talk to."""


@dataclass(frozen=True)
class Component:
    """One long-running part of the stack.

    `health` is the page that answers when it is well; `heartbeat` its name in Airflow's own health
    page, where it has no page of its own.
    """

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    health: str = ""
    heartbeat: str = ""


def migrate() -> tuple[str, ...]:
    """Return the command that makes or updates Airflow's database."""
    return _airflow("db", "migrate")


def servers(config: Config, ports: Ports) -> list[Component]:
    """List what does not need Airflow's database: the prediction service, and MLflow unless it runs elsewhere."""
    found = [
        Component(
            "serving",
            (sys.executable, "-m", "include.ratchet.serving"),
            env=python_path(PROJECT),
            folder=PROJECT,
            health=f"{ports.url('serving')}/healthz",
        )
    ]
    if not config.tracking_place.startswith("http"):
        # One worker, and no proxy for artifacts: tasks write them to the folder themselves.
        where = ("--backend-store-uri", config.tracking_place, "--default-artifact-root", config.artifacts_place, "--no-serve-artifacts")
        command = (str(PROGRAMS / "mlflow"), "server", *where, "--host", HOST, "--port", str(ports.mlflow), "--workers", "1")
        found.append(Component("mlflow", command, health=f"{ports.url('mlflow')}/health"))
    return found


def airflow(ports: Ports) -> list[Component]:
    """List Airflow's parts.

    Log servers are left out: the API server reads the files itself, and they would listen on every
    interface. The API server and the triggerer never see the bundle, so they alone get our code on
    their path; the scheduler gets the settings that preload what its workers need.
    """
    ours = python_path(PROJECT, CONFIG_FOLDER)
    settings = python_path(CONFIG_FOLDER)
    return [
        Component("api-server", _airflow("api-server"), env=ours, health=f"{ports.url('airflow')}/api/v2/monitor/health"),
        Component("scheduler", _airflow("scheduler", "--skip-serve-logs"), env=settings, heartbeat="scheduler"),
        Component("dag-processor", _airflow("dag-processor"), env=settings, heartbeat="dag_processor"),
        Component("triggerer", _airflow("triggerer", "--skip-serve-logs"), env=ours, heartbeat="triggerer"),
    ]


def _airflow(*words: str) -> tuple[str, ...]:
    return (str(PROGRAMS / "airflow"), *words)
