"""Assets: the same name is always the same URI."""

from __future__ import annotations

import pytest

from include.ratchet.dagkit import assets
from include.ratchet.domain import specs
from tests.tiny import MODEL, Project


@pytest.mark.parametrize("kind", ["retrain", "blessed", "champion", "predictions"])
def test_a_models_asset_is_named_after_it(project: Project, kind: str) -> None:
    """Name and URI follow from the model's name alone, whoever makes the asset."""
    assert project.include.exists()
    made = getattr(assets, kind)(specs.model(MODEL))
    assert (made.name, made.uri, made.group) == (f"buys_{kind}", f"x-ratchet://buys_{kind}", "ratchet")


def test_a_feeds_asset_is_named_after_it() -> None:
    """What ingest emits is what the models wait for."""
    assert assets.clean("visits") == assets.clean("visits")
    assert assets.clean("visits").uri == "x-ratchet://visits_clean"
