"""Read a sample whose form is not known: encoding, delimiter, header, decimal sign. Bytes come in, no I/O."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from include.ratchet.domain.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
_PROBE_CHARACTERS = 500_000
_PROBE_ROWS = 1_000
_UTF8_BOM = b"\xef\xbb\xbf"
_VALUE = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?|\d{4}-\d\d-\d\d.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*")
_SAME_WIDTH = 0.9


@dataclass(frozen=True)
class Form:
    """How the bytes are to be read, in the words of a feed's `source`."""

    format: str
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."


@dataclass(frozen=True)
class Sample:
    """A sample as delivered: text cells for csv, typed cells for jsonl and parquet; one row is one row of the file."""

    form: Form
    cells: pd.DataFrame


def read_sample(content: bytes, kind: str) -> Sample:
    """Read the bytes of a csv, jsonl or parquet file (already unpacked).

    Raises:
        DataError: The bytes are empty, have no header, no rows, rows of different width, or nested values.
    """
    if not content.strip():
        raise DataError("the sample is empty: found 0 bytes of text; allowed is a header and rows. Export the data again.")
    if kind == "parquet":
        return Sample(Form("parquet"), _parquet(content))
    text, encoding = decode(content)
    if kind == "jsonl":
        return Sample(Form("jsonl", encoding=encoding), _jsonl(text))
    delimiter = find_delimiter(text)
    cells = _csv(text, delimiter)
    return Sample(Form("csv", delimiter, encoding, find_decimal(cells)), cells)


def decode(content: bytes) -> tuple[str, str]:
    """Return the text and the name of its encoding; the strictest one that fits.

    Raises:
        DataError: The bytes are not text.
    """
    if b"\0" in content[:_PROBE_CHARACTERS]:
        found = "UTF-16, as Excel writes it" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "NUL bytes"
        raise DataError(f"the sample is not plain text: found {found}; allowed are csv, tsv, jsonl and parquet. Save it as UTF-8 text.")
    if content.startswith(_UTF8_BOM):
        return content.decode("utf-8-sig", errors="replace"), "utf-8-sig"
    # Latin-1 accepts any byte, so it comes last; its control block 0x80-0x9f is where cp1252 has its quotes and the euro.
    for name in ("utf-8", *(["cp1252"] if re.search(rb"[\x80-\x9f]", content) else [])):
        try:
            return content.decode(name), name
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def find_delimiter(text: str) -> str:
    """Find the delimiter that cuts header and rows to the same width, the wider the better.

    Raises:
        DataError: No delimiter yields two columns, or the rows are not as wide as the header.
    """
    found = [(share, width, each) for each in DELIMITERS for share, width in [_widths(text, each)] if width > 1]
    if not found:
        line = text.lstrip().splitlines()[0][:80]
        raise DataError(
            f"the sample has one column: its first line is {line!r}; allowed is a header of two or more names, cut by one of , ; tab |."
        )
    share, width, delimiter = max(found, key=lambda each: (each[0] >= _SAME_WIDTH, each[1], each[0]))
    if share < _SAME_WIDTH:
        raise DataError(
            f"the sample's rows are not as wide as its header: the first line has {width} names (cut by {delimiter!r}), "
            f"and {1 - share:.0%} of the rows differ; allowed is one header line, then rows. Remove titles above the header, quote cells."
        )
    return delimiter


def find_decimal(cells: pd.DataFrame) -> str:
    """Return the decimal sign that more number cells use; a point where none does."""
    tokens = [token for name in cells for token in cells[name].head(_PROBE_ROWS)]
    commas = sum(bool(re.fullmatch(r"\s*[-+]?\d+,\d+\s*", each)) for each in tokens)
    points = sum(bool(re.fullmatch(r"\s*[-+]?\d+\.\d+\s*", each)) for each in tokens)
    return "," if commas > points else "."


def _widths(text: str, delimiter: str) -> tuple[float, int]:
    """Return the share of rows [0-1] as wide as the first line, and that width."""
    rows = _first_rows(text, delimiter)
    if not rows:
        return 0.0, 0
    width = len(rows[0])
    return (sum(len(row) == width for row in rows[1:]) / (len(rows) - 1) if rows[1:] else 1.0), width


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    head = text[:_PROBE_CHARACTERS]
    if len(text) > _PROBE_CHARACTERS:
        head = head[: head.rfind("\n") + 1]
    try:
        rows = islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), _PROBE_ROWS)
        return [row for row in rows if row]
    except csv.Error:
        return []


def _csv(text: str, delimiter: str) -> pd.DataFrame:
    """Read every cell as text, by the reader that ingestion uses: what one accepts, the other does."""
    rows = _first_rows(text, delimiter)
    header = [name.strip() for name in rows[0]]
    if not text.split("\n", 1)[0].strip():
        raise DataError("the sample begins with an empty line; allowed is the header in the first line. Remove the lines above it.")
    _check_header(header, rows[1:])
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pacsv.ReadOptions(column_names=header, skip_rows=1),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        text = " ".join(str(error).split())[:200]
        raise DataError(f"the sample is not regular csv: {text}; allowed are rows as wide as the header. Mend that line.") from error
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _check_header(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    below = [{row[i] for row in rows if i < len(row)} for i in range(len(header))]
    values = [name for name, seen in zip(header, below, strict=True) if name and (_VALUE.fullmatch(name.strip()) or name in seen)]
    if len(values) * 2 >= len(header):
        raise DataError(
            f"the sample has no header: its first line holds values ({', '.join(values[:4])}); put a line with the column names above it."
        )
    if not rows:
        raise DataError("the sample has no rows: found a header only; allowed is a header and rows. Export the data again.")
    check_names(header)


def check_names(names: Sequence[str]) -> None:
    """Check that every column can be named in a spec, and in SQL.

    Raises:
        DataError: A name is empty, holds a control character or a double quote, or stands twice (SQL sees no case).
    """
    for place, name in enumerate(names, start=1):
        if not name.strip() or not name.isprintable() or '"' in name:
            raise DataError(
                f"column {place} of the sample has no usable name: found {name!r}; allowed is a printable name. Name it in the header."
            )
    counts = Counter(name.lower() for name in names)
    twice = [name for name in names if counts[name.lower()] > 1]
    if twice:
        raise DataError(
            f"the sample names a column twice: {', '.join(twice)}; allowed is each name once, in any case. Rename one in the header."
        )


def _jsonl(text: str) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            records.append(_record(line, number))
    names = list(dict.fromkeys(name for record in records for name in record))
    check_names(names)
    return pd.DataFrame({name: pd.Series([record.get(name) for record in records], dtype=object) for name in names})


def _record(line: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise DataError(f"line {number} of the sample is not a JSON object: found {line[:60]!r}; allowed is one object per line (jsonl).")
    nested = [name for name, value in record.items() if isinstance(value, dict | list)]
    if nested:
        raise DataError(
            f"line {number} of the sample is nested under {', '.join(nested)}; allowed are plain values. Flatten it before it lands."
        )
    return record


def _parquet(content: bytes) -> pd.DataFrame:
    try:
        table = pq.read_table(io.BytesIO(content))
    except pa.ArrowInvalid as error:
        raise DataError(f"the sample is not readable as parquet: {error}; allowed is a parquet file. Export it again.") from error
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type) or pa.types.is_binary(field.type)]
    if nested:
        raise DataError(
            f"the sample holds lists, structs or bytes in {', '.join(nested)}; allowed are plain values. Flatten it before it lands."
        )
    if not table.num_rows:
        raise DataError("the sample has no rows: found column names only; allowed is a table with rows. Export the data again.")
    check_names(table.column_names)
    frame: pd.DataFrame = table.to_pandas(date_as_object=True, integer_object_nulls=True)
    return frame.reset_index(drop=True)
