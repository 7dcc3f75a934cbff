"""The topology of materialisation."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.domain import specs
from tests.dags.reading import VIEWS, edges, outlets, pools, rules, woken_by


@pytest.mark.parametrize("view", VIEWS)
def test_one_task_that_new_clean_rows_wake(bag: Any, view: str) -> None:
    """Woken by every feed that the view reads; who looks values up is told nothing, and asks the store."""
    dag = bag.dags[f"{view}_materialize"]
    assert edges(dag) == {"materialize": set()}
    assert (rules(dag), outlets(dag), pools(dag)) == ({}, {}, {})
    assert woken_by(dag) == {f"{feed}_clean" for feed in specs.view(view).feeds}
