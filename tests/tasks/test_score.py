"""Batch predictions: every row once, by the champion, with whether it was in the champion's snapshot."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import Skip
from include.ratchet.tasks import score
from tests.tiny import DAYS, MODEL, Project, visits

TABLE = f"predictions/{MODEL}"
SEEN = DAYS * 40 - 1
"""The window ends before now, which is the newest row's own time."""


def _score(project: Project) -> dict[str, int]:
    made: dict[str, int] = project.run(score.score, MODEL, stage="score")
    return made


def test_without_a_champion_rows_wait(blessed: Project) -> None:
    """The run is skipped with the reason; the first champion scores what waits."""
    with pytest.raises(Skip, match="no champion yet"):
        _score(blessed)
    blessed.promote()
    assert _score(blessed)["rows"] == SEEN


def test_a_row_is_never_predicted_twice(serving: Project) -> None:
    """A second call, a second delivery and a second champion add only what has no prediction."""
    first = _score(serving)
    assert first["rows"] == SEEN
    with pytest.raises(Skip, match="every row has its prediction"):
        _score(serving)
    serving.promote()
    with pytest.raises(Skip, match="every row has its prediction"):
        _score(serving)
    serving.deliver("more.csv", visits(DAYS, 2))
    serving.ingest()
    assert _score(serving) == {"model": MODEL, "champion": 2, "rows": 80, "version": first["version"] + 1}
    made = serving.rows(TABLE)
    assert made["visit"].is_unique
    assert sorted(made["visit"]) == list(range(SEEN + 80))
    assert made.groupby("model_version").size().to_dict() == {1: SEEN, 2: 80}


def test_rows_scored_late_are_predicted_by_the_champion_of_their_time(serving: Project) -> None:
    """A month that a new champion was trained on before it was scored keeps the judge that never saw it."""
    serving.deliver("more.csv", visits(DAYS, 40))
    serving.ingest()
    serving.run_id = "late"
    serving.train()
    serving.promote()
    serving.deliver("newest.csv", visits(DAYS + 40, 2))
    serving.ingest()
    assert open_ledger().champion(MODEL) == 3
    assert _score(serving)["rows"] == DAYS * 40 + 42 * 40 - 1
    made = serving.rows(TABLE)
    assert made.groupby("model_version").size().to_dict() == {1: SEEN + 40 * 40, 3: 80}
    assert made.query("model_version == 1 and visit > @SEEN")["in_snapshot"].sum() == 0


def test_the_same_rows_written_again_are_one_version(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that both found the same rows without a prediction write them once: Delta's transaction ids see to it."""
    first = _score(serving)
    monkeypatch.setattr("include.ratchet.steps.predict.unscored", lambda rows, *_: rows)
    assert _score(serving)["version"] == first["version"]
    assert serving.rows(TABLE)["visit"].is_unique


def test_two_batches_of_one_size_are_two_writes(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rows of the same tables, as many as were written before, are predicted too: ids tell a batch, not its size."""
    for start in (0, 100):
        monkeypatch.setattr("include.ratchet.steps.predict.unscored", lambda rows, *_, start=start: rows.slice(start, 100))
        _score(serving)
    assert sorted(serving.rows(TABLE)["visit"]) == list(range(200))


def test_a_process_that_looked_too_early_doubles_nothing(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that found all rows without a prediction, after another had written some, adds only what is not there."""
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.steps.predict.unscored", lambda rows, *_: rows.slice(0, 100))
        _score(serving)
    before = serving.rows(TABLE)["scored_at"].max()
    monkeypatch.setattr("include.ratchet.steps.predict.unscored", lambda rows, *_: rows)
    _score(serving)
    made = serving.rows(TABLE)
    assert sorted(made["visit"]) == list(range(SEEN))
    assert (made["scored_at"] <= before).sum() == 100


def test_rows_of_the_snapshot_are_flagged(serving: Project) -> None:
    """Only rows that the champion was neither fitted nor judged on count as out of sample."""
    _score(serving)
    serving.deliver("more.csv", visits(DAYS, 2))
    serving.ingest()
    _score(serving)
    made = serving.rows(TABLE).set_index("visit")["in_snapshot"]
    assert made[made.index < SEEN].all()
    assert not made[made.index >= SEEN].any()


def test_predictions_carry_what_is_needed_to_judge_them(serving: Project) -> None:
    """Id, event time, decision, score, version, snapshot flag and moment, and nothing else."""
    _score(serving)
    made = serving.rows(TABLE)
    assert list(made.columns) == ["visit", "at", "prediction", "score", "model_version", "in_snapshot", "scored_at"]
    assert made["score"].between(0, 1).all()
    assert set(made["prediction"]) == {"0", "1"}


def test_the_example_is_one_row_of_features(serving: Project) -> None:
    """What the demo posts to the service: the features of the newest row, and no label."""
    assert serving.home.exists()
    assert set(score.example(MODEL)) == {"x", "colour"}
    assert open_ledger().champion(MODEL) == 1
