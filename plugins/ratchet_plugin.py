"""What Ratchet registers with Airflow: a listener that gives every model its pool when a scheduler starts.

A task whose pool is not there waits without a word. A model that is added later gets its pool from
`./ratchet new`, from `./ratchet pools`, or from the next start.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class Pools:
    """Makes the pools of all models when a scheduler starts."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Make what is missing; leave the slots of what is there as an operator set them."""
        if type(component).__name__ != "SchedulerJobRunner":
            return
        from airflow.models.pool import Pool

        from include.ratchet.dagkit.defaults import pool
        from include.ratchet.domain import specs

        known = {each.pool for each in Pool.get_pools()}
        for name in (pool(model) for model in specs.names("models")):
            if name not in known:
                Pool.create_or_update_pool(name, slots=1, description="One writing stage at a time", include_deferred=False)


class RatchetPlugin(AirflowPlugin):
    """Registered under this name."""

    name = "ratchet"
    listeners = [Pools()]
