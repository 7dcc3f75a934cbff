"""The hash chain: records that are never changed, each sealed over the one before, and what tells when one was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.ratchet.domain.records import digest

GENESIS = "0" * 64
HEAD = re.compile(r"[a-z_]+:\d+:[0-9a-f]{64}")
"""What an audit tells of a chain to be noted elsewhere: its name, how many records it has, and the hash of the newest."""
"""What the first seal of a chain follows."""


@dataclass(frozen=True)
class Seal:
    """One link: the record that it names, the digest of the record's content, and the hash over both and the link before."""

    chain: str
    number: int
    record: str
    content: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Audit:
    """What was found of one chain; `head` names its newest link, `chain:number:hash`: noted elsewhere, it holds all before it."""

    chain: str
    records: int
    head: str
    faults: tuple[str, ...]


def content_digest(content: Mapping[str, Any]) -> str:
    """Return the digest of a record's values; what is None counts as absent, so that a new column changes no old record."""
    known = {key: _plain(value) for key, value in content.items() if value is not None}
    return digest(json.loads(json.dumps(known)))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return value


def link(chain: str, number: int, record: str, content: str, previous: str) -> Seal:
    """Seal one record after the link before."""
    said = json.dumps([chain, number, record, content, previous])
    return Seal(chain, number, record, content, previous, hashlib.sha256(said.encode()).hexdigest())


def audit(chain: str, seals: Sequence[Seal], head: tuple[int, str] | None, contents: Mapping[str, str], noted: Sequence[str] = ()) -> Audit:
    """Compare the records with their seals.

    Args:
        chain: Name of the chain.
        seals: Its links by number.
        head: Number and hash of the newest link, as kept apart from the links.
        contents: Per record its content's digest as it is now.
        noted: Heads that earlier audits told, of any chain.

    Returns:
        The number of records, the newest link, and every record that was edited, deleted, reordered or inserted.
    """
    begin = Seal(chain, 0, "", "", "", GENESIS)
    faults, before = [], begin
    for seal in seals:
        faults += [f"{chain} {seal.record}: {said}" for said in _wrong(seal, before, contents.get(seal.record))]
        before = seal
    sealed = {seal.record for seal in seals}
    faults += [f"{chain} {record}: inserted; it was never sealed" for record in sorted(set(contents) - sealed)]
    if head is None and seals:
        faults.append(f"{chain}: the head is gone")
    elif head and head[0] > before.number:
        faults.append(f"{chain}: {head[0] - before.number} record(s) after {before.record or 'the beginning'} were cut off")
    elif head and head != (before.number, before.hash):
        faults.append(f"{chain}: the head does not name the newest record, {before.record}")
    names = {_head(each) for each in (begin, *seals)}
    faults += [
        f"{each}: this head was noted, and is not in the chain any more: it was rewritten" for each in noted if _of(each, chain) - names
    ]
    return Audit(chain, len(contents), _head(before), tuple(faults))


def _head(seal: Seal) -> str:
    return f"{seal.chain}:{seal.number}:{seal.hash}"


def _of(noted: str, chain: str) -> set[str]:
    return {noted} if noted.startswith(f"{chain}:") else set()


def _wrong(seal: Seal, before: Seal, content: str | None) -> list[str]:
    """Say what is wrong with one link and its record."""
    found = []
    if seal.number != before.number + 1:
        found.append(f"{seal.number - before.number - 1} record(s) before it were deleted with their seals")
    elif seal.previous != before.hash:
        found.append("it does not follow the record before it: one of the two was altered, reordered or inserted")
    if link(seal.chain, seal.number, seal.record, seal.content, seal.previous).hash != seal.hash:
        found.append("its seal was altered")
    if content is None:
        found.append("deleted")
    elif content != seal.content:
        found.append("edited after it was recorded")
    return found
