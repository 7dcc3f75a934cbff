"""For every test: a home of its own, a clean environment, and no network but loopback (see pytest's addopts)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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

_OURS = ("RATCHET", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "MLFLOW_TRACKING", "MLFLOW_REGISTRY")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what Ratchet writes in the test's own folder, and what the caller's shell says out of the test."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    place = tmp_path / "home"
    monkeypatch.setenv("RATCHET__HOME", str(place))
    return place


@pytest.fixture(scope="session", autouse=True)
def _airflow_home() -> Iterator[None]:
    yield
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)
