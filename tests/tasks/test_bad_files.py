"""Files as they come: each is read rightly where it is legal, or ends in a clear message; its bytes are kept either way."""

from __future__ import annotations

import gzip
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.ratchet.adapters import open_landing, open_ledger
from include.ratchet.domain.errors import QualityError, Skip
from include.ratchet.tasks import ingest
from tests.tiny import FEED, FEED_YAML, Project, visits

GOOD = visits(0, 2)
TEXT = GOOD.to_csv(index=False).encode()
LINES = TEXT.splitlines(keepends=True)


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


REFUSED = {
    "truncated gzip": (gzip.compress(TEXT)[:-40], "found a gzip that breaks off"),
    "gzip of something else": (gzip.compress(b"\x00" * 500), "found a NUL byte at position 0"),
    "NUL bytes": (TEXT.replace(b"red", b"r\x00d", 1), "found a NUL byte at position"),
    "preallocated": (TEXT + b"\x00" * 4096, "found a NUL byte at position"),
    "duplicate headers": (TEXT.replace(b"colour", b"x", 1), "x: found twice"),
    "ten thousand columns": (
        b"\n".join(
            line.rstrip() + f",{','.join(f'c{i}' if n == 0 else '1' for i in range(9995))}".encode() for n, line in enumerate(LINES[:3])
        ),
        "c0: new; the schema does not have it",
    ),
    "another dialect": (TEXT.replace(b",", b";"), "delimiter: found ';', expected ','"),
    "parquet named csv": (_parquet(pa.Table.from_pandas(GOOD)), "bytes that are no text"),
    "empty": (b"", "found 0 bytes and no header"),
    "wrong encoding": (TEXT.replace(b"red", "röd".encode("utf-16-le")), "encoding: expected utf-8 csv"),
    "latin-1": (TEXT.replace(b"red", "röd".encode("latin-1")), "encoding: expected utf-8 csv; found cp1252"),
    "binary junk": (bytes(range(256)) * 40, "bytes that are no text"),
    "header only": (LINES[0], "no rows"),
    "no header": (b"".join(LINES[1:]), "no header"),
    "ragged rows": (TEXT + b"1,2\n", "Expected 5 columns, got 2"),
    "a quote that is not closed": (TEXT + b'900,2020-01-01T00:00:00Z,1.0,"red,1\n', "not readable as csv"),
    "thousands separators": (GOOD.assign(x="1,234.5").to_csv(index=False).encode(), "retyped: x: found '1,234.5' and 79 more"),
    "dates in another order": (GOOD.assign(at="31/12/2020").to_csv(index=False).encode(), "retyped: at: found '31/12/2020'"),
    "a page of a proxy": (b"<!DOCTYPE html><html>Please log in</html>\n<p>", "no header"),
    "JSON named csv": (b'{"visit": 1}\n{"visit": 2}\n', "no header"),
}
READ = {
    "mixed newlines": (b"".join(line.rstrip() + end for line, end in zip(LINES, [b"\r\n", b"\n", b"\r"] * 27, strict=True)), {}),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT, {}),
    "a huge cell": (TEXT.replace(b"red", b"r" * 5_000_000, 1), {}),
    "a quoted newline": (TEXT.replace(b"red", b'"re\nd"', 1), {}),
    "gzip": (gzip.compress(TEXT), {}),
    "texts that stand for no number": (TEXT.replace(LINES[5].split(b",")[2], b"NaN", 1), {}),
    "infinite numbers": (TEXT.replace(LINES[5].split(b",")[2], b"inf", 1), {"finite:x, expect_column_values_to_be_between:x": 1}),
    "one thousands separator": (TEXT.replace(LINES[5].split(b",")[2], b'"1,234.5"', 1), {"type:x": 1}),
}


def _taken(project: Project) -> str:
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.validate, FEED, project.run(ingest.check, FEED, name))
    project.run(ingest.merge, FEED)
    return str(name)


def _kept(name: str) -> bytes:
    with open_landing().open(FEED, name) as stream:
        return stream.read()


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(project: Project, kind: str) -> None:
    """The message names the file and what was found, within a screen; the batch waits, and its bytes are kept."""
    content, words = REFUSED[kind]
    project.deliver("odd.csv", content)
    with pytest.raises(QualityError) as error:
        _taken(project)
    said = str(error.value)
    assert "odd.csv" in said
    assert words in said
    assert len(said) < 3000
    (batch,) = open_ledger().batches(FEED, "stopped")
    assert _kept(batch.sha) == content


@pytest.mark.parametrize("kind", READ)
def test_read_where_it_is_legal(project: Project, kind: str) -> None:
    """Every row is there; a cell that cannot be is quarantined by its rule."""
    content, faults = READ[kind]
    project.deliver("odd.csv", content)
    assert _kept(_taken(project)) == content
    assert len(project.rows(f"clean/{FEED}")) == 80 - sum(faults.values())
    if faults:
        assert dict(project.rows(f"quarantine/{FEED}")["rules"].value_counts()) == faults


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"a": [1]}), "visit: missing (part of the key); found a"),
        (pa.Table.from_pandas(GOOD.assign(x="many")), "retyped: x: found 'many'"),
        (pa.Table.from_pandas(GOOD.assign(colour=pd.Series([["red"]] * 80))), "retyped: colour"),
        (pa.Table.from_pandas(GOOD.drop(columns="x").assign(X=1.0)), "X: renamed from x?"),
    ],
    ids=["others", "texts", "lists", "renamed"],
)
def test_parquet_with_another_schema(project: Project, table: pa.Table, words: str) -> None:
    """What the file itself says of its columns is held against the feed."""
    project.write(feed=FEED_YAML.replace('*.csv"', '*.parquet", format: parquet'))
    project.deliver("odd.parquet", _parquet(table))
    with pytest.raises(QualityError) as error:
        _taken(project)
    assert words in str(error.value)


def test_a_folder_named_like_a_file_is_none(project: Project) -> None:
    """It is no delivery, and the files beside it are taken."""
    project.deliver("a.csv", GOOD)
    (project.home / "landing" / FEED / "folder.csv").mkdir()
    _taken(project)
    with pytest.raises(Skip):
        project.run(ingest.land, FEED, stage="ingest")
    assert len(project.rows(f"clean/{FEED}")) == 80
