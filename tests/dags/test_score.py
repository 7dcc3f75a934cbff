"""The topology of batch scoring."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.domain import specs
from tests.dags.reading import MODELS, edges, outlets, pools, rules, woken_by


@pytest.mark.parametrize("model", MODELS)
def test_one_task_that_takes_its_turn(bag: Any, model: str) -> None:
    """Woken by new rows and by a new champion; announces predictions."""
    dag = bag.dags[f"{model}_score"]
    assert edges(dag) == {"score": set()}
    assert rules(dag) == {}
    assert outlets(dag) == {"score": [f"{model}_predictions"]}
    assert woken_by(dag) == {*(f"{feed}_clean" for feed in specs.model(model).feeds), f"{model}_champion"}
    assert pools(dag) == {"score": f"ratchet_{model}"}
