"""docker-compose.yaml, checked without Docker: what Compose, Airflow and an attacker would find in it."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain.config import load_config
from include.ratchet.domain.ports import Connection
from include.ratchet.local import environment
from include.ratchet.local.ports import Ports
from tests.deploy.reading import ROOT, compose, example_env, filled_env, image_env, resolved, variables

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
ONE_SHOT = {"databases", "s3-volume", "s3-bucket", "airflow-init"}
LONG_RUNNING = sorted(set(SERVICES) - ONE_SHOT)
AIRFLOW = sorted(name for name in SERVICES if name.startswith("airflow-"))
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
WITHOUT_BUNDLE = {"airflow-apiserver", "airflow-triggerer", "airflow-init"}
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|ACCESS_KEY|AUTH$|BROKER_URL|BACKEND|CONN(_RATCHET|$)")

# Where the containers differ from the embedded stack of include/ratchet/local on purpose, and why.
DIFFERENT = {
    "AIRFLOW_HOME": "the image's own place",
    "AIRFLOW_CONN_REFERENCE": "another home",
    "AIRFLOW__API__BASE_URL": "the browser's address, not the loopback number",
    "AIRFLOW__API__HOST": "a container is reached through its network",
    "AIRFLOW__API__SECRET_KEY": "from .env",
    "AIRFLOW__API_AUTH__JWT_SECRET": "from .env",
    "AIRFLOW__CORE__AUTH_MANAGER": "people sign in",
    "AIRFLOW__CORE__DAGS_FOLDER": "another root",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "by service name",
    "AIRFLOW__CORE__EXECUTOR": "workers of their own",
    "AIRFLOW__CORE__FERNET_KEY": "from .env",
    "AIRFLOW__CORE__PARALLELISM": "no idle workers are forked up front under Celery",
    "AIRFLOW__CORE__PLUGINS_FOLDER": "another root",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "PostgreSQL",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": "another root",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": "another home",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "a volume",
    "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": "a volume",
    "MPLCONFIGDIR": "the writable folder of a read-only container",
    "RATCHET__MLFLOW__PAGES": "the browser's address, not the loopback number",
    "RATCHET__SERVING__URL": "by service name",
    "TMPDIR": "the writable folder of a read-only container",
    "XDG_CACHE_HOME": "the writable folder of a read-only container",
    "XDG_CONFIG_HOME": "the writable folder of a read-only container",
    "XDG_DATA_HOME": "the writable folder of a read-only container",
    "XDG_STATE_HOME": "the writable folder of a read-only container",
}
ONLY_LOCAL = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "no login on loopback",
    "NO_PROXY": "containers inherit no proxy",
    "no_proxy": "containers inherit no proxy",
    "SPT_NOENV": "keeps the marker that `make down` looks for",
}
ONLY_COMPOSE = {
    "AIRFLOW_CONN_RATCHET_LEDGER": "the ledger is on PostgreSQL",
    "AIRFLOW__CELERY__BROKER_URL": "Celery",
    "AIRFLOW__CELERY__RESULT_BACKEND": "Celery",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "Celery",
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "Celery",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "Celery",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "the container's health check asks it",
    "RATCHET__HOME": "a volume",
    "RATCHET__LEDGER": "on PostgreSQL",
    "RATCHET__SERVING__LOG": "a volume: the service only reads the home",
    "RATCHET__MLFLOW__TRACKING": "a server",
    "RATCHET__ONLINE": "on PostgreSQL, beside the ledger",
}


@pytest.fixture(scope="module")
def ready() -> dict[str, dict[str, Any]]:
    """Return the services as Compose sees them with a filled .env."""
    return dict(resolved(filled_env())["services"])


@pytest.fixture
def worker_env(ready: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return what a task finds in its environment."""
    return image_env() | dict(ready["airflow-worker"]["environment"])


def test_the_parts_of_the_design_are_there() -> None:
    """Every real part has its service, and nothing else runs."""
    parts = "postgres redis s3 mlflow serving airflow-apiserver airflow-scheduler airflow-dag-processor airflow-triggerer airflow-worker"
    assert sorted(parts.split()) == LONG_RUNNING
    assert set(SERVICES) >= ONE_SHOT


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_long_running_services_are_watched_and_restarted(name: str) -> None:
    """A service that stays up has a health check with a deadline, and comes back after a crash."""
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(service["healthcheck"])


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_one_shot_services_run_once(name: str) -> None:
    """A service that prepares something ends, and is not started over and over."""
    assert SERVICES[name]["restart"] == "no"
    assert "healthcheck" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_is_root_or_may_become_it(name: str) -> None:
    """Every service runs as a numbered user, without capabilities, on a read-only root file system."""
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert group in {"0", user}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]  # noqa: S108 - the container's own
    assert not service.get("privileged")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    """Every image names a tag, and none floats."""
    image = resolved(filled_env())["services"][name]["image"]
    _, _, tag = image.rpartition(":")
    assert tag
    assert "/" not in tag
    assert tag not in {"latest", "stable", "main", "edge"}


@pytest.mark.parametrize("name", sorted(n for n, s in SERVICES.items() if "ports" in s))
def test_ports_answer_on_this_machine_only(name: str, ready: dict[str, dict[str, Any]]) -> None:
    """Published ports bind to loopback unless BIND says otherwise."""
    for written, port in zip(SERVICES[name]["ports"], ready[name]["ports"], strict=True):
        assert written.startswith("${BIND:-127.0.0.1}:")
        assert port.startswith("127.0.0.1:")


def test_stores_and_queues_are_not_published() -> None:
    """Only the three things that people open have a port on the host."""
    assert {n for n, s in SERVICES.items() if "ports" in s} == {"airflow-apiserver", "mlflow", "serving"}


@pytest.mark.parametrize("name", sorted(n for n, s in SERVICES.items() if s.get("environment")))
def test_no_secret_is_written_down(name: str) -> None:
    """Whatever looks like a secret comes from a variable that has no default."""
    secrets = {key: str(value) for key, value in SERVICES[name]["environment"].items() if SECRET.search(key)}
    for key, value in secrets.items():
        if key == "MLFLOW_SERVER_ALLOWED_HOSTS":
            continue
        found = variables(value)
        assert found, f"{name}: {key} is written out"
        assert {how for how, _ in found.values()} == {"?"}, f"{name}: {key} has a default"
    urls = [str(v) for v in SERVICES[name]["environment"].values() if re.search(r"//[^/@{]*:[^/@]*@", str(v))]
    assert all(re.search(r":\$\{\w+:\?[^}]*\}@", url) for url in urls)


def test_every_variable_is_in_the_example() -> None:
    """.env.example names exactly the variables that Compose reads; those without a default are empty there."""
    found = variables((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    example = example_env()
    assert set(found) == set(example)
    assert {n for n, (how, _) in found.items() if how == "?"} == {n for n, value in example.items() if not value}
    for name, (how, rest) in found.items():
        assert how in {"-", "?"}, f"{name}: neither a default nor required"
        assert how == "?" or rest == example[name]


def test_an_empty_env_is_refused() -> None:
    """Compose stops when a secret is missing."""
    with pytest.raises(KeyError):
        resolved(example_env())


def test_the_documented_command_fills_the_example(tmp_path: Path) -> None:
    """The one line in .env.example makes a .env that Compose accepts, with keys that Airflow accepts, all different."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    command = next(line.removeprefix("#").strip() for line in text.splitlines() if "python3 -c" in line)
    (tmp_path / ".env.example").write_text(text, encoding="utf-8")
    env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, check=True)
    lines = (tmp_path / ".env").read_text(encoding="utf-8").splitlines()
    made = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    resolved(made)
    assert len(set(made.values())) == len(made)
    assert len(made["AIRFLOW_JWT_SECRET"]) >= 64
    assert re.fullmatch(r"[\w-]{43}=", made["AIRFLOW_FERNET_KEY"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", v) for k, v in made.items() if k != "AIRFLOW_FERNET_KEY")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_dependencies_exist_and_wait_for_the_right_thing() -> None:
    """Who waits, waits for health of what stays and for success of what ends; nobody waits for itself."""
    edges = [(name, other, how) for name, service in SERVICES.items() for other, how in service.get("depends_on", {}).items()]
    for _, other, how in edges:
        assert how["condition"] == ("service_completed_successfully" if other in ONE_SHOT else "service_healthy")
    waiting = {name: {o for n, o, _ in edges if n == name} for name in SERVICES}
    started: set[str] = set()
    while ready := {n for n, others in waiting.items() if n not in started and others <= started}:
        started |= ready
    assert started == set(SERVICES)


def test_volumes_are_declared_and_used() -> None:
    """Every named volume exists, and none is left over."""
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(compose()["volumes"])


def test_what_tasks_share_is_one_volume(ready: dict[str, dict[str, Any]]) -> None:
    """Landing, raw data and lake are the same folder for every part of Airflow and for the prediction service, which only reads."""
    for name in AIRFLOW:
        assert "ratchet-home:/var/lib/ratchet" in SERVICES[name]["volumes"]
        assert image_env()["RATCHET__HOME"] == ready[name]["environment"]["RATCHET__HOME"] == "/var/lib/ratchet"
    assert "ratchet-home:/var/lib/ratchet:ro" in SERVICES["serving"]["volumes"]


@pytest.mark.parametrize("name", AIRFLOW)
def test_our_code_is_on_the_path_only_where_no_bundle_is(name: str, ready: dict[str, dict[str, Any]]) -> None:
    """The API server and the triggerer load no bundle; anywhere else a second copy would shadow the bundle's."""
    assert ready[name]["environment"].get("PYTHONPATH") == ("/opt/airflow" if name in WITHOUT_BUNDLE else None)


def test_databases_are_reached_through_psycopg2(worker_env: dict[str, str]) -> None:
    """SQLAlchemy 2.1 takes postgresql:// for a driver that is not installed, so every URL names psycopg2."""
    values = [v for s in resolved(filled_env())["services"].values() for v in (s.get("environment") or {}).values()]
    urls = [str(v) for v in values if "postgres" in str(v).partition("://")[0] and "://" in str(v)]
    assert len(urls) > 10
    plain = [u for u in urls if "+psycopg2://" not in u and u != worker_env["AIRFLOW_CONN_RATCHET_LEDGER"]]
    assert not plain
    ledger = Connection.from_uri(worker_env["AIRFLOW_CONN_RATCHET_LEDGER"])
    assert ledger.sqlalchemy_url.startswith("postgresql+psycopg2://ratchet:")
    assert ledger.sqlalchemy_url.endswith("@postgres:5432/ratchet")


def test_ratchet_reads_its_settings(worker_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every RATCHET__ variable is a key of the deployment, and says what this one needs."""
    for name, value in worker_env.items():
        if name.startswith("RATCHET__"):
            monkeypatch.setenv(name, value)
    config = load_config()
    assert config.raw_place == "/var/lib/ratchet/raw"
    assert config.ledger_place == "ratchet_ledger"
    assert config.artifacts_place == ""
    assert config.serving.url == "http://serving:8090"


@pytest.mark.parametrize(("name", "module"), [("airflow-init", "include.ratchet.cli"), ("serving", "include.ratchet.serving.__main__")])
def test_our_modules_exist(name: str, module: str) -> None:
    """What a service starts of ours can be found."""
    assert module.removesuffix(".__main__") in json.dumps([SERVICES[name].get("entrypoint"), SERVICES[name]["command"]])
    assert importlib.util.find_spec(module) is not None


def test_the_services_answer_where_they_are_asked(ready: dict[str, dict[str, Any]]) -> None:
    """The prediction service listens on every address of its container, at the port and page that are asked for."""
    assert ready["serving"]["environment"]["RATCHET__SERVING__URL"] == "http://0.0.0.0:8090"
    page = re.search(r"127\.0\.0\.1:8090(/\w+)", ready["serving"]["healthcheck"]["test"][-1])
    assert page is not None
    assert f'"{page[1]}"' in (ROOT / "include/ratchet/serving/app.py").read_text(encoding="utf-8")
    assert "mlflow:5000" in ready["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize("name", [n for n in OURS if (SERVICES[n].get("entrypoint") or [""])[0] == "python"])
def test_python_in_the_file_compiles(name: str, ready: dict[str, dict[str, Any]]) -> None:
    """Code written into the file is Python."""
    ast.parse(ready[name]["command"][0])


def test_shell_in_the_file_parses(ready: dict[str, dict[str, Any]]) -> None:
    """Code written into the file is shell, after Compose has put its values in."""
    for script in (ready["airflow-init"]["command"][-1], ready["redis"]["command"][0]):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert ready["airflow-init"]["command"][1] == "-euc"


def _airflow_words(ready: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Yield every command line that is given to `airflow`."""
    for name in AIRFLOW:
        if isinstance(command := ready[name]["command"], str):
            yield command.split()
        check = ready[name].get("healthcheck", {}).get("test", [""])[-1]
        if check.startswith("airflow "):
            yield check.replace('"', "").split()[1:]
    yield ["db", "migrate"]
    script = ready["airflow-init"]["command"][-1].replace("\\\n", " ").replace('"', "")
    yield from (line.split()[1:] for line in script.splitlines() if line.startswith(("airflow users", "airflow pools")))


_ASK_AIRFLOW = """
import json, sys
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
asked = json.load(sys.stdin)
known = conf.configuration_description
faults = []
for name in asked["settings"]:
    section, key = name.removeprefix("AIRFLOW__").lower().split("__", 1)
    if key not in known.get(section, {}).get("options", {}):
        faults.append(name)
for words in asked["commands"]:
    try:
        get_parser().parse_args(words)
    except SystemExit:
        faults.append(" ".join(words))
print(json.dumps(faults))
"""


def test_airflow_knows_every_setting_and_command(ready: dict[str, dict[str, Any]], worker_env: dict[str, str], tmp_path: Path) -> None:
    """The installed Airflow, with its Celery and FAB providers, has each option that is set and each command that is run."""
    settings = sorted(name for name in worker_env if name.startswith("AIRFLOW__"))
    commands = list(_airflow_words(ready))
    asked = {"settings": settings, "commands": commands}
    chosen = {name: worker_env[name] for name in ("AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__AUTH_MANAGER")}
    env = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path), **chosen}
    command = [sys.executable, "-W", "ignore", "-c", _ASK_AIRFLOW]
    done = subprocess.run(command, input=json.dumps(asked), env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(commands) >= 9
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_init_makes_missing_pools_and_leaves_the_others(ready: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Its own lines, run twice against the installed Airflow: one slot per model, and slots that an operator set stay."""
    lines = [line for line in ready["airflow-init"]["command"][-1].splitlines() if "pools" in line and not line.startswith("#")]
    script = "\n".join(
        ["airflow db migrate", *lines, "airflow pools set ratchet_flight_delay 3 mine", *lines, "airflow pools export /tmp/found.json"]
    )
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "RATCHET__HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    command = ["bash", "-euc", script.replace("/tmp/", f"{tmp_path}/")]  # noqa: S108 - the container's own
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    slots = {name: pool["slots"] for name, pool in found.items() if name.startswith("ratchet_")}
    assert slots == {"ratchet_flight_delay": 3, "ratchet_flight_duration": 1}


def test_parity_with_the_embedded_stack(worker_env: dict[str, str], tmp_path: Path) -> None:
    """Containers and the embedded stack set the same variables to the same values, except where it is listed and why."""
    embedded = environment.base(load_config(home=str(tmp_path)), Ports(), outer={})
    both = embedded.keys() & worker_env.keys()
    assert {n for n in both if embedded[n] != worker_env[n]} == set(DIFFERENT)
    assert embedded.keys() - worker_env.keys() == set(ONLY_LOCAL)
    ours = {n for n in worker_env.keys() - embedded.keys() if n != "DUMB_INIT_SETSID"}
    assert ours == set(ONLY_COMPOSE)


def test_the_documented_way_to_the_examples_data_ends_where_it_is_read(worker_env: dict[str, str]) -> None:
    """docs/deploy.md copies what `./ratchet feed` writes to the database and the landing that the containers read."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    copied = dict(re.findall(r"docker compose cp (\S+) airflow-worker:(\S+)", text))
    home = worker_env["RATCHET__HOME"]
    assert copied == {".ratchet/reference.db": f"{home}/reference.db", ".ratchet/landing/flights": f"{home}/landing/"}
    assert json.loads(worker_env["AIRFLOW_CONN_REFERENCE"])["host"] == copied[".ratchet/reference.db"]


def test_of_s3_no_more_is_promised_than_was_tried() -> None:
    """The page says what ran against what, and that a real store did not."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert "a real store was not tried" in " ".join(text.split())


def test_long_trainings_are_not_delivered_twice(worker_env: dict[str, str]) -> None:
    """Redis waits at least three days before it hands a running task to another worker."""
    assert int(worker_env["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]) >= 3 * 86400


def test_the_drivers_of_the_urls_are_locked() -> None:
    """The lock has what Airflow loads for these URLs: psycopg2, asyncpg (for a URL it makes itself), Redis, Celery < 5.7."""
    locked = dict(re.findall(r"(?m)^([a-z0-9-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8")))
    needed = {
        "psycopg2-binary",
        "asyncpg",
        "redis",
        "celery",
        "apache-airflow-providers-celery",
        "apache-airflow-providers-fab",
        "boto3",
        "mlflow",
    }
    assert needed <= set(locked)
    assert tuple(int(n) for n in locked["celery"].split(".")[:2]) < (5, 7)
