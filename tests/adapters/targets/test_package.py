"""The archive: the same bytes of the same version, and nothing in it that a container would not know."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from include.ratchet.adapters.targets.package import pack
from include.ratchet.domain.modelspec import ModelSpec
from tests.makers import model_spec


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """Write a registered version: its model, and what MLflow keeps beside it."""
    for name, text in (("model.skops", "a model"), ("requirements.txt", "scikit-learn==1.9.0"), ("input_example.json", "{}")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "model.skops"


def _files(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {each.name: opened.extractfile(each).read() for each in opened.getmembers()}  # type: ignore[union-attr]


def test_the_same_version_is_the_same_bytes(artifact: Path) -> None:
    """No time, no owner, one order: the digest names the content."""
    first = pack(model_spec(), 3, artifact)
    artifact.touch()
    assert pack(model_spec(), 3, artifact) == first
    assert pack(model_spec(), 4, artifact) != first


def test_it_holds_what_answers_and_what_was_registered_beside_it(artifact: Path) -> None:
    """The model's own bytes, the spec without the place where it serves, and the packages; no rows of data."""
    files = _files(pack(model_spec(), 3, artifact))
    assert set(files) == {"about.json", "model.skops", "requirements.txt"}
    assert files["model.skops"] == b"a model"
    about = json.loads(files["about.json"])
    assert (about["model"], about["version"], "deploy" in about["spec"]) == ("m", 3, False)
    assert ModelSpec.model_validate(about["spec"]) == model_spec()
