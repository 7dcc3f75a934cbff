"""API keys: per model, kept as hashes, read again when their file changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import pytest
import yaml

from include.ratchet.domain.errors import SpecError
from include.ratchet.serving import keys as module
from include.ratchet.serving.doors import Doors
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.keys import Keys
from tests.serving.fakes import ROW, fit
from tests.serving.houses import build_house

ASKED = {"records": [ROW]}


def hash_of(key: str) -> str:
    """Hash a key as the docs say."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def write(path: Path, **models: list[str]) -> Path:
    """Write a file of keys; `any` stands for all models."""
    content = {"*" if name == "any" else name: [hash_of(key) for key in held] for name, held in models.items()}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def allowed(keys: Keys, model: str, key: str) -> bool:
    """Whether a key opens a model."""
    with contextlib.suppress(RequestError):
        keys.require(model, key)
        return True
    return False


def test_a_key_opens_its_model_only(tmp_path: Path) -> None:
    """A model that is not in the file is closed; the star opens all."""
    keys = Keys(write(tmp_path / "keys.yaml", late=["one", "two"], other=[], any=["master"]))
    assert [allowed(keys, "late", key) for key in ("one", "two", "three", "", hash_of("one"))] == [True, True, False, False, False]
    assert [allowed(keys, "other", key) for key in ("one", "master")] == [False, True]
    assert not allowed(keys, "unheard", "one")
    assert allowed(Keys(), "late", "")


def test_a_changed_file_takes_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key can be withdrawn without a restart; a file that breaks changes nothing."""
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.0)
    path = write(tmp_path / "keys.yaml", late=["old"])
    keys = Keys(path)
    assert allowed(keys, "late", "old")
    write(path, late=["new"])
    os.utime(path, ns=(1, 1))
    assert [allowed(keys, "late", key) for key in ("old", "new")] == [False, True]
    path.write_text("late: [in the clear]", encoding="utf-8")
    assert allowed(keys, "late", "new")


@pytest.mark.parametrize("text", ["late: [secret]", "- a", "late: {", "late: sha256"])
def test_another_form_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    """Keys in the clear too: the message says what is allowed and quotes nothing."""
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="64 hexadecimal digits") as caught:
        Keys(path)
    assert "secret" not in str(caught.value)
    with pytest.raises(SpecError, match="FileNotFoundError"):
        Keys(tmp_path / "nowhere.yaml")


def test_the_service_asks_for_the_key(tmp_path: Path) -> None:
    """In either header, for predictions and labels; pages about the service stay open."""
    house = build_house(tmp_path, Doors(Keys(write(tmp_path / "keys.yaml", late=["one"]))))
    house.write("late")
    house.stores.promote("late", 1, fit([0, 1]))
    house.follower.poll()
    refused = house.predict("late", ASKED)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    for headers in ({"authorization": "Bearer one"}, {"x-api-key": "one"}):
        assert house.client.post("/v1/models/late:predict", json=ASKED, headers=headers).status_code == 200
    assert house.client.post("/v1/models/late:label", json={"labels": [{"id": "1", "label": 1}]}).status_code == 401
    assert house.client.get("/v1/models/late").status_code == 200
