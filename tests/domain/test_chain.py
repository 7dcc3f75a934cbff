"""The hash chain: every kind of tampering is found, and the record is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ratchet.domain.chain import GENESIS, Seal, audit, content_digest, link

CONTENTS = {f"m/{number}": content_digest({"version": number}) for number in range(1, 6)}


def chain() -> list[Seal]:
    """Seal five records."""
    made: list[Seal] = []
    for number, (record, content) in enumerate(CONTENTS.items(), start=1):
        made.append(link("promotions", number, record, content, made[-1].hash if made else GENESIS))
    return made


def faults(seals: list[Seal], contents: dict[str, str] | None = None, head: tuple[int, str] | None = (5, chain()[-1].hash)) -> list[str]:
    """Audit."""
    return list(audit("promotions", seals, head, CONTENTS if contents is None else contents).faults)


def test_what_nobody_touched_is_sound() -> None:
    """All records, all links, the head: no fault, and the newest hash is told."""
    found = audit("promotions", chain(), (5, chain()[-1].hash), CONTENTS)
    assert (found.records, found.head, found.faults) == (5, f"promotions:5:{chain()[-1].hash}", ())
    assert audit("promotions", [], None, {}).faults == ()


def test_an_edited_record_is_named() -> None:
    """Another content than the one that was sealed."""
    assert faults(chain(), CONTENTS | {"m/3": content_digest({"version": 9})}) == ["promotions m/3: edited after it was recorded"]


def test_a_deleted_record_is_named() -> None:
    """Its seal is there, and it is not; with its seal gone too, the next one says so."""
    without = {record: content for record, content in CONTENTS.items() if record != "m/3"}
    assert faults(chain(), without) == ["promotions m/3: deleted"]
    seals = chain()
    assert faults([*seals[:2], *seals[3:]], without) == ["promotions m/4: 1 record(s) before it were deleted with their seals"]


def test_the_end_cannot_be_cut_off() -> None:
    """The head, kept apart, knows how many there were; a head that is gone is told as well."""
    first = dict(list(CONTENTS.items())[:3])
    assert faults(chain()[:3], first) == ["promotions: 2 record(s) after m/3 were cut off"]
    assert faults([], {}) == ["promotions: 5 record(s) after the beginning were cut off"]
    assert faults(chain(), head=None) == ["promotions: the head is gone"]
    assert faults(chain(), head=(5, "x")) == ["promotions: the head does not name the newest record, m/5"]


def test_a_rewritten_chain_does_not_have_the_noted_head() -> None:
    """Records, seals and head all made anew: only a head that was noted elsewhere tells."""
    changed = CONTENTS | {"m/2": content_digest({"version": 9})}
    seals: list[Seal] = []
    for number, (record, content) in enumerate(changed.items(), start=1):
        seals.append(link("promotions", number, record, content, seals[-1].hash if seals else GENESIS))
    anew = (5, seals[-1].hash)
    noted = f"promotions:3:{chain()[2].hash}"
    assert faults(seals, changed, anew) == []
    assert audit("promotions", chain(), (5, chain()[-1].hash), CONTENTS, [noted, "verdicts:1:ab"]).faults == ()
    begin = audit("promotions", [], None, {}).head
    assert audit("promotions", chain(), (5, chain()[-1].hash), CONTENTS, [begin]).faults == (), "noted when there was no record yet"
    assert len(audit("promotions", seals, anew, changed, [noted]).faults) == 1


def test_an_inserted_record_is_named() -> None:
    """Without a seal; and with a seal squeezed in, the links do not meet."""
    more = CONTENTS | {"m/6": content_digest({"version": 6})}
    assert faults(chain(), more) == ["promotions m/6: inserted; it was never sealed"]
    seals = chain()
    squeezed = link("promotions", 4, "m/6", more["m/6"], seals[2].hash)
    moved = [replace(each, number=each.number + 1) for each in seals[3:]]
    assert any(said.startswith("promotions m/4: it does not follow") for said in faults([*seals[:3], squeezed, *moved], more))


def test_records_cannot_change_places() -> None:
    """A link that took another's number is altered, whatever it follows."""
    seals = chain()
    seals[1], seals[2] = replace(seals[2], number=2), replace(seals[1], number=3)
    assert {said.split(":")[0] for said in faults(seals)} == {"promotions m/2", "promotions m/3", "promotions m/4"}


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 4), column=st.sampled_from(["number", "record", "content", "previous", "hash"]), char=st.sampled_from("0f"))
def test_any_changed_value_of_a_link_is_found(position: int, column: str, char: str) -> None:
    """Whatever is written into a link, other than what was there, is found."""
    seals = chain()
    old = getattr(seals[position], column)
    new = old + 7 if column == "number" else ("e" if old.startswith(char) else char) + old[1:]
    seals[position] = replace(seals[position], **{column: new})
    assert faults(seals)


def test_a_content_is_the_same_however_it_is_read() -> None:
    """Zone, tuple or list, key order, and columns that were added later and are empty make no difference; a value does."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = content_digest({"at": at, "names": ("a", "b"), "figures": {"x": 1, "2": 0.1}})
    there = at.astimezone(timezone(timedelta(hours=5)))
    assert one == content_digest({"names": ["a", "b"], "figures": {"2": 0.1, "x": 1}, "at": there, "added": None})
    assert one == content_digest({"at": at.replace(tzinfo=None), "names": ["a", "b"], "figures": {"x": 1, "2": 0.1}})
    assert one != content_digest({"at": at, "names": ["a", "b"], "figures": {"x": 1, "2": 0.2}})


@pytest.mark.parametrize("value", [0, "", False])
def test_empty_is_a_value(value: object) -> None:
    """Only what is not there at all counts as absent."""
    assert content_digest({"a": value}) != content_digest({})
