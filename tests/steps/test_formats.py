"""Bytes as tables: encodings that are guessed, dialects that are named."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.skew import Change, Known, SkewError
from include.ratchet.steps.formats import read
from tests.makers import feed_spec

SCHEMA = {"id": "int64", "n": "string"}
TEXT = "id,n\n1,né\n2,für\n"


@pytest.mark.parametrize(
    ("expected", "content", "found"),
    [
        ("utf-8", TEXT.encode("cp1252"), "cp1252"),
        ("utf-8", TEXT.encode("utf-16"), "utf-16"),
        ("utf-8", TEXT.encode("utf-32"), "utf-32"),
        ("latin-1", TEXT.encode(), "utf-8"),
        ("utf-8", TEXT.encode() + b"3,\xc3\n", ""),
        ("utf-8", bytes(range(256)) * 9, ""),
    ],
    ids=["cp1252", "utf-16", "utf-32", "utf-8 for latin-1", "damaged utf-8", "no text"],
)
def test_another_encoding_is_named_and_can_be_accepted(expected: str, content: bytes, found: str) -> None:
    """The change names both encodings; accepted, the same bytes read; what is damaged is no encoding."""
    spec = feed_spec(SCHEMA, {"encoding": expected})
    with pytest.raises(SkewError, match="encoding: expected") as error:
        read(content, spec, "csv", Known())
    assert [(each.kind, each.found) for each in error.value.changes] == [("encoding", found)]
    if found:
        rows = read(content, spec, "csv", Known(frozenset({Change("encoding", "", found)})))
        assert rows["n"].to_pylist() == ["né", "für"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "cp1252"])
def test_the_feeds_own_encoding(encoding: str) -> None:
    """What the spec names is read without a question."""
    assert read(TEXT.encode(encoding), feed_spec(SCHEMA, {"encoding": encoding}), "csv", Known())["n"].to_pylist() == ["né", "für"]


def test_another_delimiter_is_named() -> None:
    """A file of semicolons is told from one without a header."""
    with pytest.raises(QualityError, match=r"delimiter: found ';', expected ','"):
        read(TEXT.replace(",", ";").encode(), feed_spec(SCHEMA), "csv", Known())


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_ends_of_lines(ends: str) -> None:
    """Windows' and the old Mac's are read as Unix's."""
    assert read(TEXT.replace("\n", ends).encode(), feed_spec(SCHEMA), "csv", Known())["id"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_huge_cell_is_read(kind: str) -> None:
    """A row of three megabytes does not fit into a block, and is read in a larger one."""
    huge = "x" * 3_000_000
    content = f"id,n\n1,a\n2,{huge}\n" if kind == "csv" else f'{{"id": 1, "n": "a"}}\n{{"id": 2, "n": "{huge}"}}\n'
    assert read(content.encode(), feed_spec(SCHEMA), kind, Known())["n"].to_pylist() == ["a", huge]


def test_a_name_twice() -> None:
    """Also Parquet may hold a column's name twice."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"]), sink)
    with pytest.raises(QualityError, match="id: found twice"):
        read(sink.getvalue(), feed_spec(SCHEMA), "parquet", Known())
