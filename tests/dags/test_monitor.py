"""The topology of monitoring."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dags.reading import MODELS, edges, outlets, pools, rules, woken_by


@pytest.mark.parametrize("model", MODELS)
def test_it_measures_then_signals(bag: Any, model: str) -> None:
    """Woken by predictions; only a shown degradation reaches the end of signal, which then wakes training."""
    dag = bag.dags[f"{model}_monitor"]
    assert edges(dag) == {"ship": set(), "measure": {"ship"}, "signal": {"measure"}}
    assert rules(dag) == {}
    assert outlets(dag) == {"signal": [f"{model}_retrain"]}
    assert woken_by(dag) == {f"{model}_predictions"}
    assert pools(dag) == {}
