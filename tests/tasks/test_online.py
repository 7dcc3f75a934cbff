"""Looking features up online, and proving that training would have seen the same."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa

from include.ratchet.adapters import open_lake
from include.ratchet.tasks import reading
from include.ratchet.tasks.materialize import materialize
from include.ratchet.tasks.online import lookup, parity
from tests.tiny import BEGIN, DAYS, VIEW, Project, visits

LAST_DAY = BEGIN + timedelta(days=DAYS - 1)
NOTHING = {"visits": None, "mean": None}


def test_a_lookup_gives_what_lasts_and_nulls_for_the_rest(landed: Project) -> None:
    """By the clock, or at a time: before it is known, while it lasts, after; and of whom nothing is known."""
    landed.add_view()
    assert lookup(VIEW, [["red"]]) == [NOTHING]
    landed.run(materialize, VIEW, stage="materialize")
    red, green, unknown, nobody = lookup(VIEW, [["red"], ["green"], ["blue"], [None]])
    assert (red["visits"] + green["visits"], unknown, nobody) == (40, NOTHING, NOTHING)
    at_its_end, after, before = (LAST_DAY + each for each in (timedelta(days=2), timedelta(days=2, seconds=1), -timedelta(seconds=1)))
    assert [lookup(VIEW, [["red"]], at) for at in (at_its_end, after, before)] == [[red], [NOTHING], [NOTHING]]


def test_what_was_answered_is_what_training_would_have_seen(landed: Project) -> None:
    """Replayed at the versions that it was read from: equal, also after the data was corrected."""
    landed.add_view()
    landed.run(materialize, VIEW, stage="materialize")
    lookup(VIEW, [["red"], ["green"], ["red"]])
    lookup(VIEW, [["red"]], LAST_DAY + timedelta(days=30))
    landed.deliver("correction.csv", visits(0, DAYS).assign(x=1.0))
    landed.ingest()
    made = parity(VIEW)
    assert made == {"view": VIEW, "answers": 3, "compared": 3, "equal": 3, "behind": 0, "different": 0, "gone": 0, "examples": []}


def test_an_answer_whose_versions_are_removed_is_counted_and_the_others_are_compared(landed: Project) -> None:
    """Retention may take the files that an old answer was read from: that is no error, and no difference."""
    landed.add_view()
    landed.run(materialize, VIEW, stage="materialize")
    lookup(VIEW, [["red"], ["green"]])
    landed.deliver("correction.csv", visits(0, DAYS).assign(x=1.0))
    landed.ingest()
    landed.run(materialize, VIEW, stage="materialize")
    lookup(VIEW, [["red"]])
    assert open_lake().clean("clean/visits", (), timedelta(0)) > 0
    made = parity(VIEW)
    assert [made[name] for name in ("answers", "compared", "equal", "gone")] == [3, 1, 1, 2]


def test_only_answers_of_a_time_and_of_the_newest_versions_are_compared(landed: Project) -> None:
    """Both ends of what a look costs: how long ago, and how often the SQL of the view runs."""
    landed.add_view()
    landed.run(materialize, VIEW, stage="materialize")
    now = reading.now_of(["visits"])
    lookup(VIEW, [["red"]], now - timedelta(days=3))
    landed.deliver("correction.csv", visits(0, DAYS).assign(x=1.0))
    landed.ingest()
    landed.run(materialize, VIEW, stage="materialize")
    lookup(VIEW, [["red"], ["green"]])
    found = [parity(VIEW, within, at_most) for within, at_most in ((None, None), (timedelta(days=1), None), (None, 1))]
    assert [(each["answers"], each["compared"]) for each in found] == [(3, 3), (2, 2), (3, 2)]


def test_an_answer_that_lags_is_told_from_one_that_is_wrong(landed: Project) -> None:
    """A row that became known after the store was filled is behind; another value is different, and shown."""
    landed.add_view('SELECT colour, "at" + INTERVAL 1 HOUR * 12 AS known, 1 AS visits, x AS mean FROM visits')
    landed.run(materialize, VIEW, stage="materialize")
    given = lookup(VIEW, [["red"]])
    lookup(VIEW, [["green"]], LAST_DAY + timedelta(hours=23))
    assert given != [NOTHING]
    made = parity(VIEW)
    assert (made["equal"], made["behind"], made["different"]) == (1, 1, 0)
    with sa.create_engine(f"sqlite:///{landed.home / 'online.db'}").begin() as connection:
        connection.execute(sa.text("UPDATE online_lookups SET content = :wrong"), {"wrong": json.dumps({"visits": 1, "mean": 99.0})})
    made = parity(VIEW)
    assert (made["equal"], made["behind"], made["different"]) == (0, 1, 1)
    assert made["examples"][0]["entity"] == ["red"]
    assert made["examples"][0]["online"]["mean"] == 99.0
