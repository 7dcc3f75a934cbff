"""Copies of the project with other models."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import project
from include.ratchet.domain import specs


def test_generated_models_are_specs_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each generated model reads without a fault and has a feed of its own, so that it stands for five DAGs."""
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    include = project.copy("three", models=3).root / "include"
    found = [specs.model(name, include) for name in specs.names("models", include)]
    assert [each.name for each in found] == ["model_001", "model_002", "model_003"]
    assert len({each.feeds[0] for each in found}) == len(found)
    assert all(f"FROM {each.feeds[0]} " in specs.transform_sql(each, include) for each in found)
