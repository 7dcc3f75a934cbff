"""`feed.yaml`: what an adopter may say, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.feedspec import FeedSpec, source_kinds
from include.ratchet.domain.suitespec import Expectation

FILES = {"kind": "files", "uri": "landing://f/*.csv"}
TABLE = {"kind": "sql", "connection": "db", "table": "t"}


def feed(**changes: Any) -> FeedSpec:
    """Make a spec of two columns."""
    content = {"name": "f", "source": FILES, "key": ["id"], "schema": {"id": "int64", "at": "timestamp", "v": "float64?"}}
    return FeedSpec.model_validate(content | changes)


def test_defaults() -> None:
    """The smallest spec merges by key, polls every ten seconds and quarantines at most two percent."""
    spec = feed()
    assert (spec.mode, spec.poll.total_seconds(), spec.quarantine.max_fraction) == ("merge", 10.0, 0.02)
    assert spec.nullable("v")
    assert not spec.nullable("id")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": []}, "key"),
        ({"key": ["nope"]}, "key: nope not in schema; schema has id, at, v"),
        ({"time": {"column": "nope"}}, "time: nope not in schema"),
        ({"personal": ["nope"]}, "personal: nope not in schema"),
        ({"schema": {"id": "integer"}}, "column id: found 'integer'; allowed are string, int64"),
        ({"name": "Flights"}, "name"),
        ({"time": {}}, "needs either column or columns"),
        ({"time": {"column": "at", "columns": ["at"]}}, "needs either column or columns"),
        ({"source": {"kind": "files"}}, "kind files needs uri"),
        ({"source": {**FILES, "encoding": "klingon"}}, "found 'klingon'; allowed are Python's encodings"),
        ({"source": {**FILES, "encoding": "base64"}}, "found 'base64'; allowed are Python's encodings"),
        ({"source": {**FILES, "encoding": "a\0b"}}, "allowed are Python's encodings"),
        ({"source": {**FILES, "delimiter": "::"}}, "found '::'; allowed is one ASCII character"),
        ({"source": {**FILES, "delimiter": ""}}, "found ''; allowed is one ASCII character"),
        ({"source": {**FILES, "delimiter": "\n"}}, "allowed is one ASCII character"),
        ({"source": {**FILES, "decimal": "0"}}, "found '0'; allowed is one ASCII character"),
        ({"time": {"column": "at", "zone": "Mars/Olympus"}}, "found 'Mars/Olympus'; allowed is a name of the zone database"),
        ({"time": {"column": "at", "zone": "Europe"}}, "found 'Europe'; allowed is a name of the zone database"),
        ({"schedule": "@daily"}, "found '@daily': it has not five fields; allowed are the five fields of cron"),
        ({"schedule": "99 * * * *"}, "out of range; allowed are the five fields of cron"),
        ({"schedule": "a b c d e"}, "allowed are the five fields of cron"),
        ({"schedule": "0 0 31 2 *"}, "failed to find next date; allowed are the five fields of cron"),
        ({"source": {"kind": "sql", "table": "t"}}, "kind sql needs connection"),
        ({"source": {**TABLE, "query": "SELECT 1"}, "mode": "replace"}, "either table or query"),
        ({"source": TABLE}, "source.watermark: needed by kind sql unless mode is replace"),
        ({"source": {**TABLE, "watermark": "at"}, "mode": "replace"}, "would shrink to the newest window"),
        ({"quarantine": {"max_fraction": 1.5}}, "max_fraction"),
    ],
)
def test_refuses(changes: dict[str, Any], said: str) -> None:
    """Each thing that cannot be is refused, naming what is allowed."""
    with pytest.raises(ValidationError) as error:
        feed(**changes)
    assert said in str(error.value)


def test_what_is_allowed_stays_as_it_was_written() -> None:
    """A cron, a zone, a tab, a decimal comma and an encoding reach the steps as the file says them."""
    spec = feed(
        schedule="15 */2 * * MON-FRI",
        time={"column": "at", "zone": "Europe/Paris"},
        source={**FILES, "delimiter": "\t", "decimal": ",", "encoding": "utf-16"},
    )
    assert (spec.schedule, spec.time and spec.time.zone) == ("15 */2 * * MON-FRI", "Europe/Paris")
    assert (spec.source.delimiter, spec.source.decimal, spec.source.encoding) == ("\t", ",", "utf-16")


def test_event_time_over_several_columns() -> None:
    """A date and an hour make one derived column, and both are read for it."""
    spec = feed(schema={"id": "int64", "day": "date", "hour": "int64"}, time={"columns": ["day", "hour"]})
    assert spec.time is not None
    assert (spec.time.name, spec.time.sources) == ("event_time", ("day", "hour"))


def test_an_expectation_keeps_its_own_arguments() -> None:
    """What Ratchet does not know is passed on; the rule's id names the columns it is about."""
    one = Expectation.model_validate({"type": "expect_x", "column": "v", "min_value": 1, "route": "stop"})
    pair = Expectation.model_validate({"type": "expect_pair", "column_A": "a", "column_B": "b"})
    assert one.kwargs == {"column": "v", "min_value": 1}
    assert (one.rule_id, pair.rule_id) == ("expect_x:v", "expect_pair:a:b")


def test_a_spec_does_not_change() -> None:
    """What was read stays as it was read."""
    with pytest.raises(ValidationError, match="frozen"):
        feed().name = "other"  # type: ignore[misc]


def test_a_key_may_not_be_null() -> None:
    """A nullable key column is a fault: null keys never match in a merge, and the row would stand there twice."""
    with pytest.raises(ValidationError, match="id may be null"):
        FeedSpec.model_validate(
            {"name": "f", "source": {"kind": "files", "uri": "landing://f/*.csv"}, "key": ["id"], "schema": {"id": "int64?"}}
        )


def test_a_kind_of_source_is_a_file() -> None:
    """What lies in adapters/sources is allowed, and named when something else is found."""
    assert {"files", "sql"} <= set(source_kinds())
    with pytest.raises(ValidationError, match=r"found 'ftp'; allowed are files, .*sql.*docs/sources\.md"):
        feed(source={"kind": "ftp"})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"lag": "1h"}, "it needs watermark"),
        ({"marker": "sub/_SUCCESS"}, "allowed is the name of a file beside"),
        ({"kind": "sql", "connection": "db", "table": "t", "watermark": "changed"}, "source.watermark: changed not in schema"),
    ],
)
def test_what_a_source_cannot_mean(source: dict[str, Any], said: str) -> None:
    """A lag without a watermark, a marker elsewhere, a watermark that no batch would hold."""
    with pytest.raises(ValidationError, match=said):
        feed(source=FILES | source if "kind" not in source else source)
