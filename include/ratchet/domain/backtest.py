"""What a backtest replays: the windows of the past, what was known at the end of each, and the policies that decide in them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Batch, Json, Window
from include.ratchet.domain.specs import did_you_mean

POLICIES = {
    "never": "the first champion serves for ever",
    "every": "train in every window that brought labelled rows",
    "drift": "train when a distribution moved",
    "loss": "train when the champion is shown worse",
    "both": "train on drift or on loss",
    "configured": "the triggers that model.yaml has",
}
"""The policies, and what each one does."""
SEARCHES = ("once", "every")
"""Whether parameters are searched once, in the oldest window that can train a model, or again in every window, as production does."""
KEPT = ("cooldown", "budget", "breaker", "expire")
"""What holds for every policy: it bounds the runs, whatever starts them."""
FEWEST_WINDOWS, MOST_WINDOWS = 3, 400


@dataclass(frozen=True)
class Step:
    """One window, numbered from 1, and the version of every clean table as it was known at its end."""

    number: int
    window: Window
    tables: Mapping[str, int]


def named(policies: Sequence[str]) -> tuple[str, ...]:
    """Return policies once each and in their usual order; all of them when none is named.

    Raises:
        SpecError: One is not known.
    """
    known = list(POLICIES)
    unknown = [f"found {each!r}; allowed are {', '.join(known)}{did_you_mean(each, known)}" for each in policies if each not in POLICIES]
    if unknown:
        raise SpecError("policies of a backtest", unknown)
    return tuple(each for each in known if not policies or each in policies)


def triggers_of(spec: ModelSpec, policy: str) -> Json:
    """Return the `triggers:` of a model.yaml under a policy; what the spec says of an alarm is kept, the rest has its defaults.

    A spec without a degradation trigger is given one that asks for a loss of what a challenger may cost: the champion's
    margin, or the smallest gain worth having.
    """
    mine = spec.triggers.model_dump(mode="json", exclude_none=True)
    if policy == "configured":
        return mine
    drift = {"drift": mine.get("drift", {})}
    loss = {"degradation": mine.get("degradation", {"drop": spec.gate.champion.margin or spec.gate.smallest_gain})}
    own: Json = {"never": {}, "every": {"new_data": {"min_rows": 1}}, "drift": drift, "loss": loss, "both": drift | loss}[policy]
    return {**{key: mine[key] for key in KEPT if key in mine}, **own}


def windows(first: datetime, last: datetime, count: int) -> list[Window]:
    """Cut a history, both ends included, into windows of equal length.

    Raises:
        SpecError: Fewer than 3 windows, or more than 400, are asked for; or the history is one moment.
    """
    if not FEWEST_WINDOWS <= count <= MOST_WINDOWS:
        raise SpecError("windows of a backtest", [f"found {count}; allowed are {FEWEST_WINDOWS} to {MOST_WINDOWS}"])
    end = last + timedelta(microseconds=1)
    if first >= last:
        raise SpecError("windows of a backtest", [f"the history begins and ends at {first.isoformat()}; there is nothing to replay yet"])
    ends = [first + (end - first) * number / count for number in range(count + 1)]
    return [Window(start, stop) for start, stop in itertools.pairwise(ends)]


def known_at(end: datetime, batches: Mapping[str, Sequence[Batch]], *, wall: bool) -> dict[str, int]:
    """Return the version of every feed's clean table as it was when now was `end`.

    By the machine's clock that is what had landed by then. By the data's, and for a history that was delivered after it
    had happened, it is the state of the lake at the moment when the last timed feed had first brought an event of `end` or later;
    rows of later events are for the reader to leave out. A version is given at the merge: a batch that was stopped, and accepted
    weeks after it had landed, has a version that holds all that was merged meanwhile, so that none is taken from the first one on
    that holds a batch of later.

    Args:
        end: A time, UTC.
        batches: Per feed its merged batches, in the order in which they landed, at least one each.
        wall: Whether the deployment goes by the machine's clock.
    """
    if wall and all(each[0].landed_at <= end for each in batches.values()):
        moment = end
    else:
        moment = max((_reached(end, each) for each in batches.values() if any(batch.max_event_time for batch in each)), default=end)
    found = {}
    for feed, mine in batches.items():
        merged = [(batch.version, batch.landed_at) for batch in mine if batch.version is not None]
        later = min((version for version, landed in merged if landed > moment), default=None)
        there = [version for version, landed in merged if landed <= moment and (later is None or version < later)]
        found[feed] = max(there) if there else min(version for version, _ in merged)
    return found


def _reached(end: datetime, batches: Sequence[Batch]) -> datetime:
    """Return when a feed had first brought an event of `end` or later; when its newest batch landed, if it never has."""
    reached = (each.landed_at for each in batches if each.max_event_time and each.max_event_time >= end)
    return min(reached, default=max(each.landed_at for each in batches))
