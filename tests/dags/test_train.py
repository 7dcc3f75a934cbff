"""The topology of training."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.domain import specs
from tests.dags.reading import MODELS, edges, outlets, pools, rules, woken_by

pytestmark = pytest.mark.parametrize("model", MODELS)


def test_candidates_are_fitted_side_by_side_and_one_is_judged(bag: Any, model: str) -> None:
    """From a reason to a verdict in one line, with a mapped fit."""
    dag = bag.dags[f"{model}_train"]
    assert edges(dag) == {
        "arbitrate": set(),
        "snapshot": {"arbitrate"},
        "fit": {"snapshot"},
        "register": {"fit"},
        "judge": {"register"},
        "dossier": {"judge", "fit"},
        "bless": {"dossier"},
    }
    assert dag.get_task("fit").is_mapped
    assert rules(dag) == {}


def test_only_bless_announces_a_version(bag: Any, model: str) -> None:
    """A refused challenger skips bless, and nothing is announced."""
    assert outlets(bag.dags[f"{model}_train"]) == {"bless": [f"{model}_blessed"]}


def test_it_is_woken_by_its_feeds_and_its_monitor(bag: Any, model: str) -> None:
    """New clean rows of any of its feeds, or a retrain signal."""
    assert woken_by(bag.dags[f"{model}_train"]) == {*(f"{feed}_clean" for feed in specs.model(model).feeds), f"{model}_retrain"}


def test_writers_take_turns(bag: Any, model: str) -> None:
    """What writes the model's records runs in the model's pool of one slot; the long fits do not hold it."""
    assert pools(bag.dags[f"{model}_train"]) == dict.fromkeys(("arbitrate", "register"), f"ratchet_{model}")


def test_the_form_asks_for_what_the_bodies_read(bag: Any, model: str) -> None:
    """Reason, window, candidates, force; experiment and its overrides."""
    assert set(bag.dags[f"{model}_train"].params) == {"reason", "window", "candidates", "force", "experiment", "overrides"}


def test_the_dossier_has_a_button(bag: Any, model: str) -> None:
    """Whoever looks at a run opens the page on its verdict from there."""
    assert [each.name for each in bag.dags[f"{model}_train"].get_task("dossier").operator_extra_links] == ["Dossier"]
