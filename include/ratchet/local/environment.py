"""What every process of the embedded stack finds in its environment.

Airflow is configured by variables alone: nothing to edit, nothing left behind, and the same keys
that an image sets. What the caller's shell says about another Airflow is dropped.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from include.ratchet.domain.config import Config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local.ports import HOST, Ports

MARKER = "RATCHET_STACK"
"""Every process of a stack carries its id in this variable; forks inherit it, so `down` finds them all."""

BUNDLE = "ratchet"
CONFIG_FOLDER = PROJECT / "config"
_FOLDERS = ("airflow", "logs", "run", "tmp", "cache", "landing", "mlflow")
_KEPT = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


def folders(config: Config) -> None:
    """Make the folders that the stack writes to."""
    for name in _FOLDERS:
        (config.folder / name).mkdir(parents=True, exist_ok=True)
    (config.folder / "run").chmod(0o700)


def stack_id(config: Config) -> str:
    """Return the name of this home's stack, made once."""
    return _secrets(config)["stack"]


def known(config: Config) -> bool:
    """Say whether a stack was ever started in this home."""
    return _keys_file(config).exists()


def base(config: Config, ports: Ports, outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Build the environment that all processes share, without the marker.

    Args:
        config: The deployment.
        ports: Where the servers answer.
        outer: The caller's environment; its settings of another Airflow are not taken over.
    """
    env = {k: v for k, v in outer.items() if not k.startswith("AIRFLOW_") or k.startswith(_KEPT)}
    # Without byte code every import is three times slower, and every task imports.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env.pop("PYTHONPATH", None)
    env |= quiet(config) | _airflow(config, ports)
    env["RATCHET__SERVING__URL"] = ports.url("serving")
    if not config.mlflow_pages:
        env["RATCHET__MLFLOW__PAGES"] = ports.url("mlflow")
    reference = {"conn_type": "sqlite", "host": str(config.folder / "reference.db")}
    env.setdefault("AIRFLOW_CONN_REFERENCE", json.dumps(reference))
    # A proxy of the machine must not see what the parts say to each other.
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(filter(None, [env.get(name), HOST, "localhost"]))
    return env


def python_path(*folders_: Path) -> dict[str, str]:
    """Say where one component finds our code besides its bundle."""
    return {"PYTHONPATH": os.pathsep.join(str(f) for f in folders_)}


def quiet(config: Config) -> dict[str, str]:
    """Return what keeps libraries on one thread each, off the network, and inside the project folder."""
    cache, tmp = str(config.folder / "cache"), str(config.folder / "tmp")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    places = {f"XDG_{kind}_HOME": f"{cache}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    return (
        threads
        | places
        | {
            "MPLCONFIGDIR": f"{cache}/matplotlib",
            "TMPDIR": tmp,
            "PYTHONUNBUFFERED": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # language model jobs: five more processes that we never use
            "GIT_PYTHON_REFRESH": "quiet",
            "DO_NOT_TRACK": "1",
            "SPT_NOENV": "1",  # setproctitle would write over /proc/PID/environ, where the marker is
        }
    )


def _airflow(config: Config, ports: Ports) -> dict[str, str]:
    home = config.folder / "airflow"
    keys = _secrets(config)
    bundle = [{"name": BUNDLE, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(PROJECT)}}]
    sections: dict[str, dict[str, object]] = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": 4,  # two for each core; idle workers are forked up front, and the default of 32 holds 5 GB
            "dags_folder": PROJECT / "dags",
            "plugins_folder": PROJECT / "plugins",
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "execution_api_server_url": f"{ports.url('airflow')}/execution/",
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_all_admins": True,  # loopback only
            "fernet_key": keys["fernet"],
            "hostname_callable": "socket.gethostname",  # the default asks a name server
            "mp_start_method": "fork",  # workers inherit what airflow_local_settings preloads
        },
        # A writer waits for its turn instead of failing after the driver's 5 s.
        "database": {"sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}?timeout=60"},
        "api": {"host": HOST, "port": ports.airflow, "base_url": ports.url("airflow"), "workers": 1, "secret_key": keys["api"]},
        "api_auth": {"jwt_secret": keys["jwt"], "jwt_issuer": "ratchet"},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.1,
            "orphaned_tasks_check_interval": 30,  # after a kill, tasks of the old scheduler start again soon
        },
        "dag_processor": {
            "dag_bundle_config_list": json.dumps(bundle),
            "dag_bundle_storage_path": config.folder / "airflow" / "bundles",
            "min_file_process_interval": 20,
            "refresh_interval": 5,
            "print_stats_interval": 0,
        },
        "logging": {
            "base_log_folder": config.folder / "logs" / "tasks",
            "dag_processor_child_process_log_directory": config.folder / "logs" / "dag_processor",
            "uvicorn_logging_level": "WARNING",
            "namespace_levels": "great_expectations=WARNING alembic=WARNING httpx=WARNING",
        },
        # One busy SQLite file and two cores: patience costs nothing, a timeout costs a task.
        # The supervisor of a task looks for its end once per interval: at the default of 5 s, 19 of 62 tasks held
        # their worker and their pool slot for 5 s after they had ended.
        "workers": {"execution_api_timeout": 60, "min_heartbeat_interval": 1},
        "triggerer": {"capacity": 100},
    }
    flat = {f"AIRFLOW__{section}__{key}".upper(): str(value) for section, keys_ in sections.items() for key, value in keys_.items()}
    return {"AIRFLOW_HOME": str(home)} | flat


def _secrets(config: Config) -> dict[str, str]:
    """Read this home's keys; make them the first time, readable by the owner only."""
    path = _keys_file(config)
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    folders(config)
    made = {
        "stack": secrets.token_hex(16),
        "jwt": secrets.token_hex(48),
        "api": secrets.token_hex(32),
        "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    # A hard link appears whole or not at all: of two that start at once, both read the same keys.
    draft = path.with_name(f".secrets-{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(made, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _keys_file(config: Config) -> Path:
    return config.folder / "run" / "secrets"
