"""Batches that nobody would think of, by a seed: good rows, bad rows, and whole files that are not what they should be."""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import dataclass

FEED = "fuzzed"
STRICT = """
name: fuzzed
source: {kind: files, uri: "landing://fuzzed/*.csv"}
key: [id]
time: {column: at}
schema: {id: int64, token: string, x: "float64?", at: timestamp, word: "string?"}
expectations:
  - {type: expect_column_values_to_be_between, column: x, min_value: 0, max_value: 100}
  - {type: expect_column_value_lengths_to_be_between, column: word, max_value: 12}
quarantine: {max_fraction: 0.4}
units: {ignore: ["*"]}
"""
LAX = STRICT.replace("min_value: 0, max_value: 100", "min_value: -1000000, max_value: 1000000").replace("0.4", "1.0")
COLUMNS = ("id", "token", "x", "at", "word")
_WORDS = ("red", "", "gr\u00fcn", 'a "quoted" one', "two\nlines", "comma, comma", "a word that is too long", "NA", " ", "\u706b", "0", "-")
_NUMBERS = ("5", "5.25", " 7 ", "", "NaN", "-5", "1e3", "abc", "inf", "1,000", "99.999999999")
_TIMES = ("2020-01-01T00:00:00Z", "2020-02-29 12:00:00", "2020-01-01T00:00:00+05:00", "yesterday", "2020-13-01", "")


@dataclass(frozen=True)
class Fuzzed:
    """One delivery: its bytes, and its rows as (id, token)."""

    content: bytes
    rows: tuple[tuple[int, str], ...]


def fuzzed(seed: int, number: int, earlier: int = 0) -> Fuzzed:
    """Make a batch.

    Args:
        seed: The seed; the same one makes the same batch.
        number: The batch's number: its rows' ids and tokens begin with it.
        earlier: Batches before it whose ids it may bring again, as a correction does.
    """
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - nothing secret
    base = chance.randrange(earlier) if earlier and chance.random() < 0.3 else number  # noqa: PLR2004
    dirt = chance.choice((0.0, 0.05, 0.1, 0.3))
    rows = [_row(chance, number, base, row, dirt) for row in range(chance.randint(1, 25))]
    content = _dressed(chance, rows) if chance.random() < 0.25 else _text(rows).encode()  # noqa: PLR2004
    return Fuzzed(content, () if content == _text([]).encode() else tuple((int(row[0]), row[1]) for row in rows))


def _row(chance: random.Random, number: int, base: int, row: int, dirt: float) -> list[str]:
    bad = chance.random() < dirt
    identity = base * 1000 + (chance.randrange(row + 1) if bad else row)
    x = chance.choice(_NUMBERS if bad else _NUMBERS[:4])
    at, word = chance.choice(_TIMES if bad else _TIMES[:3]), chance.choice(_WORDS if bad else _WORDS[:6])
    return [str(identity), f"{number}-{row}", x, at, word]


def _text(rows: list[list[str]], columns: tuple[str, ...] = COLUMNS, end: str = "\n", delimiter: str = ",") -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator=end, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(rows)
    return sink.getvalue()


def _dressed(chance: random.Random, rows: list[list[str]]) -> bytes:
    """Give a batch odd clothes: some are legal, the others must stop it."""
    plain, order = _text(rows), chance.sample(range(len(COLUMNS)), len(COLUMNS))
    clothes = (
        gzip.compress(plain.encode(), mtime=0),
        b"\xef\xbb\xbf" + plain.encode(),
        _text(rows, end="\r\n").encode(),
        _text([[row[i] for i in order] for row in rows], tuple(COLUMNS[i] for i in order)).encode(),
        gzip.compress(plain.encode(), mtime=0)[:-9],
        plain.encode("utf-16"),
        plain.replace("red", "r\u00f6d").encode("latin-1", errors="replace"),
        plain.encode().replace(b"2", b"\x00", 1),
        _text(rows, delimiter=";").encode(),
        _text([row[:-1] for row in rows], COLUMNS[:-1]).encode(),
        _text([[*row, "1"] for row in rows], (*COLUMNS, "extra")).encode(),
        _text(rows, ("id", "token", "x_new", "at", "word")).encode(),
        _text(rows, ("id", "token", "x", "at", "x")).encode(),
        plain.encode() + b"1,2\n",
        _text([]).encode(),
        _text([[row[0], row[1], "many", row[3], row[4]] for row in rows]).encode(),
    )
    return chance.choice(clothes)
