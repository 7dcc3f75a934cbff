"""The reference database of the example: weather, planes and airports, as another system would keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.config import Config

if TYPE_CHECKING:
    import sqlalchemy as sa

CONNECTION = "reference"
_NULL = "NA"
# Column types by first letter: text, integer, float, time (UTC).
_TABLES = {
    "weather": {
        "t": ("origin",),
        "i": ("year", "month", "day", "hour"),
        "f": ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"),
        "d": ("time_hour",),
    },
    "planes": {
        "t": ("tailnum", "type", "manufacturer", "model", "engine"),
        "i": ("year", "engines", "seats", "speed"),
    },
    "airports": {"t": ("faa", "name", "dst", "tzone"), "i": ("alt", "tz"), "f": ("lat", "lon")},
}
_KEYS = {"weather": ("origin", "time_hour"), "planes": ("tailnum",), "airports": ("faa",)}


def replace_month(config: Config, table: str, month: str, rows: Iterable[dict[str, str]]) -> int:
    """Put one month's rows in place of what is there of it, in one transaction; return how many."""
    year, number = int(month[:4]), int(month[5:])
    chosen = [_typed(table, row) for row in rows if (int(row["year"]), int(row["month"])) == (year, number)]
    engine, target = _open(config, table)
    with engine.begin() as connection:
        connection.execute(target.delete().where(target.c.year == year, target.c.month == number))
        connection.execute(target.insert(), chosen)
    engine.dispose()
    return len(chosen)


def fill_once(config: Config, table: str, rows: Iterable[dict[str, str]]) -> None:
    """Fill an empty table; leave a filled one alone."""
    import sqlalchemy as sa

    engine, target = _open(config, table)
    with engine.begin() as connection:
        if not connection.scalar(sa.select(sa.func.count()).select_from(target)):
            connection.execute(target.insert(), [_typed(table, row) for row in rows])
    engine.dispose()


def make(config: Config, table: str) -> None:
    """Make a table, empty: who looks finds nothing, rather than no table."""
    engine, _ = _open(config, table)
    engine.dispose()


def _open(config: Config, table: str) -> tuple[sa.Engine, sa.Table]:
    """Connect, and make the table if it is not there."""
    import sqlalchemy as sa

    from include.ratchet.adapters.connections import EnvironmentConnections

    kinds: dict[str, sa.types.TypeEngine[Any]] = {"t": sa.Text(), "i": sa.Integer(), "f": sa.Float(), "d": sa.DateTime()}
    columns: list[sa.Column[Any]] = [
        sa.Column(n, kinds[kind], primary_key=n in _KEYS[table]) for kind, names in _TABLES[table].items() for n in names
    ]
    config.folder.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(EnvironmentConnections(config).get(CONNECTION).sqlalchemy_url)
    target = sa.Table(table, sa.MetaData(), *columns)
    target.create(engine, checkfirst=True)
    return engine, target


def _typed(table: str, row: dict[str, str]) -> dict[str, Any]:
    read: dict[str, Callable[[str], Any]] = {"t": str, "i": int, "f": float, "d": _utc}
    return {n: None if row[n] == _NULL else read[kind](row[n]) for kind, names in _TABLES[table].items() for n in names}


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
