"""Load in this process what the scheduler loads before it forks its workers."""

from __future__ import annotations

import importlib
import os
import sys

from include.ratchet.domain.specs import PROJECT


def preload() -> None:
    """Import `config/airflow_local_settings.py` as the scheduler does; its guard looks at the command line."""
    os.environ.pop("RATCHET_PRELOAD", None)
    words, sys.argv = sys.argv, ["airflow", "scheduler"]
    sys.path.append(str(PROJECT / "config"))
    try:
        importlib.import_module("airflow_local_settings")
    finally:
        sys.argv = words
        sys.path.remove(str(PROJECT / "config"))
