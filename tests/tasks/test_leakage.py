"""Leaks stop a training run before any work, and are looked for on demand."""

from __future__ import annotations

import textwrap

import pytest
from typer.testing import CliRunner

from include.ratchet.cli.app import app
from include.ratchet.domain.errors import DataError
from include.ratchet.tasks import leakage
from include.ratchet.tasks.arbitrate import arbitrate
from include.ratchet.tasks.snapshot import snapshot
from tests.tiny import MODEL, MODEL_YAML, Project


def _with(project: Project, sql: str, model: str = MODEL_YAML) -> None:
    project.write(model=model.replace("owner: shop", "owner: shop\n    transform: transform.sql"))
    (project.include / "models" / MODEL / "transform.sql").write_text(textwrap.dedent(sql), encoding="utf-8")


def test_a_label_among_the_features_stops_the_run(landed: Project) -> None:
    """The transform gives the label another name: nothing is fitted, and the feature is named."""
    _with(landed, 'SELECT visit, "at", bought, bought * 2.0 + 1 AS x, colour FROM visits')
    run = landed.run(arbitrate, MODEL)
    with pytest.raises(DataError, match=r"columns\.x: the same as bought in every row; it is the label"):
        landed.run(snapshot, run)


def test_a_forbidden_column_that_the_transform_hides_stops_the_run(landed: Project) -> None:
    """It is not among the transform's columns: it is read from the feed by the model's ids."""
    model = MODEL_YAML.replace("categorical: [colour]}", "categorical: [], forbidden: [x]}").replace("numeric: [x]", "numeric: [z]")
    _with(landed, 'SELECT visit, "at", bought, 100 - x AS z FROM visits', model)
    run = landed.run(arbitrate, MODEL)
    with pytest.raises(DataError, match=r"columns\.z: the same as x in every row; it is forbidden"):
        landed.run(snapshot, run)


def test_a_feature_that_knows_the_future_is_found_on_demand(landed: Project) -> None:
    """./ratchet check --leakage transforms again without what came later; a transform that looks back is sound."""
    _with(landed, 'SELECT visit, "at", bought, x - lag(x, 1, 0) OVER (ORDER BY visit) AS x, colour FROM visits')
    assert leakage.look_ahead(MODEL) == []
    _with(landed, 'SELECT visit, "at", bought, x - avg(x) OVER () AS x, colour FROM visits')
    found = CliRunner().invoke(app, ["check", MODEL, "--leakage"], env={"COLUMNS": "200"})
    assert found.exit_code == 1
    assert "columns.x:" in found.output
    assert "know of later ones" in found.output
    assert CliRunner().invoke(app, ["check", MODEL]).exit_code == 0
