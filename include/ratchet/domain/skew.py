"""What changed in a batch against what its feed expects, and what an operator decided about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Json

ChangeKind = Literal["missing", "new", "renamed", "retyped", "unit", "encoding", "key"]


@dataclass(frozen=True)
class Change:
    """One way in which a batch differs from its feed.

    Two changes are the same one when kind, column and what was found are: `said` is how it is told to a person.
    """

    kind: ChangeKind
    column: str
    found: str
    said: str = field(default="", compare=False)

    def bars(self, spec: FeedSpec) -> str:
        """Return why the ledger cannot accept it, empty when it can: what the table means is feed.yaml's to say."""
        needed = {*spec.key, *(spec.time.sources if spec.time else ())}
        if self.kind == "missing" and self.column in needed:
            return f"{self.column}: no row has a name or a time without it; change `key` or `time` in feed.yaml"
        if self.kind == "retyped":
            return f"{self.column}: the table's type is the schema's; write {self.column}: {self.found} into feed.yaml"
        if self.kind == "key" and self.found == "repeated":
            return f"{self.column}: rows would replace each other; write the new key into feed.yaml"
        if self.kind == "encoding" and not self.found:
            return "encoding: the bytes are damaged; deliver the file again"
        return ""

    def to_json(self) -> Json:
        """Return it as the ledger keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """What an operator decided about a batch: final, with who and why."""

    feed: str
    batch: str
    action: Literal["accept", "reject", "repair"]
    who: str
    why: str
    at: datetime
    changes: tuple[Change, ...] = ()
    run: str = ""
    """The run whose form asked for it: a second try of that run asks for nothing new."""


class SkewError(QualityError):
    """A batch holds another schema, unit, encoding or key than its feed; `changes` are all of them."""

    def __init__(self, feed: str, changes: Sequence[Change], hint: str = "") -> None:
        """Name every change; a change that was accepted before is not among them."""
        self.changes = tuple(changes)
        text = hint or "Mend the file, write the change into feed.yaml, or accept or reject the batch: its form, or ./ratchet batches."
        super().__init__(f"feed {feed}: the schema changed", [each.said for each in changes], text)


@dataclass(frozen=True)
class Known:
    """What is known of a feed besides its spec.

    Attributes:
        accepted: Changes that an operator accepted.
        history: Statistics of earlier batches, the oldest first: column -> figures.
    """

    accepted: frozenset[Change] = frozenset()
    history: tuple[Json, ...] = ()

    def __contains__(self, change: object) -> bool:
        """Say whether a change was accepted."""
        return change in self.accepted

    def found(self, kind: ChangeKind) -> dict[str, str]:
        """Return the accepted changes of one kind: column -> what it may be found as."""
        return {each.column: each.found for each in self.accepted if each.kind == kind}


def judged_by(spec: FeedSpec, accepted: Iterable[Change]) -> str:
    """Return what names the rules that a batch is held against: the spec, and what was accepted besides."""
    known = sorted(f"{each.kind}:{each.column}:{each.found}" for each in set(accepted))
    return hashlib.sha256("\n".join([spec.digest, *known]).encode()).hexdigest() if known else spec.digest
