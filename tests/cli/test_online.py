"""The parity command: what it counts, what it shows, and when it fails."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from include.ratchet.cli.app import app
from include.ratchet.domain.errors import SpecError
from include.ratchet.tasks.materialize import materialize
from include.ratchet.tasks.online import lookup
from tests.tiny import VIEW, Project


def parity(view: str = VIEW) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["parity", view], env={"COLUMNS": "200", "TERM": "dumb"})


def test_equal_answers_are_counted_and_different_ones_fail(landed: Project) -> None:
    """The code is 0 while all are equal; 1 when one is not, and it is shown with both sides."""
    landed.add_view()
    landed.run(materialize, VIEW, stage="materialize")
    lookup(VIEW, [["red"], ["green"]])
    made = parity()
    assert (made.exit_code, made.output.strip()) == (0, "fashion: 2 of 2 answers compared, 2 equal, 0 behind, 0 different")
    wrong = {"wrong": json.dumps({"visits": 1, "mean": 99.0})}
    with sa.create_engine(f"sqlite:///{landed.home / 'online.db'}").begin() as connection:
        connection.execute(sa.text("""UPDATE online_lookups SET content = :wrong WHERE entity = '["red"]'"""), wrong)
    made = parity()
    assert made.exit_code == 1
    assert "1 equal, 0 behind, 1 different" in made.output
    assert "red at 2020-02-29T00:39:00+00:00: online {'visits': 1, 'mean': 99.0}, offline {" in made.output


@pytest.mark.usefixtures("project")
def test_an_unknown_view_is_a_message() -> None:
    """What was found and what is allowed."""
    assert isinstance(parity("nope").exception, SpecError)
