"""Reading batches: what can be read is read exactly, what cannot is refused by name."""

from __future__ import annotations

import gzip
import io
import traceback
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.steps.decode import Decoded, decode
from tests.makers import feed_spec

GOOD = b"id,v\n1,1.5\n2,\n"
ROWS = [{"id": 1, "v": 1.5}, {"id": 2, "v": None}]


def read(content: bytes | str, spec: FeedSpec | None = None, kind: str = "csv") -> Decoded:
    """Decode a batch."""
    return decode(io.BytesIO(content.encode() if isinstance(content, str) else content), spec or feed_spec(), kind)


def refused(content: bytes | str, spec: FeedSpec | None = None, kind: str = "csv") -> str:
    """Return what is said about a batch that is refused."""
    with pytest.raises(QualityError) as error:
        read(content, spec, kind)
    return str(error.value)


def parquet(**columns: list[object]) -> bytes:
    """Write columns as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (GOOD, {}),
        (b"\xef\xbb\xbf" + GOOD, {}),
        (GOOD.replace(b"\n", b"\r\n"), {}),
        (b"v,id\n1.5,1\n,2\n", {}),
        (b'"id","v"\n"1"," 1.5 "\n2,NA\n', {}),
        (b"id ; v\n1;1,5\n2;\n", {"delimiter": ";", "decimal": ","}),
        (GOOD.decode().encode("utf-16"), {"encoding": "utf-16"}),
        (gzip.compress(GOOD, mtime=0), {}),
        (b"id,v\n\n1,1.5\n\n2,null\n", {}),
    ],
    ids=["plain", "bom", "crlf", "reordered", "quoted", "european", "utf-16", "gzip", "blank lines"],
)
def test_the_same_rows_in_many_clothes(content: bytes, source: dict[str, str]) -> None:
    """Delimiters, decimals, encodings, compression and the order of columns do not change what is read."""
    found = read(content, feed_spec(source=source))
    assert found.rows.select(["id", "v"]).to_pylist() == ROWS
    assert found.faults == {}


def test_jsonl_and_parquet() -> None:
    """The three formats read as the same table."""
    assert read(b'{"id": 1, "v": 1.5}\n{"id": 2}\n', kind="jsonl").rows.to_pylist() == ROWS
    assert read(parquet(id=[1, 2], v=[1.5, None]), kind="parquet").rows.to_pylist() == ROWS


def test_a_quoted_newline_is_part_of_the_cell() -> None:
    """A text may hold newlines, delimiters and doubled quotes."""
    found = read('id,n\n1,"a\nb"\n2,"c,""d"""\n', feed_spec({"id": "int64", "n": "string"}))
    assert found.rows["n"].to_pylist() == ["a\nb", 'c,"d"']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"id,v\n", "no rows"),
        (b"id,v", "no rows"),
        (b"1,1.5\n2,2.5\n", "no header"),
        (GOOD.decode().encode("utf-16"), "expected utf-8 csv"),
        ("id,v,é\n1,2,3\n".encode("latin-1"), "expected utf-8 csv"),
        (b"id,v\n1,2\n3\n", "Expected 2 columns, got 1"),
        (b"id,id,v\n1,1,2\n", "id: found twice"),
        (b"id\n1\n", "v: missing; found id"),
        (b"id,v,extra\n1,2,3\n", "extra: new; the schema does not have it"),
        (gzip.compress(GOOD * 50, mtime=0)[:-12], "gzip that breaks off"),
        (gzip.compress(GOOD, mtime=0)[:10] + b"\xff" * 30, "gzip that breaks off"),
    ],
)
def test_refused_and_why(content: bytes, said: str) -> None:
    """A batch that does not read, or holds another schema, is a QualityError that says what was found."""
    assert said in refused(content)


def test_latin_1_in_a_cell() -> None:
    """A wrong encoding below a plain header is found too, and read when the spec names it."""
    content = "id,n\n1,é\n".encode("latin-1")
    schema = {"id": "int64", "n": "string"}
    assert "expected utf-8 csv" in refused(content, feed_spec(schema))
    assert read(content, feed_spec(schema, {"encoding": "latin-1"})).rows["n"].to_pylist() == ["é"]


@pytest.mark.parametrize(("content", "kind"), [(b"hello", "parquet"), (b'{"id": 1,\n', "jsonl"), (b'{"id": 1}\n{"id": "x"}\n', "jsonl")])
def test_other_formats_that_do_not_read(content: bytes, kind: str) -> None:
    """A file of another format is refused, naming the format that was expected."""
    assert f"not readable as {kind}" in refused(content, kind=kind)


def test_a_renamed_column_is_guessed() -> None:
    """A close name is reported as a rename and not as one missing and one new."""
    spec = feed_spec({"id": "int64", "distance": "float64", "v": "float64?"})
    assert refused("id,Distance_km,v\n1,2,3\n", spec).splitlines()[1:2] == ["  - Distance_km: renamed from distance?"]


def test_a_retyped_column_stops() -> None:
    """When more than a tenth of the cells do not read, the column has another type; an example is shown."""
    said = refused("id,v\n" + "\n".join(f"{i},{'x' if i < 3 else i}" for i in range(20)))
    assert "retyped: v: found 'x' and 2 more that are no float64" in said


def test_a_few_bad_cells_are_bad_rows() -> None:
    """Up to a tenth of the cells may be bad: their rows are named by position and the cells are null."""
    cells = ["1", "x", *map(str, range(2, 38)), "?", "9"]
    found = read("id,v\n" + "\n".join(f"{i},{cell}" for i, cell in enumerate(cells)))
    assert found.faults == {"type:v": [1, 38]}
    assert found.rows["v"][1].as_py() is None
    assert found.original["v"][1].as_py() == "x"


def test_a_missing_cell_is_a_fault_where_the_schema_says_so() -> None:
    """An empty cell of a column without ? is a bad row; one of a column with ? is not."""
    assert read("id,v\n1,1\n,2\n3,\n").faults == {"not_null:id": [1]}


def test_whole_numbers_are_exact() -> None:
    """Beside a bad cell, a 64-bit id is still read exactly: by way of a float it would be another id."""
    found = read("id,v\n9007199254740993,1\nx,1\n-9223372036854775808,1\n4.0,1\n")
    assert found.rows["id"].to_pylist() == [9007199254740993, None, -9223372036854775808, 4]


@pytest.mark.parametrize("cell", ["inf", "nan1", "1.5", "9223372036854775808", "1e999999999", "1_000", "--1"])
def test_what_is_no_whole_number(cell: str) -> None:
    """Infinity, fractions, too large numbers and other spellings are bad cells, found in no time."""
    assert read(f"id,v\n1,1\n2,1\n{cell},1\n").faults == {"type:id": [2]}


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("bool", "Yes", True),
        ("bool", "0", False),
        ("bool", "F", False),
        ("float64", "1e3", 1000.0),
        ("float64", "-.5", -0.5),
        ("string", " a ", " a "),
    ],
)
def test_cells(kind: str, cell: str, value: object) -> None:
    """Words for truth, exponents, and texts as they are."""
    assert read(f"id,c\n1,{cell}\n", feed_spec({"id": "int64", "c": kind})).rows["c"].to_pylist() == [value]


def timed(content: str, zone: str = "UTC", form: str | None = None, **schema: str) -> list[object]:
    """Read event times of the column `at`."""
    spec = feed_spec(schema or {"id": "int64", "at": "timestamp"}, time={"column": "at", "zone": zone, "format": form})
    lines = "\n".join(f"{i},{cell}" for i, cell in enumerate(content.split("|")))
    values: list[object] = read(f"id,at\n{lines}\n", spec).rows["at"].to_pylist()
    return values


def utc(*parts: int) -> datetime:
    """Make a time."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_zones_and_daylight_saving() -> None:
    """Local times become UTC: in summer and winter, in the hour that comes twice (the first), in the one that never was."""
    found = timed("2013-01-01 12:00|2013-07-01T12:00|2013-11-03 01:30|2013-03-10 02:30", "America/New_York")
    assert found == [utc(2013, 1, 1, 17), utc(2013, 7, 1, 16), utc(2013, 11, 3, 5, 30), utc(2013, 3, 10, 7)]


def test_a_text_that_names_its_zone_is_read_by_it() -> None:
    """Offsets win over the feed's zone; beside them, texts without one are read by the feed's."""
    found = timed("2013-01-01 12:00|2013-01-01T12:00Z|2013-01-01T12:00+02:00|2013-01-01", "America/New_York")
    assert found == [utc(2013, 1, 1, 17), utc(2013, 1, 1, 12), utc(2013, 1, 1, 10), utc(2013, 1, 1, 5)]


def test_day_first_needs_a_format() -> None:
    """With a format the day may come first; without one such a date is not guessed at."""
    assert timed("03/02/2013", form="%d/%m/%Y") == [utc(2013, 2, 3)]
    with pytest.raises(QualityError, match="retyped: at: found '03/02/2013'"):
        timed("03/02/2013|04/02/2013")


def test_a_date_and_an_hour_make_an_event_time() -> None:
    """Several columns are joined by a blank, read by the format, in the feed's zone."""
    schema = {"id": "int64", "day": "date", "hour": "int64"}
    spec = feed_spec(schema, time={"columns": ["day", "hour"], "format": "%Y-%m-%d %H", "zone": "America/New_York"})
    found = read("id,day,hour\n1,2013-01-01,5\n2,2013-07-01,23\n", spec)
    assert found.rows["event_time"].to_pylist() == [utc(2013, 1, 1, 10), utc(2013, 7, 2, 3)]


def test_an_event_time_with_a_part_missing_is_a_bad_row() -> None:
    """A row that cannot be placed in time would be in no window: it is a fault, even where its parts may be empty."""
    schema = {"id": "int64", "day": "string?", "hour": "string?"}
    spec = feed_spec(schema, time={"columns": ["day", "hour"], "format": "%Y-%m-%d %H"})
    assert read("id,day,hour\n1,2013-01-01,5\n2,2013-01-01,\n", spec).faults == {"not_null:event_time": [1]}


def test_a_calendar_day_has_no_zone() -> None:
    """The day that is written is the day that is kept, east of Greenwich too."""
    found = timed("2013-02-03", "Asia/Tokyo", id="int64", at="date")
    assert found == [datetime(2013, 2, 3).date()]  # noqa: DTZ001


def test_a_number_is_no_time() -> None:
    """20130101 in a Parquet file is not read as nanoseconds after 1970; with a format it is what it says."""
    schema = {"id": "int64", "at": "timestamp"}
    content = parquet(id=[1, 2, 3], at=[20130101, 20130102, 20130103])
    assert "retyped: at: found 20130101" in refused(content, feed_spec(schema, time={"column": "at"}), "parquet")
    spec = feed_spec(schema, time={"column": "at", "format": "%Y%m%d"})
    assert read(content, spec, "parquet").rows["at"][0].as_py() == utc(2013, 1, 1)


def test_a_list_is_no_text() -> None:
    """A nested column is reported as retyped instead of failing somewhere inside."""
    content = parquet(id=[1, 2, 3], n=[[1], [2], [3]])
    assert "retyped: n: found [1]" in refused(content, feed_spec({"id": "int64", "n": "string"}), "parquet")


def test_the_message_about_10000_columns_is_bounded() -> None:
    """However many columns changed, the text stays short and the error keeps every change."""
    header = ",".join(["id", "v", *(f"new_{i}" for i in range(10_000))])
    with pytest.raises(QualityError) as error:
        read(f"{header}\n{','.join(['1'] * 10_002)}\n")
    assert len(error.value.faults) == 10_000
    assert len(str(error.value)) < 2_000
    wide = feed_spec({"id": "int64", "v": "float64?"} | {f"c{i}": "string?" for i in range(2_000)})
    with pytest.raises(QualityError) as error:
        read(GOOD, wide)
    assert len(error.value.faults) == 2_000
    assert len(str(error.value)) < 2_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,v\n1,john@x\n2,eve@y\n", "retyped: v: found (personal) and 1 more that are no float64"),
        ("id,v\n1,2\n2,john@x,eve@y\n", "Expected 2 columns, got 3: (personal)"),
        ("john@x,eve@y\n1,2\n", "found (personal) in the first line; allowed are id, v"),
    ],
    ids=["another type", "another width", "no header"],
)
def test_no_message_shows_a_personal_cell(content: str, said: str) -> None:
    """Refusals go into logs, alerts and the ledger: they say what is wrong, and not of whom; causes are printed too."""
    with pytest.raises(QualityError) as error:
        read(content, feed_spec(personal=["v"]))
    shown = "".join(traceback.format_exception(error.value))
    assert said in shown
    assert "john" not in shown
    assert "eve" not in shown
    assert "(personal)" not in refused(content)
