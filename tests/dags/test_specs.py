"""The file that reports broken specs; test_bundle.py breaks some, in a copy."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.specs import PROJECT
from tests import tiny

FILE = PROJECT / "dags" / "specs.py"


def test_it_holds_no_dag(bag: Any) -> None:
    """It is there only to fail when it must."""
    assert str(FILE) not in bag.import_errors
    assert [dag.dag_id for dag in bag.dags.values() if dag.fileloc == str(FILE)] == []


def test_it_fails_while_a_spec_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound specs: it runs through. A broken one: it raises, with the fault by name."""
    tiny.write_specs(tmp_path)
    tiny.read_specs_from(tmp_path, monkeypatch)
    runpy.run_path(str(FILE))
    tiny.write_specs(tmp_path, model=tiny.MODEL_YAML.replace("metric: roc_auc", "metrik: roc_auc"))
    with pytest.raises(SpecError, match=r"gate\.metrik: unknown key"):
        runpy.run_path(str(FILE))
