"""`config/airflow_local_settings.py` loads heavy libraries where workers are forked, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from include.ratchet.local.environment import CONFIG_FOLDER

LOADED = "print(sorted({'pandas', 'sklearn.ensemble', 'mlflow', 'deltalake', 'duckdb', 'great_expectations'} & set(sys.modules)))"
IN_A_FORK = """
import multiprocessing, tempfile
def work():
    import duckdb, numpy as np, pyarrow as pa
    from deltalake import DeltaTable, write_deltalake
    from sklearn.ensemble import HistGradientBoostingClassifier
    with tempfile.TemporaryDirectory() as place:
        for mode in ("error", "append"):
            write_deltalake(place, pa.table({"a": list(range(1000))}), mode=mode)
        rows = DeltaTable(place).to_pyarrow_dataset()
        assert duckdb.connect().execute("SELECT sum(a) FROM rows").fetchone() == (999_000,)
    HistGradientBoostingClassifier(max_iter=2).fit(np.arange(200.0).reshape(-1, 1), np.arange(200) > 100)
workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join(60)
print([worker.exitcode for worker in workers])
"""


def _component(name: str, then: str, **env: str) -> str:
    code = (
        f"import sys; sys.argv = ['airflow', {name!r}]; sys.path.insert(0, {str(CONFIG_FOLDER)!r}); import airflow_local_settings; {then}"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["api-server", "dag-processor", "triggerer", "db"])
def test_other_components_load_nothing(name: str) -> None:
    """They fork no workers: it would cost each of them 5 s and 250 MB."""
    assert _component(name, LOADED) == "[]"


def test_the_scheduler_loads_what_tasks_need() -> None:
    """LocalExecutor's workers are forks of the scheduler."""
    assert "deltalake" in _component("scheduler", LOADED)


def test_it_can_be_switched_off() -> None:
    """RATCHET_PRELOAD=0 gives Airflow's own behaviour back, as the bench compares it."""
    assert _component("scheduler", LOADED, RATCHET_PRELOAD="0") == "[]"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="workers are forks on Linux only")
def test_forks_work_with_what_was_only_imported() -> None:
    """Delta Lake and DuckDB bring threads of their own, which a fork would lose: they must not exist before it."""
    assert _component("celery", f"exec({IN_A_FORK!r})") == "[0, 0, 0, 0]"
