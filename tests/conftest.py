"""For every test: a home of its own, a clean environment, and no network but loopback (see pytest's addopts)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Airflow, MLflow and Great Expectations read these when they are imported, which happens after this file.
_AIRFLOW_HOME = tempfile.mkdtemp(prefix="ratchet-airflow-")
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _AIRFLOW_HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "false",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}

# The same cases each time: a test that fails by luck would stop a change that has nothing to do with it.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

from include.ratchet.cli import show  # noqa: E402
from tests import s3server, tiny  # noqa: E402 - pandas and numpy read the threads
from tests.databases import database, postgres, url  # noqa: E402, F401 - fixtures
from tests.s3server import S3Server  # noqa: E402
from tests.tasks.deploying import service  # noqa: E402, F401 - a fixture
from tests.tiny import Project  # noqa: E402

if TYPE_CHECKING:
    from tests.aws import Door

_OURS = ("RATCHET", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "MLFLOW_TRACKING", "MLFLOW_REGISTRY")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what Ratchet writes in the test's own folder, and what the caller's shell says out of the test."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("RATCHET__HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no line break depend on the terminal, nor on what a test before this one did to it."""
    monkeypatch.setattr(show.console, "_width", 250)  # its own attribute: the property would fix the width for good


@pytest.fixture(scope="session")
def aws() -> Iterator[S3Server]:
    """Start a fake of Amazon's APIs on loopback."""
    with s3server.serve() as server:
        yield server


@pytest.fixture(scope="session")
def s3(request: pytest.FixtureRequest) -> S3Server:
    """Return the real store that is named by the caller's shell, or the fake."""
    server: S3Server = s3server.REAL or request.getfixturevalue("aws")
    return server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the test's own home: RATCHET__HOME."""
    return tmp_path / "home"


@pytest.fixture
def project(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return an empty project: the tiny specs, and nothing in its home."""
    return _project(home, tmp_path / "include", monkeypatch)


@pytest.fixture
def landed(project: Project, stages: Path) -> Project:
    """Return a project with 60 days in the lake."""
    return _from(stages / "landed", project)


@pytest.fixture
def blessed(project: Project, stages: Path) -> Project:
    """Return a project whose version 1 is blessed and does not serve yet."""
    return _from(stages / "blessed", project)


@pytest.fixture
def serving(project: Project, stages: Path) -> Project:
    """Return a project whose champion is version 1, with version 2 blessed and waiting."""
    return _from(stages / "serving", project)


@pytest.fixture
def cloud(s3: S3Server, serving: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Open AWS, and a project that deploys there; loaded here, SageMaker's service model would be read for every test."""
    from tests.tasks.outside import opened

    with opened(s3, serving, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go the way of the tiny model once, and keep a copy of its home at each stage: 20 s once, not per test."""
    root = tmp_path_factory.mktemp("stages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RATCHET__HOME", str(root / "home"))
        made = _project(root / "home", root / "include", patch)
        made.deliver("first.csv", tiny.visits())
        made.ingest()
        made.prepare_registry()
        shutil.copytree(made.home, root / "landed")
        made.train()
        shutil.copytree(made.home, root / "blessed")
        made.promote()
        made.run_id = "second"
        made.train(candidates=["tree"])
        shutil.copytree(made.home, root / "serving")
    return root


def _project(home: Path, include: Path, patch: pytest.MonkeyPatch) -> Project:
    tiny.write_specs(include)
    tiny.read_specs_from(include, patch)
    return Project(home, include)


def _from(stage: Path, project: Project) -> Project:
    """Fill the home; MLflow's artifacts stay at the stage's first home, whose absolute place its database names."""
    shutil.copytree(stage, project.home, dirs_exist_ok=True)
    project.run_id = "next"
    return project


@pytest.fixture(scope="session", autouse=True)
def _airflow_home() -> Iterator[None]:
    yield
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)
