"""The rehearsal of a rollback: what would fail on the day fails on the schedule."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.tasks import rehearse
from tests.tiny import MODEL, Project


def _go(project: Project) -> dict[str, object]:
    made: dict[str, object] = project.run(rehearse.rehearse, MODEL, stage="rehearse")
    return made


def test_the_version_before_answers_as_it_did(serving: Project) -> None:
    """It is loaded, answers, repeats its recorded answers to the last bit; the time is in the ledger and nothing has changed."""
    serving.promote()
    found = _go(serving)
    assert found["version"] == 1
    assert found["rows"] == 1000  # 25 days of 40
    (trial,) = open_ledger().trials(MODEL, "rehearsal")
    assert (trial.version, trial.passed, trial.why) == (1, True, "answers 1000 recorded rows as it did")
    assert trial.seconds > 0
    assert open_ledger().champion(MODEL) == 2


def test_without_an_earlier_champion_there_is_no_way_back(serving: Project) -> None:
    """Nothing to try is no failure."""
    with pytest.raises(Skip, match="no earlier champion"):
        _go(serving)
    assert open_ledger().trials(MODEL, "rehearsal") == []


def test_an_artifact_that_is_lost_is_found_out(serving: Project) -> None:
    """Weeks before somebody would have needed it; the ledger says so too."""
    serving.promote()
    path = Path(open_registry().artifact(MODEL, 1))
    before = path.read_bytes()
    path.write_bytes(before + b"\0")
    try:
        with pytest.raises(DeployError, match=r"version 1: a rollback to it would fail: .*altered after it was registered"):
            _go(serving)
    finally:
        path.write_bytes(before)  # the stage's artifact is shared by all tests
    (trial,) = open_ledger().trials(MODEL, "rehearsal")
    assert not trial.passed
    assert "altered after it was registered" in trial.why


def test_other_answers_than_recorded_are_named(serving: Project) -> None:
    """With what is different from then: a package, or nothing that is known."""
    serving.promote()
    recorded = open_ledger().recipe(MODEL, 1).content["digests"]["predictions"]
    with create_engine(load_config().ledger_place).begin() as connection:
        connection.execute(text("UPDATE recipes SET content = replace(content, :was, :now)"), {"was": recorded, "now": "0" * 64})
    with pytest.raises(DeployError, match=r"other answers for its 1000 held-out rows .* different from then: nothing that is known"):
        _go(serving)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionError])
def test_what_says_nothing_about_the_version_is_no_outcome(
    serving: Project, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """A task that is ended and a network that is down are raised as they are, to be tried again; the ledger says nothing."""

    def ends(*_: object) -> int:
        raise error

    serving.promote()
    monkeypatch.setattr(rehearse, "_answers", ends)
    with pytest.raises(error):
        _go(serving)
    assert open_ledger().trials(MODEL, "rehearsal") == []


def test_a_version_that_cannot_answer_is_found_out(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its pipeline raises is the version's own fault, and recorded."""
    serving.promote()
    monkeypatch.setattr("include.ratchet.tasks.score.example_frame", lambda *_: pd.DataFrame({"nothing": [1]}))
    with pytest.raises(DeployError, match="a rollback to it would fail: DeployError: cannot answer a row of today"):
        _go(serving)
    assert [each.passed for each in open_ledger().trials(MODEL, "rehearsal")] == [False]
