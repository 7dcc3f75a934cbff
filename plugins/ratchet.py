"""Ratchet's plugin: a listener for what tasks cannot record themselves.

It is loaded by its path, not as `include.ratchet...`: every Airflow process loads plugins, and a package that is
imported here would shadow the one of the DAG bundle.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from airflow.plugins_manager import AirflowPlugin


def _listeners() -> list[object]:
    """Return the listener; none where the plugins folder was copied without the project."""
    path = Path(__file__).resolve().parents[1] / "include" / "ratchet" / "dagkit" / "listener.py"
    spec = spec_from_file_location("ratchet_listener", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        return []
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return [module.RunEnds()]


class RatchetPlugin(AirflowPlugin):
    """Registers what Airflow loads at its start."""

    name = "ratchet"
    listeners = _listeners()
