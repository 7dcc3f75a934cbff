"""What is kept of how a version was made."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.replay import STAGES, Recipe
from tests.tiny import MODEL, MODEL_YAML, Project


def test_a_registered_version_has_its_recipe(serving: Project) -> None:
    """Specs as they were written, the recorded trials, code, environment, and a digest per stage."""
    serving.write(model=MODEL_YAML.replace("owner: shop", "owner: someone else"))
    found = open_ledger().recipe(MODEL, 2).content
    assert "owner: shop" in found["texts"][f"models/{MODEL}/model.yaml"]
    assert "feeds/visits/feed.yaml" in found["texts"]
    assert found["candidate"] == "tree"
    assert found["trials"][0]["state"] == "complete"
    assert set(found["digests"]) == set(STAGES)
    assert {"code", "python", "blas", "requirements"} <= set(found["made_by"])
    assert found["columns"][0] == "visit"


def test_a_version_keeps_its_first_recipe(serving: Project) -> None:
    """A register task that runs again changes nothing; a version without a recipe says so."""
    assert serving.home.exists()
    ledger = open_ledger()
    first = ledger.recipe(MODEL, 1)
    ledger.keep_recipe(Recipe(MODEL, 1, {"other": True}, first.at))
    assert ledger.recipe(MODEL, 1) == first
    with pytest.raises(LedgerError, match="buys version 9: the ledger has no recipe of it"):
        ledger.recipe(MODEL, 9)
