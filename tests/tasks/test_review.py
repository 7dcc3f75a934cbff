"""A stopped batch: what is said of it, and what an operator decides."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain.errors import DataError, QualityError, Skip
from include.ratchet.domain.skew import SkewError
from include.ratchet.tasks import ingest, review
from tests.tiny import FEED, FEED_YAML, Project, visits

GOOD = visits(0, 2)
CHANGED: dict[str, tuple[pd.DataFrame | bytes, str]] = {
    "missing": (GOOD.drop(columns="x"), "x: missing; found visit, at, colour, bought"),
    "new": (GOOD.assign(shop="north"), "shop: new"),
    "renamed": (GOOD.rename(columns={"colour": "Color"}), "Color: renamed from colour?"),
    "renamed key": (GOOD.rename(columns={"visit": "visit_id"}), "visit_id: renamed from visit? (part of the key)"),
    "unit": (GOOD.assign(x=GOOD["x"] * 9 / 5 + 32), "x: unit changed? a typical"),
    "encoding": (GOOD.replace("red", "röd").to_csv(index=False).encode("latin-1"), "encoding: expected utf-8 csv; found cp1252"),
}
BARRED: dict[str, tuple[pd.DataFrame, str, str]] = {
    "retyped": (GOOD.assign(x="many"), "retyped: x", "write x: string into feed.yaml"),
    "missing key": (GOOD.drop(columns="visit"), "visit: missing (part of the key)", "change `key` or `time`"),
    "key": (GOOD.assign(visit=1), "visit: the key names 80 of 80", "write the new key into feed.yaml"),
}


def _before(project: Project) -> None:
    project.deliver("0.csv", visits(10, 3))
    project.ingest()


def _stop(project: Project, content: pd.DataFrame | bytes) -> tuple[str, str]:
    """Deliver a batch that stops; return its name and what is said."""
    project.deliver("1.csv", content)
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    with pytest.raises(QualityError) as error:
        project.run(ingest.check, FEED, name, stage="ingest")
    with pytest.raises(Skip):
        project.run(ingest.merge, FEED, stage="ingest")
    return name, str(error.value)


def _form(project: Project, **params: Any) -> list[str]:
    names: list[str] = project.run(ingest.land, FEED, stage="ingest", **params)
    return names


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_stops_and_is_accepted_by_the_form(project: Project, kind: str) -> None:
    """Nothing moves until somebody accepts; then this batch, and the next one like it, are taken in."""
    content, said = CHANGED[kind]
    _before(project)
    version = open_lake().version(f"clean/{FEED}")
    name, refusal = _stop(project, content)
    assert said in refusal
    assert open_lake().version(f"clean/{FEED}") == version
    waiting = _form(project, action="accept", batch=name[:8], reason="the shop told us")
    assert waiting == [name]
    project.ingest()
    assert len(project.rows(f"clean/{FEED}")) == 200
    (decision,) = open_ledger().decisions(FEED)
    assert (decision.action, decision.who, decision.why) == ("accept", "tester", "the shop told us")
    again = content.replace(b"\n1", b"\n9") if isinstance(content, bytes) else content.assign(bought=1)
    project.deliver("2.csv", again)
    project.ingest()
    assert {each.status for each in open_ledger().batches(FEED)} == {"merged"}


def test_all_changes_are_named_at_once_and_only_they_are_accepted(project: Project) -> None:
    """A rename, a new column and a unit in one batch are one refusal; another new column stops again."""
    _before(project)
    both = GOOD.assign(x=GOOD["x"] * 9 / 5 + 32, shop="north").rename(columns={"colour": "Color"})
    name, refusal = _stop(project, both)
    assert all(word in refusal for word in ("Color: renamed", "shop: new", "x: unit changed?"))
    review.decide(FEED, "accept", name, "me", "yes")
    project.ingest()
    project.deliver("2.csv", both.assign(street="long"))
    (other,) = _form(project)
    with pytest.raises(QualityError, match="street: new") as error:
        project.run(ingest.check, FEED, other, stage="ingest")
    assert "shop" not in str(error.value)


def test_the_old_unit_is_a_change_once_the_new_one_was_accepted(project: Project) -> None:
    """An accepted unit is the column's unit from then on: going back stops."""
    _before(project)
    name, _ = _stop(project, GOOD.assign(x=GOOD["x"] * 9 / 5 + 32))
    review.decide(FEED, "accept", name, "me", "yes")
    project.ingest()
    project.deliver("2.csv", visits(20, 3))
    (other,) = _form(project)
    with pytest.raises(QualityError, match="Fahrenheit to Celsius"):
        project.run(ingest.check, FEED, other, stage="ingest")


@pytest.mark.parametrize("kind", BARRED)
def test_what_only_the_spec_can_accept(project: Project, kind: str) -> None:
    """The refusal of the acceptance says what to write into feed.yaml; nothing is decided."""
    content, said, instead = BARRED[kind]
    _before(project)
    name, refusal = _stop(project, content)
    assert said in refusal
    with pytest.raises(QualityError) as error:
        _form(project, action="accept", batch=name[:8], reason="yes")
    assert instead in str(error.value)
    assert open_ledger().decisions(FEED) == []


def test_rejected_is_final(project: Project) -> None:
    """A rejected batch is never looked at again, whatever the spec says; who and why are kept; twice is once."""
    name, _ = _stop(project, GOOD.assign(shop="north"))
    with pytest.raises(Skip):
        _form(project, action="reject", batch=name[:8], reason="a test file")
    project.write(feed=FEED_YAML.replace("colour: string", "colour: string, shop: string"))
    assert ingest.waiting(FEED) == []
    (batch,) = open_ledger().batches(FEED)
    assert batch.status == "rejected"
    assert batch.reason.startswith("rejected by tester: a test file\n")
    for body in (ingest.check, ingest.validate):  # the cleared task of the run that it had been stopped in
        with pytest.raises(Skip, match="rejected by tester"):
            project.run(body, FEED, name, stage="ingest")
    with pytest.raises(DataError, match="found 0 stopped batches"):
        review.decide(FEED, "reject", name, "me", "again")
    assert len(open_ledger().decisions(FEED)) == 1


def test_a_decision_needs_a_batch_and_a_reason(project: Project) -> None:
    """No reason, no stopped batch of that name, or several: said, with those that wait."""
    name, _ = _stop(project, GOOD.assign(shop="north"))
    with pytest.raises(DataError, match="found no reason"):
        review.decide(FEED, "accept", "", "me", " ")
    with pytest.raises(DataError, match=f"found 0 stopped batches for 'ffff'; allowed is one of: {name[:12]}"):
        review.decide(FEED, "accept", "ffff", "me", "yes")


def test_what_broke_its_expectations_is_not_accepted(project: Project) -> None:
    """Bad rows are no change of the schema: the way is feed.yaml, or a rejection."""
    project.deliver("1.csv", GOOD.assign(x=99.0))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.check, FEED, name, stage="ingest")
    with pytest.raises(QualityError):
        project.run(ingest.validate, FEED, name, stage="ingest")
    with pytest.raises(QualityError, match=r"(?s)its schema is the feed's.*80 of 80 rows are bad.*expectations"):
        review.decide(FEED, "accept", name, "me", "yes")


def test_a_batch_that_does_not_read_is_not_accepted(project: Project) -> None:
    """There is nothing in it to accept."""
    name, _ = _stop(project, b"")
    with pytest.raises(QualityError, match="nothing to accept"):
        review.decide(FEED, "accept", name, "me", "yes")


def test_examined(project: Project) -> None:
    """A batch that fits comes back with its rows and figures; one that does not is a SkewError."""
    project.deliver("1.csv", GOOD)
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    found = review.examine(FEED, name)
    assert found.decoded.rows.num_rows == found.figures["x"]["n"] == 80
    project.write(feed=FEED_YAML.replace("colour: string", "colour: string, shop: string"))
    with pytest.raises(SkewError, match="shop: missing"):
        review.examine(FEED, name)


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_a_second_try_of_the_form_does_what_the_first_did(project: Project, action: str) -> None:
    """A task that was killed after its decision is tried again by Airflow: the same answer, one decision."""
    name, _ = _stop(project, GOOD.assign(shop="north"))
    for _ in range(2):
        if action == "accept":
            assert _form(project, action=action, batch=name[:8], reason="yes") == [name]
        else:
            with pytest.raises(Skip, match="nothing new"):
                _form(project, action=action, batch=name[:8], reason="no")
    assert [each.action for each in open_ledger().decisions(FEED)] == [action]


def test_the_same_change_of_unit_is_accepted_as_often_as_it_comes(project: Project) -> None:
    """There, back, and there again: each stops, each acceptance takes its own batch in, and only that one."""
    _before(project)
    there, back, again = visits(13, 3), visits(20, 3), visits(30, 3)
    jumps = [each.assign(x=each["x"] * 9 / 5 + 32) if each is not back else each for each in (there, back, again)]
    for number, frame in enumerate(jumps, start=2):
        project.deliver(f"{number}.csv", frame)
        (name,) = project.run(ingest.land, FEED, stage="ingest")
        with pytest.raises(QualityError, match="unit changed"):
            project.run(ingest.check, FEED, name, stage="ingest")
        assert ingest.waiting(FEED) == []
        review.decide(FEED, "accept", name, "me", "they said so")
        assert len(ingest.waiting(FEED)) == 1
        project.ingest()
    assert {each.status for each in open_ledger().batches(FEED)} == {"merged"}
