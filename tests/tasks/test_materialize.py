"""The newest values of a view in the online store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ratchet.adapters import open_online
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.tasks import reading
from include.ratchet.tasks.materialize import materialize
from tests.tiny import BEGIN, DAYS, VIEW, VIEW_SQL, Project, visits


def stored(colour: str) -> dict[str, object]:
    """Return what the store knows of a colour."""
    view = reading.view(VIEW)
    row = open_online().get(VIEW, view.spec.definition(view.sql), [(colour,)])[colour,]
    return {"time": row.time, **row.values}


def run(project: Project) -> dict[str, object]:
    """Materialise the view."""
    made: dict[str, object] = project.run(materialize, VIEW, stage="materialize")
    return made


def test_the_newest_values_by_the_clock_are_written_once(landed: Project) -> None:
    """The figures of the last full day; the day that has not ended is not known yet. Again: nothing new."""
    landed.add_view()
    assert run(landed)["entities"] == 2
    day = visits(0, DAYS)[lambda rows: rows["visit"] // 40 == DAYS - 2]
    red = day[day["colour"] == "red"]
    assert stored("red") == {"time": BEGIN + timedelta(days=DAYS - 1), "visits": len(red), "mean": round(red["x"].mean(), 6)}
    with pytest.raises(Skip, match="knows it already, as of 2020-02-29 00:39 UTC"):
        run(landed)


def test_a_day_moves_it_forward_and_a_correction_in_place(landed: Project) -> None:
    """New rows move the time; a later delivery of the same rows changes the values at the same time."""
    landed.add_view()
    run(landed)
    landed.deliver("next.csv", visits(DAYS, 1))
    landed.ingest()
    assert run(landed)["moved"] == 2
    assert stored("red")["time"] == BEGIN + timedelta(days=DAYS)
    corrected = visits(0, DAYS).tail(40).assign(x=1.0)
    landed.deliver("correction.csv", corrected)
    landed.ingest()
    assert run(landed)["moved"] == 2
    assert stored("red") == {"time": BEGIN + timedelta(days=DAYS), "visits": int((corrected["colour"] == "red").sum()), "mean": 1.0}


def test_without_data_it_waits(project: Project) -> None:
    """The stage says for which feed."""
    project.add_view()
    with pytest.raises(Skip, match="waiting for the first data of visits"):
        run(project)


def test_a_view_that_is_not_one_row_a_time_writes_nothing(landed: Project) -> None:
    """Which of two rows is the newest would be luck."""
    landed.add_view(VIEW_SQL.replace("GROUP BY ALL", "GROUP BY colour, known, visit"))
    with pytest.raises(DataError, match="two rows of colour"):
        run(landed)
