"""No DAG of Airflow is here: this file fails to import, with every fault by name, while a spec is broken."""

from __future__ import annotations

from include.ratchet.dagkit.parsing import report_broken

report_broken()
