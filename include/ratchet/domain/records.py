"""What the ledger holds and what tasks hand to each other. Times are UTC."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["manual", "schedule", "new_data", "degradation", "drift"]
Outcome = Literal["promote", "refuse", "inconclusive"]


def digest(content: Any) -> str:
    """Return the SHA-256 of a JSON value, keys sorted: the same content, the same name."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Window:
    """A half-open data interval `[start, end)`, UTC."""

    start: datetime
    end: datetime

    def to_json(self) -> Json:
        """Write both ends in ISO 8601."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_json(cls, content: Json) -> Window:
        """Read what `to_json` wrote."""
        return cls(datetime.fromisoformat(content["start"]), datetime.fromisoformat(content["end"]))


@dataclass(frozen=True)
class Delivery:
    """Something new at a source, not yet read; `fingerprint` changes when its content may have.

    `end` is the watermark once it has landed, and belongs to it, unless the window is `half_open`: one that was asked for.
    """

    uri: str
    fingerprint: str
    start: Any = None
    end: Any = None
    half_open: bool = False


@dataclass(frozen=True)
class Batch:
    """One delivery of a feed, kept as it came; `sha` is the SHA-256 of its bytes.

    `status` goes landed -> checked -> validated -> merged; stopped is where a refused batch waits, until it is mended,
    accepted, or rejected for good. A merged batch whose quarantined rows are judged anew goes merged -> repairing ->
    repaired -> merged. `landing` counts the earlier landings of the same bytes: a feed that is replaced may go back to
    what it was. `judged_by` names the rules that it was held against: under others it is looked at again.
    """

    feed: str
    sha: str
    uri: str
    size: int
    landed_at: datetime
    status: Literal["landed", "checked", "validated", "merged", "stopped", "rejected", "repairing", "repaired"] = "landed"
    reason: str = ""
    watermark: Any = None
    rows: int | None = None
    quarantined: int | None = None
    version: int | None = None
    max_event_time: datetime | None = None
    landing: int = 0
    judged_by: str = ""

    @property
    def write_id(self) -> str:
        """Return what names this landing's write into the lake."""
        return f"{self.sha}.{self.landing}" if self.landing else self.sha


@dataclass(frozen=True)
class Signal:
    """A reason to retrain, with its numbers; `key` is the same when it is the same reason again."""

    model: str
    kind: Kind
    key: str
    evidence: Json
    at: datetime
    id: int | None = None


@dataclass(frozen=True)
class Disposition:
    """What became of a signal."""

    signal: int
    outcome: Literal["started", "coalesced", "nothing new", "expired", "refused", "pending"]
    reason: str
    run: str | None = None


@dataclass(frozen=True)
class TrainingRun:
    """One arbitrated start of a training run: why, over what, with which candidates."""

    run_id: str
    model: str
    reason: str
    window: Window
    candidates: tuple[str, ...]
    started_at: datetime
    clock_at: datetime


@dataclass(frozen=True)
class Snapshot:
    """Immutable training input: `digest` names the content, `tables` the version of all that was read."""

    digest: str
    model: str
    tables: dict[str, int]
    window: Window
    transform: str
    rows: int
    content: str
    place: str

    @property
    def memory(self) -> str:
        """Place of the waves of all rows that were ever in one, of a model without time."""
        return f"{self.place.removesuffix('.parquet')}.waves.parquet"


@dataclass(frozen=True)
class Stored:
    """One file: its name below its place, its size [bytes], and when it was last written, UTC."""

    name: str
    size: int
    changed: datetime


@dataclass(frozen=True)
class RuleResult:
    """What one rule of the gate found; the names of the rules are in `domain/gate.py`.

    Attributes:
        estimate, low, high: In the rule's own unit, higher is better for the challenger; the interval is one-sided at
            the rule's level on each end.
        p: P-value [0-1] of the null that the rule must reject, None where the rule is deterministic.
        bound: What the estimate is held against: a proof must be shown above it, a guard fails when shown below it.
        error, freedom: Standard error of the estimate, and the degrees of freedom of its Student's t.
        alpha: The level of the rule: of a guard, that of Holm's first step.
        margin: What the spec allows to lose, in the same unit.
        blocks, rows: How many units (days, entities or rows) and rows were measured.
        detectable: The true value that the rule would have shown with 80 % power: a gain, or for a guard a loss.
        power: Chance [0-1] of a proof to be shown at fixed true gains, by the gain: never at the observed one.
        needed: Blocks in all that show the `smallest_gain`, and the `observed` one where it is positive, with 80 % power.
        about: Whom it is about: the segments that are judged here together, each too small by itself; the groups furthest apart.
    """

    rule: str
    kind: Literal["proof", "guard", "check"]
    result: Literal["pass", "fail", "inconclusive"]
    sentence: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    bound: float | None = None
    error: float | None = None
    freedom: int | None = None
    alpha: float | None = None
    margin: float | None = None
    blocks: int = 0
    rows: int = 0
    detectable: float | None = None
    power: dict[str, float] = field(default_factory=dict)
    needed: dict[str, int] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the gate decided about one challenger, and all that it saw; `artifact` is the SHA-256 of the file that was judged."""

    model: str
    version: int
    run_id: str
    outcome: Outcome
    sentence: str
    rules: tuple[RuleResult, ...]
    figures: Json = field(default_factory=dict)
    champion: int | None = None
    at: datetime | None = None
    digest: str = ""
    artifact: str = ""


@dataclass(frozen=True)
class Promotion:
    """One change of champion: `at` is when it was recorded, `sequence` its number among its model's (the ledger gives it)."""

    model: str
    version: int
    previous: int | None
    action: Literal["promote", "rollback"]
    who: str
    why: str
    evidence: str
    at: datetime
    sequence: int | None = None


@dataclass(frozen=True)
class Freeze:
    """Nothing is promoted while it is `on`; rollbacks are."""

    model: str
    on: bool
    who: str
    why: str
    at: datetime

    @property
    def sentence(self) -> str:
        """What is told to who wants to promote."""
        return f"promotions are frozen since {self.at:%Y-%m-%d %H:%M} UTC by {self.who}{self.why and f': {self.why}'}"


@dataclass(frozen=True)
class Agreement:
    """A person's answer about one version, bound to the digests of its verdict and of the dossier that was shown."""

    model: str
    version: int
    verdict: str
    dossier: str
    agreed: bool
    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class Question:
    """Which run asks a person about a version since when; until its deadline no other run asks the same."""

    model: str
    version: int
    verdict: str
    dossier: str
    run_id: str
    at: datetime
    until: datetime


@dataclass(frozen=True)
class Trial:
    """How a version did when it was tried: as a canary by real requests, or in a rehearsal of the rollback to it.

    `seconds` is how long a rehearsal took from the ledger's word to a right answer; of a canary, how long it was out.
    """

    model: str
    version: int
    kind: Literal["canary", "rehearsal"]
    verdict: str
    passed: bool
    why: str
    seconds: float
    at: datetime


@dataclass(frozen=True)
class Route:
    """A version that answers beside the champion: as its shadow, or for a fraction [0-1] of the entities as a canary."""

    model: str
    version: int
    mode: Literal["shadow", "canary"]
    fraction: float
    since: datetime
    until: datetime | None = None
    id: int | None = None


@dataclass(frozen=True)
class Standing:
    """What the service is to do for one model, and which promotion said so."""

    champion: int
    sequence: int
    routes: tuple[Route, ...] = ()
