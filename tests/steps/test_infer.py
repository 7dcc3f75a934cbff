"""What the scaffolder infers from awkward samples."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.steps.infer import Findings, doubts, facts, infer
from include.ratchet.steps.infer_read import decode, find_delimiter
from include.ratchet.steps.infer_time import EventTimes, monitor_window, time_split, training_window
from include.ratchet.steps.infer_yaml import inline_list

ROWS = 400


def random(seed: int = 0) -> np.random.Generator:
    """Make a generator of one seed."""
    return np.random.default_rng(seed)


def bikes(days: int = 60) -> pd.DataFrame:
    """Make hourly counts, as in bike sharing: a row id, a date and an hour, and two columns that add up to the count."""
    hours = pd.date_range("2017-12-01", periods=days * 24, freq="h")
    draw = random()
    casual = (20 + 15 * np.sin(hours.hour / 4) + draw.integers(0, 9, len(hours))).astype(int)
    registered = (60 + 40 * np.cos(hours.hour / 4) + draw.integers(0, 30, len(hours))).astype(int)
    return pd.DataFrame(
        {
            "instant": np.arange(1, len(hours) + 1),
            "dteday": hours.strftime("%Y-%m-%d"),
            "hr": hours.hour,
            "temp": np.round(draw.uniform(-5, 20, len(hours)), 1),
            "casual": casual,
            "registered": registered,
            "cnt": casual + registered,
        }
    )


def churn(rows: int = ROWS) -> pd.DataFrame:
    """Make customers, as in telco churn: a text id, yes/no texts, and a number column with single-space cells."""
    draw = random()
    tenure = draw.integers(0, 72, rows)
    leaves = draw.uniform(size=rows) < 0.6 - tenure / 150
    return pd.DataFrame(
        {
            "customerID": [f"{i * 7919 % 10000:04d}-AB" for i in range(rows)],
            "tenure": tenure,
            "Contract": draw.choice(["Month-to-month", "One year", "Two year"], rows),
            "TotalCharges": [" " if i % 50 == 0 else f"{20.5 * (t + 1):.2f}" for i, t in enumerate(tenure)],
            "Churn": np.where(leaves, "Yes", "No"),
        }
    )


def text(frame: pd.DataFrame, encoding: str = "utf-8", sep: str = ",", decimal: str = ".") -> bytes:
    """Write a frame as csv bytes."""
    return frame.to_csv(index=False, sep=sep, decimal=decimal).encode(encoding)


def look(frame: pd.DataFrame, target: str, time: Sequence[str] = ()) -> Findings:
    """Infer from a frame written as plain csv."""
    return infer(text(frame), "csv", target, time)


def test_single_space_cells_are_null_and_the_column_a_number() -> None:
    """Cells of one space do not make a number column a text; they become a null string of the source."""
    found = look(churn(), "Churn")
    assert found.schema["TotalCharges"] == "float64?"
    assert found.nulls == {" ": ["TotalCharges"]}
    assert "TotalCharges" in found.features.numeric


def test_yes_no_target_is_binary_and_stays_text() -> None:
    """A target of two texts is a binary task; its classes are checked in every batch, and stop it."""
    found = look(churn(), "Churn")
    assert (found.target.task, found.schema["Churn"]) == ("binary", "string")
    label = next(each for each in found.expectations if each.get("column") == "Churn")
    assert (label["value_set"], label["route"]) == (["No", "Yes"], "stop")


def test_an_identifier_is_key_and_never_a_feature() -> None:
    """A text that differs on every row names the row, and the report says that it is left out."""
    found = look(churn(), "Churn")
    assert found.key.names == ("customerID",)
    assert "customerID" not in found.features.names
    assert "left out customerID: names the row" in doubts(found)
    assert found.personal == ("customerID",)


def test_two_columns_that_add_up_to_the_target_are_forbidden() -> None:
    """The parts of a sum are suspected leaks: no features, and the reason shows the sum."""
    found = look(bikes(), "cnt", ["dteday", "hr"])
    assert found.leaks == dict.fromkeys(("casual", "registered"), "casual + registered = cnt")
    assert found.features.numeric == ("hr", "temp")


def test_several_columns_that_add_up_to_the_target_are_forbidden() -> None:
    """A weighted sum of more than two columns is found by least squares; the columns beside it are free."""
    draw = random()
    frame = pd.DataFrame(draw.integers(0, 100, (ROWS, 4)), columns=["a", "b", "c", "d"]).assign(id=[f"r{i}" for i in range(ROWS)])
    frame["total"] = frame["a"] + 2 * frame["b"] + frame["c"]
    assert list(look(frame, "total").leaks) == ["a", "b", "c"]


def test_a_feature_that_alone_predicts_the_target_is_forbidden() -> None:
    """One feature with almost perfect AUC is a leak; a fair one is not."""
    frame = churn()
    frame["refund"] = np.where(frame["Churn"] == "Yes", 10, 0) + random().uniform(0, 1, ROWS)
    found = look(frame, "Churn")
    assert list(found.leaks) == ["refund"]
    assert "alone predicts Churn" in found.leaks["refund"]


@pytest.mark.parametrize(
    ("name", "leaks"), [("churn_reason_code", True), ("ChurnScore", True), ("last_churn", False), ("churned_away", False)]
)
def test_a_variant_of_the_targets_name_is_forbidden(*, name: str, leaks: bool) -> None:
    """A name that holds the target's words is suspected, unless it says that it is an earlier value."""
    frame = churn().assign(**{name: random(1).integers(0, 5, ROWS)})
    assert (name in look(frame, "Churn").leaks) is leaks


def test_event_time_of_two_columns_is_key_and_time() -> None:
    """Date and hour are the key before a row counter is; the date is no feature, the hour is."""
    found = look(bikes(), "cnt", ["dteday", "hr"])
    assert found.times is not None
    assert (found.times.name, found.times.format) == ("event_time", "%Y-%m-%d %H")
    assert found.key.names == ("dteday", "hr")
    assert "left out instant: numbers the rows" in doubts(found)
    assert found.schema["dteday"] == "date"


def test_a_row_counter_is_key_only_where_nothing_else_is() -> None:
    """Without another key the counter names the row, and the report warns of files that count from one again."""
    found = look(bikes().drop(columns=["dteday"]), "cnt")
    assert found.key.names == ("instant",)
    assert any("counts from the start again" in each for each in doubts(found))


def test_no_key_is_an_error_that_says_how_to_make_one() -> None:
    """Rows that repeat have no key: refused, with a command that numbers them."""
    frame = pd.DataFrame({"x": np.round(random().normal(size=ROWS), 1), "y": np.tile([0, 1], ROWS // 2)})
    with pytest.raises(DataError, match=r"no key.*row_id"):
        look(frame, "y")


def test_a_composite_key_is_found_and_doubted() -> None:
    """Store and day name a row together; that may be chance, and the report says so."""
    days = pd.date_range("2024-01-01", periods=100).strftime("%Y-%m-%d")
    frame = pd.DataFrame([(day, store) for day in days for store in ("north", "south", "west")], columns=["day", "store"])
    frame = frame.assign(visits=random().integers(0, 20, 300), sales=random(1).normal(100, 10, 300).round(2))
    found = look(frame, "sales", ["day"])
    assert found.key.names == ("day", "store")
    assert any("by chance" in each for each in doubts(found))


@pytest.mark.parametrize(
    ("written", "format_"),
    [("%d/%m/%Y", "%d/%m/%Y %H"), ("%m/%d/%Y", "%m/%d/%Y %H"), ("%d.%m.%Y", "%d.%m.%Y %H"), ("%Y%m%d", "%Y%m%d %H")],
)
def test_date_and_hour_in_many_forms(written: str, format_: str) -> None:
    """Day first and month first are told apart where one of them is impossible; the format is written for strptime."""
    frame = bikes()
    frame["dteday"] = pd.to_datetime(frame["dteday"]).dt.strftime(written)
    found = look(frame, "cnt", ["dteday", "hr"])
    assert found.times is not None
    assert found.times.format == format_
    assert found.times.first == pd.Timestamp("2017-12-01", tz="UTC")


def test_ambiguous_days_are_settled_by_even_gaps() -> None:
    """Twelve first days of months in a row read both ways; the reading with even gaps is taken."""
    frame = bikes(days=12).drop(columns=["casual", "registered"])
    frame["dteday"] = pd.to_datetime(frame["dteday"]).dt.strftime("%d/%m/%Y")
    found = look(frame, "cnt", ["dteday", "hr"])
    assert found.times is not None
    assert (found.times.format, found.times.span.days) == ("%d/%m/%Y %H", 11)


def test_a_single_time_column_becomes_a_timestamp() -> None:
    """One time column is a timestamp in the schema, with a format only where it is not ISO."""
    frame = bikes().assign(at=lambda f: f["dteday"] + " " + f["hr"].astype(str).str.zfill(2) + ":00").drop(columns=["dteday"])
    found = look(frame, "cnt", ["at"])
    assert found.times is not None
    assert (found.schema["at"], found.times.format, found.times.name) == ("timestamp", None, "at")
    german = frame.assign(at=pd.to_datetime(frame["at"]).dt.strftime("%d.%m.%Y %H:%M"))
    found = look(german, "cnt", ["at"])
    assert found.times is not None
    assert (found.schema["at"], found.times.format) == ("timestamp", "%d.%m.%Y %H:%M")


@pytest.mark.parametrize("column", ["temp", "instant", "word"])
def test_a_time_that_does_not_read_is_an_error(column: str) -> None:
    """What is no time is refused with the cells seen and the forms allowed."""
    with pytest.raises(SpecError, match="not a time") as caught:
        look(bikes().assign(word="soon"), "cnt", [column])
    assert "found '" in str(caught.value)
    assert "31/12/2017" in str(caught.value)


def test_a_date_column_that_was_not_named_is_pointed_out() -> None:
    """Without --time a column of dates is left out, and the report proposes it."""
    assert any("dteday looks like an event time" in each for each in doubts(look(bikes(), "cnt")))


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("latin-1", "latin-1"), ("cp1252", "cp1252")]
)
def test_encodings(encoding: str, expected: str) -> None:
    """The strictest encoding that fits is named, and the column's sign survives."""
    frame = bikes().rename(columns={"temp": "Temperature(°C)"}).assign(**({"price €": 1} if encoding == "cp1252" else {}))
    found = infer(text(frame, encoding), "csv", "cnt", ["dteday", "hr"])
    assert found.form.encoding == expected
    assert "Temperature(°C)" in found.features.numeric


def test_semicolons_and_decimal_commas() -> None:
    """A German export: the delimiter and the decimal sign are found, the numbers are numbers."""
    found = infer(text(bikes(), sep=";", decimal=","), "csv", "cnt", ["dteday", "hr"])
    assert (found.form.delimiter, found.form.decimal, found.schema["temp"]) == (";", ",", "float64")


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_delimiters_beside_text_with_commas(sep: str) -> None:
    """Commas inside quoted texts do not make a comma the delimiter."""
    frame = bikes().assign(note="rain, wind, and more; see | below")
    assert find_delimiter(text(frame, sep=sep).decode()) == sep


def test_placeholders_among_numbers_are_null() -> None:
    """A dash among numbers is null; a dash among texts is a category."""
    frame = churn().assign(age=["-" if i % 40 == 0 else str(20 + i % 50) for i in range(ROWS)])
    found = look(frame, "Churn")
    assert (found.schema["age"], found.nulls["-"]) == ("int64?", ["age"])
    assert "-" not in look(churn().assign(plan=["-" if i % 2 else "gold" for i in range(ROWS)]), "Churn").nulls


def test_codes_with_leading_zeros_stay_text() -> None:
    """A postcode is a text: as a number it would lose its zero."""
    assert look(churn().assign(postcode=[f"0{i % 9}234" for i in range(ROWS)]), "Churn").schema["postcode"] == "string"


def test_useless_columns_are_left_out_with_reasons() -> None:
    """Constant, empty, and too varied columns are no features; language goes to text."""
    frame = churn().assign(
        firm="ACME",
        gap="",
        street=[f"{w}{i % 300}" for i, w in enumerate(["a", "b"] * (ROWS // 2))],
        remark=[f"called {i} times about the bill and the line" for i in range(ROWS)],
        price=[f"${i % 350},000.00" for i in range(ROWS)],
        flag=random().choice(["True", "False"], ROWS),
    )
    found = look(frame, "Churn")
    left = found.features.left_out
    assert (left["firm"], left["gap"]) == ("the same in every row", "empty in every row")
    assert "too many" in left["street"]
    assert "make numbers" in left["price"]
    assert found.features.text == ("remark",)
    assert "flag" in found.features.categorical
    assert (found.schema["gap"], found.schema["flag"]) == ("string?", "bool")


def test_the_task_follows_the_target() -> None:
    """Two values are binary, a few whole numbers or texts are classes, many numbers are an amount."""
    frame = churn().assign(stars=random().integers(1, 6, ROWS), one=random().integers(0, 2, ROWS))
    assert look(frame, "stars").target.task == "multiclass"
    assert look(frame, "Contract").proposal.metric == "f1_macro"
    assert look(frame, "one").target.task == "binary"
    assert look(frame, "tenure").target.task == "regression"


@pytest.mark.parametrize(
    ("target", "time", "words"),
    [
        ("chrun", [], "did you mean"),
        ("churn", [], "did you mean 'Churn'"),
        ("firm", [], "nothing to learn"),
        ("gap", [], "found no value"),
        ("customerID", [], "too many classes"),
        ("day", [], "not a label"),
        ("Churn", ["dya"], "--time dya"),
        ("Churn", ["Churn"], "also --time"),
    ],
)
def test_faults_of_target_and_time(target: str, time: list[str], words: str) -> None:
    """A target or a time that cannot be is refused with what was found and what is allowed."""
    frame = churn().assign(firm="ACME", gap="", day="2024-01-01").assign(day=pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"))
    with pytest.raises(SpecError) as caught:
        look(frame, target, time)
    assert words in str(caught.value)
    assert "llowed" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"a,b\n", "no rows"),
        (b"1,2\n3,4\n5,6\n", "no header"),
        (b"a\n1\n2\n", "one column"),
        (b"a,b\n1,2\n3\n4\n5\n", "as wide as"),
        (b"a,b\n" + b"1,2\n" * 40 + b"1,2,3\n", "not regular csv"),
        (b"a,a\n1,2\n3,4\n", "twice"),
        (b"a,A\n1,2\n3,4\n", "twice"),
        (b"a,\n1,2\n3,4\n", "no usable name"),
        (b"\na,b\n1,2\n", "empty line"),
        (b"a,y\n1,0\n2,1\n", "too few rows"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_cannot_be_used(content: bytes, words: str) -> None:
    """A file that is empty, ragged, unnamed or too short is refused in words that say what to do."""
    with pytest.raises(DataError, match=words):
        infer(content, "csv", "y")


def test_jsonl_and_parquet_read_as_csv_does() -> None:
    """The same rows in three formats yield the same schema, key and features."""
    frame = bikes()
    lines = "\n".join(json.dumps(row) for row in frame.to_dict("records")).encode()
    sink = io.BytesIO()
    frame.assign(dteday=pd.to_datetime(frame["dteday"]).dt.date).to_parquet(sink)
    plain = look(frame, "cnt", ["dteday", "hr"])
    for content, kind in ((lines, "jsonl"), (sink.getvalue(), "parquet")):
        found = infer(content, kind, "cnt", ["dteday", "hr"])
        assert (found.schema, found.key, found.features, found.leaks) == (plain.schema, plain.key, plain.features, plain.leaks)


@pytest.mark.parametrize(("kind", "content"), [("jsonl", b'{"a": 1}\n{"a": [1]}\n'), ("jsonl", b"[1]\n"), ("parquet", b"PAR1 broken")])
def test_nested_or_broken_files_are_refused(kind: str, content: bytes) -> None:
    """Nested values and broken files are data errors, not crashes."""
    with pytest.raises(DataError):
        infer(content, kind, "a")


def test_ranges_are_generous_and_codes_exact() -> None:
    """An hour runs from 0 to 23, a share of one stays a share, an amount gets half its range again, a year has no end."""
    frame = bikes().assign(
        yr=lambda f: (f["dteday"] >= "2018").astype(int), share=random().uniform(0, 1, 1440).round(3), load=random().integers(0, 1000, 1440)
    )
    frame.loc[0, "share"] = 1.0
    found = {each["column"]: each for each in look(frame, "cnt", ["dteday", "hr"]).expectations if "column" in each}
    assert (found["hr"]["min_value"], found["hr"]["max_value"]) == (0, 23)
    assert found["share"]["max_value"] == 1
    assert (found["load"]["min_value"], found["load"]["max_value"]) == (0, 1500)
    assert "max_value" not in found["yr"]
    assert found["temp"]["min_value"] < -5


def test_the_bound_lies_between_trivial_and_quick() -> None:
    """The proposed bound is half-way, in the metric of the task, and never above the quick model."""
    best = look(churn(1500), "Churn").proposal
    assert best.metric == "roc_auc"
    assert 0.5 < best.bound < best.quick
    best = look(bikes(), "cnt", ["dteday", "hr"]).proposal
    assert best.trivial < best.bound < best.quick < 0
    assert "newest" in best.held_out


def test_noise_is_said_to_be_noise() -> None:
    """Where a quick model learns nothing, the report says that the gate will let little pass."""
    frame = churn(1500).assign(Churn=random(3).choice(["Yes", "No"], 1500))
    best = look(frame, "Churn").proposal
    assert any("hardly better" in each for each in best.warnings)


def test_repeated_ids_are_the_entity() -> None:
    """Without time an id that repeats keeps its rows on one side of the split."""
    frame = churn().rename(columns={"customerID": "row_key"}).assign(patient_id=[f"p{i // 4}" for i in range(ROWS)])
    assert look(frame, "Churn").entity == ("patient_id",)


def test_lengths_of_time() -> None:
    """Validation is about 15 %, test about 20 % of the span and 20 days where that is not half of it."""
    times = look(bikes(days=60), "cnt", ["dteday", "hr"]).times
    assert times is not None
    assert time_split(times) == {"validation": "9d", "test": "20d"}
    assert training_window(times) is None
    assert monitor_window(times) == "14d"
    short = look(bikes(days=10), "cnt", ["dteday", "hr"]).times
    assert short is not None
    assert time_split(short) == {"validation": "36h", "test": "48h"}


@pytest.mark.parametrize(("days", "rows_a_day", "window"), [(60, 1440, "7d"), (3, 1440, "7d"), (60, 20, "14d")])
def test_a_monitor_window_is_a_week_at_least(days: int, rows_a_day: int, window: str) -> None:
    """However many rows a day has, its error is told by days: a window of one day would have none."""
    moments = pd.Series(pd.date_range("2020-01-01", periods=days * rows_a_day, freq=pd.Timedelta(days=1) / rows_a_day, tz="UTC"))
    assert monitor_window(EventTimes(("at",), None, moments)) == window


def test_facts_are_short_sentences() -> None:
    """The facts name form, target, time, key, features and bound, each on one line."""
    said = facts(look(bikes(), "cnt", ["dteday", "hr"]))
    assert [each.split(":")[0] for each in said] == ["data", "target", "time", "key", "features", "bound"]
    assert not any("\n" in each for each in said)


def test_any_bytes_decode() -> None:
    """Latin-1 is the last resort, so that no text is refused for its encoding."""
    assert decode(b"a,b\n\xe9\x81,1\n")[1] == "latin-1"


def test_lists_wrap_and_quote() -> None:
    """Long lists break into aligned lines; words that YAML would read as something else are quoted."""
    written = inline_list([f"column_{i}" for i in range(30)], 4)
    assert max(map(len, written.split("\n"))) < 120
    assert inline_list(["No", "a, b", "1"], 0) == "['No', 'a, b', '1']"
