"""The bundle, parsed once in this process from the repository root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag

from include.ratchet.domain.specs import PROJECT


@pytest.fixture(scope="session")
def bag() -> Iterator[Any]:
    """Return the bag of all bundled DAGs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT))
        yield BundleDagBag(dag_folder=PROJECT / "dags", bundle_path=PROJECT, bundle_name="ratchet")
