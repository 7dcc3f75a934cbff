"""Airflow imports this in every component: load once, before workers are forked, what every task needs.

A task that finds pandas, scikit-learn, MLflow and Great Expectations loaded starts in 0.3 s instead
of 1.8 s (`make bench` prints both); the memory is shared copy-on-write. Only imports happen here:
no thread, no connection, no computation may exist before a fork.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

_FORKING = {"scheduler", "celery"}
"""Components whose workers are forks: LocalExecutor's and Celery's prefork pool."""

_HEAVY = (
    "pandas",
    "pyarrow",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "optuna",
    "scipy.stats",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.feature_selection",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "mlflow",
    "mlflow.sklearn",
    "skops.io",
    "great_expectations",
    "sqlalchemy",
    "duckdb",
    "deltalake",
    # What these import late, inside functions; found by comparing sys.modules at the end of each task.
    "airflow.dag_processing.bundles.local",
    "airflow.providers.standard.decorators.python",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.decorators",
    "deltalake.fs",
    "git",
    "jinja2.ext",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.tracing.processor.base_mlflow",
    "narwhals._pandas_like.namespace",
    "pyarrow.csv",
    "pyarrow.json",
    "pydantic_settings.sources",
)

__all__: list[str] = []
"""Nothing here is a setting of Airflow's: it would take over every name it finds."""


def _preload() -> None:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # 214 INFO lines per task otherwise; [logging] namespace_levels comes too late to silence them.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for name in _HEAVY:
        try:
            importlib.import_module(name)
        except ImportError:
            # A task that needs it will say so; a scheduler must start without it.
            logging.getLogger(__name__).warning("not preloaded: %s", name)


if len(sys.argv) > 1 and sys.argv[1] in _FORKING and os.environ.get("RATCHET_PRELOAD", "1") != "0":
    _preload()
