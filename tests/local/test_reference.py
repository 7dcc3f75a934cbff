"""The reference database takes a month in one step, and never holds a part of one."""

from __future__ import annotations

import sqlite3

import pytest

from include.ratchet.domain.config import Config
from include.ratchet.local import reference

HOUR = {"origin": "EWR", "year": "2013", "month": "1", "day": "1", "hour": "1", "time_hour": "2013-01-01T06:00:00Z"}
WEATHER = HOUR | dict.fromkeys(("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"), "NA")


def _all(config: Config, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(config.folder / "reference.db") as connection:
        return connection.execute(query).fetchall()


def test_a_month_replaces_itself_only(config: Config) -> None:
    """The same month again leaves the others alone and doubles nothing."""
    rows = [WEATHER | {"temp": "39.02"}, WEATHER | {"month": "2", "time_hour": "2013-02-01T06:00:00Z"}]
    for month in ("2013-01", "2013-02", "2013-01"):
        assert reference.replace_month(config, "weather", month, rows) == 1
    assert _all(config, "SELECT month, temp FROM weather ORDER BY month") == [(1, 39.02), (2, None)]


def test_a_month_that_fails_leaves_the_old_one(config: Config) -> None:
    """Delete and insert are one transaction."""
    reference.replace_month(config, "weather", "2013-01", [WEATHER])
    with pytest.raises(Exception, match="UNIQUE"):
        reference.replace_month(config, "weather", "2013-01", [WEATHER, WEATHER])
    assert _all(config, "SELECT count(*) FROM weather") == [(1,)]


def test_a_filled_table_stays_as_it_is(config: Config) -> None:
    """Reference tables are filled once."""
    plane = dict.fromkeys(("type", "manufacturer", "model", "engine"), "x") | dict.fromkeys(("year", "engines", "seats", "speed"), "NA")
    reference.fill_once(config, "planes", [plane | {"tailnum": "N1"}])
    reference.fill_once(config, "planes", [plane | {"tailnum": "N2"}])
    assert _all(config, "SELECT tailnum, year FROM planes") == [("N1", None)]


def test_a_table_can_be_made_empty(config: Config) -> None:
    """A source that looks before the first month finds no rows, rather than no table."""
    reference.make(config, "weather")
    assert _all(config, "SELECT count(*) FROM weather") == [(0,)]


def test_the_database_is_the_connection_s(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another place can be named by the connection `reference`."""
    config.folder.mkdir(parents=True)
    monkeypatch.setenv("AIRFLOW_CONN_REFERENCE", f"sqlite:///{config.folder}/other.db")
    reference.make(config, "planes")
    assert [p.name for p in config.folder.iterdir()] == ["other.db"]
