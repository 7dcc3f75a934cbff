"""What the bodies read of a model's feeds: versions, now, and the transformed rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import RegistryError, Skip
from include.ratchet.domain.records import Window
from include.ratchet.tasks import reading
from tests.tiny import BEGIN, DAYS, MODEL, MODEL_YAML, Project, visits

LAST = BEGIN + timedelta(days=DAYS - 1, minutes=39)


def test_now_is_the_newest_event_of_the_feeds(landed: Project) -> None:
    """On the data's clock the year 2020 is now; a batch of older rows does not turn it back."""
    assert reading.now(specs.model(MODEL)) == LAST
    landed.deliver("old.csv", visits(-3, 2).assign(visit=range(-120, -40)))
    landed.ingest()
    assert reading.now(specs.model(MODEL)) == LAST


def test_now_of_the_wall_is_the_machines(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`clock: wall` does not look at the data."""
    monkeypatch.setenv("RATCHET__CLOCK", "wall")
    assert landed.home.exists()
    assert abs(reading.now(specs.model(MODEL)) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_model_without_time_lives_by_the_wall(landed: Project) -> None:
    """There is no event time to tell it by."""
    landed.write(model=MODEL_YAML.replace("time: at, ", "").replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3"))
    assert abs(reading.now(specs.model(MODEL)) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_view_is_joined_wherever_rows_are_read(landed: Project) -> None:
    """The rows of a day have the figures of the day before, and other SQL makes another digest."""
    plain = specs.model(MODEL)
    before = reading.transform_digest(plain)
    landed.add_view()
    spec = specs.model(MODEL)
    rows = reading.transformed(spec, reading.versions(spec), None).to_pandas().sort_values(["at", "visit"])
    day = rows["at"].dt.day_of_year
    first, second = rows[day == 1], rows[day == 2]
    assert first["fashion__visits"].isna().all()
    counts = first.groupby("colour")["x"].agg(["count", "mean"])
    for colour, of_colour in second.groupby("colour"):
        assert set(of_colour["fashion__visits"]) == {counts.loc[colour, "count"]}
        assert set(of_colour["fashion__mean"]) == {round(counts.loc[colour, "mean"], 6)}
    digests = {before, reading.transform_digest(spec)}
    landed.add_view('SELECT colour, "at" AS known, 1 AS visits, 1 AS mean FROM visits')
    assert len(digests | {reading.transform_digest(specs.model(MODEL))}) == 3


def test_a_version_names_what_it_was_trained_on(blessed: Project) -> None:
    """Judged or only registered: the version's snapshot; of a version that is not there an error that names those that are."""
    assert reading.snapshot_of(MODEL, 1).tables == {"visits": 0}
    blessed.run_id = "second"
    made = blessed.register(candidates=["tree"])
    assert reading.snapshot_of(MODEL, made["version"]).digest == made["snapshot"]["digest"]
    with pytest.raises(RegistryError, match="registered are"):
        reading.snapshot_of(MODEL, 9)


def test_without_data_there_is_no_now(project: Project) -> None:
    """The stage waits, and says for which feed."""
    assert project.include.exists()
    with pytest.raises(Skip, match="no data yet of visits"):
        reading.now(specs.model(MODEL))
    with pytest.raises(Skip, match="waiting for the first data of visits"):
        reading.versions(specs.model(MODEL))


def test_a_pinned_version_stays_what_it_was(landed: Project) -> None:
    """Rows that arrive later are not in the version that was pinned before."""
    spec = specs.model(MODEL)
    pinned = reading.versions(spec)
    landed.deliver("more.csv", visits(DAYS, 1))
    landed.ingest()
    assert reading.transformed(spec, pinned, None).num_rows == DAYS * 40
    assert reading.transformed(spec, reading.versions(spec), None).num_rows == (DAYS + 1) * 40


def test_a_window_is_half_open(landed: Project) -> None:
    """A row at the start is in, a row at the end is not."""
    assert landed.include.exists()
    spec = specs.model(MODEL)
    window = Window(BEGIN, BEGIN + timedelta(days=1))
    assert reading.transformed(spec, reading.versions(spec), window)["visit"].to_pylist() == list(range(40))
