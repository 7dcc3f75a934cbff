"""The topology of deployment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dags.reading import MODELS, edges, outlets, pools, rules, woken_by

pytestmark = pytest.mark.parametrize("model", MODELS)


def test_a_version_is_loaded_before_it_is_promoted_and_seen_after(bag: Any, model: str) -> None:
    """Choose, preload, promote, smoke, in this order and with no way around."""
    dag = bag.dags[f"{model}_deploy"]
    assert edges(dag) == {"choose": set(), "preload": {"choose"}, "promote": {"preload"}, "smoke": {"promote"}}
    assert rules(dag) == {}


def test_only_a_champion_that_was_seen_to_serve_is_announced(bag: Any, model: str) -> None:
    """The asset is the smoke test's; a blessing wakes the DAG; promote takes its turn with the other writers."""
    dag = bag.dags[f"{model}_deploy"]
    assert outlets(dag) == {"smoke": [f"{model}_champion"]}
    assert woken_by(dag) == {f"{model}_blessed"}
    assert pools(dag) == {"promote": f"ratchet_{model}"}


def test_the_form_asks_for_what_the_bodies_read(bag: Any, model: str) -> None:
    """Action, version, reason."""
    assert set(bag.dags[f"{model}_deploy"].params) == {"action", "version", "reason"}
