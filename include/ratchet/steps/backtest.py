"""What a backtest shows: quality over time by policy, what it costs, whether policies can be told apart, and how models age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t as student

from include.ratchet.domain.backtest import MOST_WINDOWS, POLICIES, triggers_of
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Window
from include.ratchet.steps import compare
from include.ratchet.steps.power import reach
from include.ratchet.steps.series import long_run

FEWEST = 3
"""Windows that say anything of the spread between windows."""
PREFERRED = ("configured", "loss", "both", "drift", "every", "never")
"""Of policies that cost the same the first is recommended: what is there stays, and one that listens is better than a deaf one."""


@dataclass(frozen=True)
class Replayed:
    """What was replayed.

    Attributes:
        spec: The model.
        windows: From the first one on.
        models: Per number of a window its model: `seconds`, `skipped` where there is none, `later` figures.
        policies: Per policy what happened in each window.
        triggers: Per policy its `triggers:`.
        left_out: Per policy that was not replayed why it cannot be.
        search: `once` where later windows fit what the search of the oldest model found, `every` where each has searched.
    """

    spec: ModelSpec
    windows: Sequence[Window]
    models: Mapping[int, Json]
    policies: Mapping[str, Sequence[Json]]
    triggers: Mapping[str, Json]
    left_out: Mapping[str, str] = field(default_factory=dict)
    search: str = "every"

    def figure(self, version: int | None, number: int) -> compare.Figure | None:
        """Return what a window's model does in a later window; None where it cannot be measured."""
        found = self.models[version]["later"].get(str(number)) if version is not None else None
        if not found or found["value"] is None or not np.isfinite(found["value"]):
            return None
        return compare.Figure(found["value"], np.array(found["days"]), serial=True, rows=found["rows"])


def summary(known: Replayed) -> Json:
    """Put together all that page and table show; the content of the JSON twin."""
    counted = [number for number in range(1, len(known.windows) + 1) if _measured(known, number)]
    policies = [_policy(known, name) for name in known.policies]
    reference = "every" if "every" in known.policies else max(policies, key=lambda each: each["trainings"])["name"]
    others = [name for name in known.policies if name != reference]
    level = known.spec.gate.alpha / max(1, len(others))
    for each in policies:
        each["against"] = None if each["name"] == reference else _against(known, each["name"], reference, counted, level)
    content: Json = {
        "model": known.spec.name,
        "metric": known.spec.gate.metric,
        "smallest_gain": known.spec.gate.smallest_gain,
        "level": level,
        "windows": [each.to_json() for each in known.windows],
        "counted": counted,
        "reference": reference,
        "policies": policies,
        "left_out": dict(known.left_out),
        "search": known.search,
        "models": [{"number": number, "seconds": each["seconds"], "skipped": each.get("skipped")} for number, each in known.models.items()],
        "staleness": staleness(known),
    }
    return content | {"recommendation": recommend(content, {**known.triggers, "configured": triggers_of(known.spec, "configured")})}


def _measured(known: Replayed, number: int) -> bool:
    """Whether every policy had a champion in a window, and the window can be measured."""
    return all(known.figure(each[number - 1]["served"], number) is not None for each in known.policies.values())


def _policy(known: Replayed, name: str) -> Json:
    steps, alpha = known.policies[name], known.spec.gate.alpha
    quality = []
    for step in steps:
        found = known.figure(step["served"], step["number"])
        if found is not None:
            measured = compare.measure("window", found, alpha)
            point = {"value": measured.estimate, "low": measured.low, "high": measured.high, "rows": found.rows}
            quality.append({"number": step["number"], "version": step["served"], **point})
    trained = [step for step in steps if step.get("outcome") not in (None, "skipped")]
    outcomes = [step["outcome"] for step in trained]
    return {
        "name": name,
        "what": POLICIES[name],
        "quality": quality,
        "trainings": len(trained),
        "promoted": outcomes.count("promote"),
        "refused": outcomes.count("refuse"),
        "inconclusive": outcomes.count("inconclusive"),
        "seconds": sum(known.models[step["number"]]["seconds"] for step in steps if step["started"]),
        "watching": sum(step["seconds"] for step in steps),
        "steps": [{key: value for key, value in step.items() if key != "seconds"} for step in steps],
    }


def _against(known: Replayed, name: str, reference: str, counted: Sequence[int], level: float) -> Json:
    """Compare a policy with the reference, window by window."""
    pairs = [(known.policies[name][n - 1]["served"], known.policies[reference][n - 1]["served"], n) for n in counted]
    gains = [_whole(known, mine, n) - _whole(known, theirs, n) for mine, theirs, n in pairs]
    found = paired(gains, level)
    smallest = known.spec.gate.smallest_gain
    if len(pairs) >= FEWEST and not any(mine != theirs for mine, theirs, _ in pairs):
        return {**found, "result": "same", "needed": None}
    result = "open"
    if found["low"] is not None:
        result = "worse" if found["high"] < 0 else "better" if found["low"] > 0 else "as good" if found["low"] > -smallest else "open"
    needed = None
    if result == "open" and found["error"]:
        needed = _needed(found["error"], found["freedom"], len(gains), level, smallest)
    return {**found, "result": result, "needed": needed}


def _needed(error: float, freedom: int, count: int, level: float, gain: float) -> int:
    """Return how many windows would show a gain with 80 % power: the error shrinks with their root, and is known better with each."""
    needed = count
    for _ in range(20):  # a few are enough: the first says how well the error will be known
        before, known = needed, max(freedom, freedom * needed // count)
        needed = int(np.ceil(count * (reach(error, known, level) / gain) ** 2))
        if needed == before:
            break
    return needed


def _whole(known: Replayed, version: int | None, number: int) -> float:
    found = known.figure(version, number)
    if found is None:
        message = f"window {number}: not measured"  # `counted` leaves these out
        raise ValueError(message)
    return found.whole


def paired(gains: Sequence[float], alpha: float) -> Json:
    """Estimate a mean gain over windows: Student's t of the differences, one-sided at alpha on each end.

    One champion serves many windows, so that their differences resemble each other: the error is that of the gate's days. Windows
    taken for independent call 12 % of pairs as good, for 1 %, when their differences follow an AR(1) of 0.6.

    Args:
        gains: Differences, in order of time.
        alpha: The level of each end.
    """
    count = len(gains)
    estimate = float(np.mean(gains)) if count else None
    if estimate is None or count < FEWEST:
        return {"estimate": estimate, "low": None, "high": None, "error": None, "freedom": None, "windows": count}
    error, freedom = long_run((np.array(gains) - estimate) / count)
    far = float(student.isf(alpha, freedom)) * error
    return {"estimate": estimate, "low": estimate - far, "high": estimate + far, "error": error, "freedom": freedom, "windows": count}


def staleness(known: Replayed) -> Json:
    """Measure what a model loses with its age.

    Returns:
        `ages`: by age in windows the mean loss against the freshest model in the same window, positive is worse, over all windows
        that have both; `newest`: the same in the newest window alone, the interval by its days.
    """
    alpha, last = known.spec.gate.alpha, len(known.windows)
    losses: dict[int, list[float]] = {}
    for number in range(2, last + 1):
        fresh = known.figure(number - 1, number)
        for version in range(1, number):
            old = known.figure(version, number)
            if fresh is not None and old is not None:
                losses.setdefault(number - version, []).append(fresh.whole - old.whole)
    ages = [{"age": age, **paired(found, alpha)} for age, found in sorted(losses.items())]
    newest = []
    fresh = known.figure(last - 1, last)
    for version in range(last - 1, 0, -1):
        old = known.figure(version, last)
        if fresh is not None and old is not None:
            measured = compare.measure("age", fresh - old, alpha)
            newest.append(
                {"age": last - version, "version": version, "estimate": measured.estimate, "low": measured.low, "high": measured.high}
            )
    return {"ages": [each for each in ages if each["estimate"] is not None], "newest": newest, "quality": fresh.whole if fresh else None}


def recommend(content: Json, triggers: Mapping[str, Json]) -> Json:
    """Recommend a policy: the cheapest that is shown to be as good as the reference, within the smallest gain worth having.

    Where nothing is shown the recommendation is the reference, and says so: too few windows are no proof that training can be saved.
    Where nothing can be compared it is what is configured: `never` has no triggers, and who pastes them stops all training.
    """
    by_name = {each["name"]: each for each in content["policies"]}
    reference, gain = content["reference"], f"{content['smallest_gain']:g} {content['metric']}"
    enough = [name for name, each in by_name.items() if name == reference or each["against"]["result"] in {"same", "as good", "better"}]
    chosen = min(enough, key=lambda name: (by_name[name]["trainings"], PREFERRED.index(name)))
    still_open = [name for name, each in by_name.items() if each["against"] and each["against"]["result"] == "open"]
    worse = [name for name, each in by_name.items() if each["against"] and each["against"]["result"] == "worse"]
    count, said = len(content["counted"]), []
    if count < FEWEST or len(by_name) == 1:
        few = f"{count} windows had a champion and labels: too few to tell policies apart"
        said.append(f"{few if count < FEWEST else f'{chosen}: the only policy that was replayed'}; model.yaml stays as it is configured")
        chosen = "configured"
    elif chosen == reference:
        said.append(f"{chosen}: no cheaper policy is shown to be as good")
    else:
        saved = by_name[reference]["trainings"] - by_name[chosen]["trainings"]
        result = by_name[chosen]["against"]["result"]
        how = {"same": "the same versions served", "better": "it is shown to be better", "as good": f"it loses less than {gain}"}[result]
        said.append(f"{chosen}: {how}, with {saved} trainings fewer than {reference} in {count} windows")
    if still_open:
        tell = min(((by_name[name]["against"]["needed"], name) for name in still_open if by_name[name]["against"]["needed"]), default=None)
        if tell and tell[0] <= MOST_WINDOWS:
            more = f"; about {tell[0]} windows would show a difference of {gain} for {tell[1]}"
        else:
            more = f"; even {MOST_WINDOWS} windows would not show a difference of {gain}" if tell else ""
        said.append(f"{', '.join(still_open)} cannot be told apart from {reference} by {count} windows{more}")
    if worse:
        said.append(f"{', '.join(worse)} {'is' if len(worse) == 1 else 'are'} shown to be worse than {reference}")
    return {"policy": chosen, "sentence": ". ".join(said) + ".", "triggers": _written(content, chosen, triggers)}


def _written(content: Json, chosen: str, triggers: Mapping[str, Json]) -> Any:
    """Return what model.yaml would say: `every` waits for as many rows as the median window had."""
    found = dict(triggers[chosen])
    if chosen == "every":
        sizes = [point["rows"] for each in content["policies"] if each["name"] == chosen for point in each["quality"]]
        found["new_data"] = {"min_rows": int(np.median(sizes)) if sizes else 1}
    return found
