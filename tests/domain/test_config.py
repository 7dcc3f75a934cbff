"""`ratchet.yaml` and its `RATCHET__` variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ratchet.domain.config import CONFIG_FILE, Config, load_config
from include.ratchet.domain.errors import SpecError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make another ratchet.yaml the one that is read."""
    path = tmp_path / "ratchet.yaml"
    path.write_text("clock: data\nserving: {url: http://file}\nstores: {archive: s3://old/}\n")
    monkeypatch.setenv(CONFIG_FILE, str(path))
    return path


def test_the_environment_overrides_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """A nested key is set by RATCHET__X__Y, and what it does not set stays as the file says."""
    monkeypatch.setenv("RATCHET__SERVING__URL", "http://env")
    config = load_config()
    assert (config.serving.url, config.clock) == ("http://env", "data")


def test_mlflow_is_read_where_it_is_said_else_at_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracking server is its own page; a database has none until somebody says where."""
    assert load_config().mlflow_pages == ""
    monkeypatch.setenv("RATCHET__MLFLOW__TRACKING", "http://tracking:5000")
    assert load_config().mlflow_pages == "http://tracking:5000"
    monkeypatch.setenv("RATCHET__MLFLOW__PAGES", "https://mlflow.example")
    assert load_config().mlflow_pages == "https://mlflow.example"


def test_arguments_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a caller says wins."""
    monkeypatch.setenv("RATCHET__CLOCK", "data")
    assert load_config(clock="wall").clock == "wall"


def test_an_unknown_key_of_the_file_is_refused(file: Path) -> None:
    """A misspelt key is a fault and not a default; so is one in a part, by its dotted key."""
    file.write_text("clok: data\nserving: {uri: x}\n")
    with pytest.raises(SpecError) as error:
        load_config()
    assert [fault.split(":")[0] for fault in error.value.faults] == ["serving.uri", "clok"]


@pytest.mark.parametrize("name", ["RATCHET__LEDGR", "RATCHET__SERVING__URI"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A misspelt variable would start a second ledger under home and say nothing."""
    monkeypatch.setenv(name, "x")
    with pytest.raises(SpecError, match="not allowed"):
        load_config()


def test_a_misspelt_variable_gets_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and the key that was probably meant."""
    monkeypatch.setenv("RATCHET__LEDGR", "x")
    with pytest.raises(SpecError, match=r"RATCHET__LEDGR: no such key; .* did you mean 'ledger'\?"):
        load_config()


def test_a_wrong_value_names_key_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found and allowed are both in the message."""
    monkeypatch.setenv("RATCHET__CLOCK", "sundial")
    with pytest.raises(SpecError, match="clock: Input should be 'wall' or 'data'; found 'sundial'"):
        load_config()


def test_places_lie_under_home(home: Path) -> None:
    """What is left out is kept under home."""
    config = load_config()
    assert config.raw_place == str(home / "raw")
    assert config.lake_place == str(home / "lake")
    assert config.ledger_place == f"sqlite:///{home}/ledger.db"
    assert config.tracking_place == f"sqlite:///{home}/mlflow/mlflow.db"
    assert config.artifacts_place == str(home / "mlflow" / "artifacts")


def test_places_elsewhere() -> None:
    """A URI stays one, {home} is filled in, and a tracking server decides about its artifacts itself."""
    config = Config(home="/h", raw="s3://b/raw", ledger="ratchet_db", lake="file://{home}/x", mlflow={"tracking": "http://m:5000"})
    assert (config.raw_place, config.ledger_place, config.lake_place) == ("s3://b/raw", "ratchet_db", "file:///h/x")
    assert (config.tracking_place, config.artifacts_place) == ("http://m:5000", "")


def test_stores(file: Path, home: Path) -> None:  # noqa: ARG001
    """The landing store is under home unless named; a named store is joined; known schemes pass through."""
    config = load_config()
    assert config.store("landing://flights/*.csv") == f"{home}/landing/flights/*.csv"
    assert config.store("archive://2013/*.csv") == "s3://old/2013/*.csv"
    assert config.store("s3://b/k") == "s3://b/k"
    assert load_config(stores={"landing": "/drop"}).store("landing://a") == "/drop/a"
    assert Path(config.store("data/x.csv")).is_absolute()


def test_an_unknown_store_is_refused(file: Path) -> None:  # noqa: ARG001
    """A store that ratchet.yaml does not name is refused with those that it does."""
    with pytest.raises(SpecError, match="found 'archiv'; allowed are landing, archive, s3, file"):
        load_config().store("archiv://x")
