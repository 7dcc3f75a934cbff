"""The topology of a rollback's rehearsal."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.domain import specs
from tests.dags.reading import MODELS, edges, outlets, pools


@pytest.mark.parametrize("model", MODELS)
def test_one_task_by_the_clock(bag: Any, model: str) -> None:
    """By the spec's cron and nothing else; it changes nothing, so it announces nothing and waits for nobody."""
    dag, when = bag.dags[f"{model}_rehearse"], specs.model(model).deploy.rehearsal
    assert edges(dag) == {"rehearse": set()}
    assert (outlets(dag), pools(dag)) == ({}, {})
    assert when is not None
    assert dag.timetable.expression == when.cron
    assert dag.catchup is False
