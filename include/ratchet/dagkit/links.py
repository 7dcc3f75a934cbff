"""Buttons of a task in the Airflow UI."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom


class DossierLink(BaseOperatorLink):
    """Opens the dossier that the task wrote, where MLflow shows it."""

    name = "Dossier"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's own hook
        """Return the address that the body returned; empty where it is none that a browser opens."""
        said = XCom.get_value(ti_key=ti_key, key="return_value") or {}
        url = str(said.get("dossier", {}).get("url", ""))
        return url if url.startswith("http") else ""


def dossier(page: Any) -> Any:
    """Give the task that wrote a dossier its button; Airflow stores the address when the task ends."""
    page.operator.operator_extra_links = (DossierLink(),)
    return page
