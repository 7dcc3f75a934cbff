"""Read a batch's bytes as a table of cells as they came: gzip, encoding, dialect."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.skew import Change, Known, SkewError

GZIP_MAGIC = b"\x1f\x8b"
PERSONAL = "(personal)"
"""What a message shows in place of a cell of a personal column: messages go into logs, alerts and the ledger."""
LONGEST_HEADER = 1 << 22
_BLOCK, _LARGEST_BLOCK = 1 << 20, 2**31 - 1
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(content: bytes, spec: FeedSpec, kind: str, known: Known) -> pa.Table:
    """Read bytes as a table; of CSV every cell is text.

    Args:
        content: The batch; gzip is recognised.
        spec: The feed.
        kind: csv, jsonl or parquet.
        known: Encodings that were accepted besides the feed's.

    Raises:
        SkewError: The bytes are of another encoding.
        QualityError: They do not read; the message says what was found and what was expected.
    """
    content = _unzipped(content, spec)
    if not content.strip():
        raise QualityError(f"feed {spec.name}: the file is empty", [f"found {len(content)} bytes and no header"], "Deliver it again.")
    if kind == "parquet":
        found = _arrow(lambda: pq.ParquetFile(io.BytesIO(content)).read(), spec, kind)
        _once(found.column_names, spec)
        return found
    encoding = _encoding(content, spec, kind, known)
    if b"\0" in content and "16" not in encoding and "32" not in encoding:
        at = content.index(b"\0")
        raise QualityError(
            f"feed {spec.name}: not readable as {kind}", [f"found a NUL byte at position {at}; text has none"], "Deliver it again, whole."
        )
    if kind == "jsonl":
        text = content if encoding == "utf-8" else content.decode(encoding).encode()
        return _arrow(
            lambda: _grown(lambda block: pajson.read_json(io.BytesIO(text), pajson.ReadOptions(block_size=block)), len(text)), spec, kind
        )
    return _arrow(lambda: _csv(content, spec, encoding), spec, kind)


def _unzipped(content: bytes, spec: FeedSpec) -> bytes:
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        fault = f"found a gzip that breaks off: {error}"
        raise QualityError(f"feed {spec.name}: the file is not readable", [fault], "Deliver it again, whole.") from error


def _encoding(content: bytes, spec: FeedSpec, kind: str, known: Known) -> str:
    """Return the encoding to read by: the feed's, or another one that was accepted and that the bytes are of."""
    expected = codecs.lookup(spec.source.encoding).name if kind == "csv" else "utf-8"
    found = _found_encoding(content, expected)
    if found == expected:
        return expected
    shown = found or "bytes that are no text in any encoding that is looked for"
    change = Change("encoding", "", found, f"encoding: expected {expected} {kind}; found {shown}")
    if change not in known:
        raise SkewError(spec.name, [change])
    return found


def _found_encoding(content: bytes, expected: str) -> str:
    """Name the encoding of a text: the expected one where it fits, else a guess; empty when it is no text."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return expected if expected.startswith((name, name.replace("-", "_"))) else name
    if content.isascii():
        return expected
    plain = _decodes(content, "utf-8")
    if expected == "utf-8":
        return expected if plain else _guessed(content)
    if plain and len(codecs.encode("a", expected)) == 1:  # each byte is a letter in most encodings of one byte: they never fail
        return "utf-8"
    return expected if _decodes(content, expected) else _guessed(content)


def _guessed(content: bytes) -> str:
    """Guess at an encoding of one byte; where most letters beyond ASCII read as UTF-8, it is UTF-8 and damaged."""
    start = content[:_BLOCK]
    text = start.decode("utf-8", errors="replace")
    beyond, broken = sum(letter > "\x7f" for letter in text), text.count("\ufffd")
    controls = sum(byte < 32 and byte not in b"\t\n\r" for byte in start)  # noqa: PLR2004 - the control characters of ASCII
    if controls > len(start) / 100 or broken < beyond / 2:
        return ""
    return "cp1252" if _decodes(content, "cp1252") else "iso8859-1"


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(content), _BLOCK):
            decoder.decode(content[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _arrow(reading: Callable[[], pa.Table], spec: FeedSpec, kind: str) -> pa.Table:
    try:
        return reading()
    except (pa.ArrowException, UnicodeDecodeError, csv.Error, OSError) as error:
        where = f"expected {spec.source.encoding} {kind}"
        text = " ".join(str(error).split())[:300]
        if spec.personal:  # Arrow quotes the row; as the cause of our error it would be printed beside it
            text = re.sub(r"(columns, got \d+).*", rf"\1: {PERSONAL}", text)
        cause = None if spec.personal else error
        raise QualityError(f"feed {spec.name}: not readable as {kind}", [f"{where}; found {text}"], "Mend and deliver it again.") from cause


def _grown(reading: Callable[[int], pa.Table], size: int) -> pa.Table:
    """Read in blocks of a megabyte; when a row does not fit into one, in one block."""
    try:
        return reading(_BLOCK)
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error) or size <= _BLOCK:
            raise
    return reading(min(size + 1, _LARGEST_BLOCK))


def _csv(content: bytes, spec: FeedSpec, encoding: str) -> pa.Table:
    """Read all cells as text: what a cell means is decided by the schema, not guessed from the rows."""
    source = spec.source
    header, below = _header(content, spec, encoding)
    if not below:
        return pa.table({name: pa.array([], type=pa.string()) for name in header})
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=list(source.nulls),
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    parse = pacsv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True)

    def table(block: int) -> pa.Table:
        how = pacsv.ReadOptions(encoding=encoding, column_names=header, skip_rows=1, block_size=block)
        return pacsv.read_csv(io.BytesIO(content), read_options=how, parse_options=parse, convert_options=options)

    return _grown(table, len(content))


def _header(content: bytes, spec: FeedSpec, encoding: str) -> tuple[list[str], bool]:
    """Return the names in the first line, and whether there is a line below it."""
    wide = "16" in encoding or "32" in encoding
    start = content[:LONGEST_HEADER].decode(encoding, errors="ignore").encode() if wide else content[:LONGEST_HEADER]
    first, *rest = _END_OF_LINE.split(start, maxsplit=1)
    line = first.decode("utf-8" if wide else encoding).lstrip("\ufeff")
    header = _names(line, spec.source.delimiter)
    if not set(header) & set(spec.columns):
        other = next((sign for sign in ",;\t|" if len(set(_names(line, sign)) & set(spec.columns)) > 1), None)
        if other:
            said = f"delimiter: found {other!r}, expected {spec.source.delimiter!r}"
            raise QualityError(f"feed {spec.name}: another dialect", [said], "Mend the file, or write source.delimiter into feed.yaml.")
        shown = PERSONAL if spec.personal else ", ".join(header)[:200]  # without a header, the first line is a row
        fault = f"found {shown} in the first line; allowed are {', '.join(spec.columns)}"
        raise QualityError(f"feed {spec.name}: no header", [fault], "Mend and deliver it again.")
    _once(header, spec)
    return header, bool(rest)


def _once(names: list[str], spec: FeedSpec) -> None:
    if len(set(names)) < len(names):
        faults = [f"{name}: found twice" for name, count in Counter(names).items() if count > 1]
        raise QualityError(f"feed {spec.name}: the schema changed", faults, "Mend and deliver it again: one name, one column.")


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
