"""The lines of the prediction log."""

from __future__ import annotations

import json

from include.ratchet.serving.records import Asked, hashed, label_line, line

BODY = b'{"records": [\r\n  {"who": "Ann", "x": 1},\n  {"who": null, "x": 2}\n]}'
ASKED = Asked("a" * 32, BODY)


def test_a_line_holds_the_rows_as_they_came_and_the_answer_as_it_went() -> None:
    """One line of JSON, whatever line breaks the client wrote."""
    written = b"".join(line(ASKED, (3, "canary"), 1.23456, frozenset(), said=b'{"predictions":[1,0]}'))
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    read = json.loads(written)
    assert (read["id"], read["version"], read["route"], read["ms"], read["error"]) == ("a" * 32, 3, "canary", 1.235, "")
    assert read["in"] == json.loads(BODY)
    assert read["out"] == {"predictions": [1, 0]}


def test_a_failure_has_the_name_of_the_error_and_no_answer() -> None:
    """What a version raised, by its type."""
    read = json.loads(b"".join(line(ASKED, (3, "champion"), 1.0, frozenset(), error="ValueError")))
    assert (read["error"], read["out"]) == ("ValueError", None)


def test_personal_values_are_hashed_in_both_forms() -> None:
    """The same value has the same hash, null stays null, and the value itself is nowhere in the line."""
    columns = {"columns": {"who": ["Ann", None], "x": [1, 2]}}
    for asked, form in ((ASKED, "records"), (Asked("b", json.dumps(columns).encode()), "columns")):
        written = b"".join(line(asked, (3, "champion"), 1.0, {"who"}))
        assert b"Ann" not in written
        rows = json.loads(written)["in"][form]
        found = [row["who"] for row in rows] if form == "records" else rows["who"]
        assert found == [hashed("Ann"), None]
    assert str(hashed("Ann")).startswith("sha256:")
    assert hashed("Ann") != hashed("Bob")


def test_labels_are_one_line() -> None:
    """A delivery of labels."""
    read = json.loads(label_line([{"id": "x\ny", "label": 1}]))
    assert read["labels"] == [{"id": "x\ny", "label": 1}]
