"""The environment of the stack: ours and nobody else's, quiet, and inside the project."""

from __future__ import annotations

import json

from include.ratchet.domain.config import Config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.local import environment
from include.ratchet.local.ports import Ports

PORTS = Ports(8081, 5001, 8091)


def test_settings_of_another_airflow_are_dropped(config: Config) -> None:
    """A shell that works with another Airflow must not bend the demo; connections and variables are data and stay."""
    outer = {"AIRFLOW_HOME": "/elsewhere", "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW_CONN_LAKE": "s3://", "AIRFLOW_VAR_X": "1"}
    env = environment.base(config, PORTS, outer)
    assert env["AIRFLOW_HOME"] == str(config.folder / "airflow")
    assert env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert (env["AIRFLOW_CONN_LAKE"], env["AIRFLOW_VAR_X"]) == ("s3://", "1")


def test_every_address_follows_the_chosen_ports(config: Config) -> None:
    """Tasks talk to the execution API, so its URL moves with the API server's port."""
    env = environment.base(config, PORTS, {})
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    assert (env["AIRFLOW__API__PORT"], env["AIRFLOW__API__HOST"]) == ("8081", "127.0.0.1")
    assert env["RATCHET__SERVING__URL"] == "http://127.0.0.1:8091"
    assert env["RATCHET__MLFLOW__PAGES"].startswith("http://127.0.0.1:")


def test_what_slows_every_import_is_removed(config: Config) -> None:
    """Without byte code each task imports three times slower; a foreign path could shadow our packages."""
    env = environment.base(config, PORTS, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/other"})
    assert not {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"} & set(env)


def test_nothing_is_written_outside_and_nobody_is_called(config: Config) -> None:
    """Temporary files and caches are under home; telemetry is off; loopback bypasses a proxy."""
    env = environment.base(config, PORTS, {"NO_PROXY": "internal"})
    places = [env[name] for name in ("TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "AIRFLOW__LOGGING__BASE_LOG_FOLDER")]
    assert all(place.startswith(str(config.folder)) for place in places)
    assert (env["GX_ANALYTICS_ENABLED"], env["MLFLOW_DISABLE_TELEMETRY"], env["DO_NOT_TRACK"]) == ("false", "true", "1")
    assert env["NO_PROXY"] == "internal,127.0.0.1,localhost"


def test_the_bundle_is_the_project(config: Config) -> None:
    """A bundle's root is the import root: `from include...` works in DAG files and tasks."""
    [bundle] = json.loads(environment.base(config, PORTS, {})["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert (bundle["name"], bundle["kwargs"]["path"]) == ("ratchet", str(PROJECT))


def test_secrets_are_made_once_and_for_the_owner_only(config: Config) -> None:
    """Keys outlive a restart, so that sessions and encrypted connections do."""
    first, again = (environment.base(config, PORTS, {}) for _ in range(2))
    secrets = {"AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY"}
    assert all(first[name] == again[name] for name in secrets)
    assert len(first["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert (config.folder / "run" / "secrets").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (config.folder / "run").glob(".secrets*")] == []


def test_the_marker_is_added_by_the_starter_only(config: Config) -> None:
    """A user's own command in this environment must not be stopped by `make down`."""
    assert environment.MARKER not in environment.base(config, PORTS, {})


def test_a_home_is_known_once_it_has_its_keys(config: Config) -> None:
    """Before the first start there is nothing to stop, and asking makes nothing."""
    assert not environment.known(config)
    assert not config.folder.exists()
    environment.stack_id(config)
    assert environment.known(config)


def test_a_given_reference_connection_is_kept(config: Config) -> None:
    """Another reference database can be named; the default is the file under home."""
    assert environment.base(config, PORTS, {"AIRFLOW_CONN_REFERENCE": "postgres://x"})["AIRFLOW_CONN_REFERENCE"] == "postgres://x"
    assert json.loads(environment.base(config, PORTS, {})["AIRFLOW_CONN_REFERENCE"])["host"] == str(config.folder / "reference.db")
