"""A planted fault, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.ratchet.domain.gate import Decision
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.faults.bed import Bed, Case


@dataclass(frozen=True)
class Stop:
    """A rule that stood in the way, and what it said."""

    rule: str
    sentence: str


@dataclass(frozen=True)
class Shown:
    """What a planted fault met: the rules that stopped it, none where it got through; what its own rule said otherwise."""

    stops: tuple[Stop, ...]
    passed: tuple[Stop, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something wrong, and the rule that must refuse it.

    Attributes:
        name: In a few words.
        rule: The rule, named before it is planted; what it begins with, where there is one per segment or metric.
        plant: Does it, and returns what it met.
        needs: What the spec must say for the rule to be there; empty where it always is.
    """

    name: str
    rule: str
    plant: Callable[[Bed], Shown]
    needs: Callable[[ModelSpec], str] = lambda _: ""


@dataclass(frozen=True)
class Finding:
    """What the drill says of one fault: refused by its rule; else the key that is missing, or why it was not caught."""

    fault: Fault
    result: str
    said: str

    @property
    def refused(self) -> bool:
        """Whether its own rule stopped it."""
        return self.result == "refused"


def gate(plant: Callable[[Bed], Case]) -> Callable[[Bed], Shown]:
    """Make a fault of a case that the gate judges."""

    def judged(bed: Bed) -> Shown:
        return shown(bed.judge(plant(bed)))

    return judged


def shown(decision: Decision) -> Shown:
    """Return what stood in the way of a challenger: each rule that did not pass."""
    stops = [Stop(each.rule, each.sentence) for each in decision.rules if each.result != "pass"]
    if decision.outcome == "refuse" and not any(each.rule.startswith("business") for each in decision.rules):
        stops = [Stop("business", decision.sentence), *stops]  # the one refusal that is no rule's: no bound was measured
    return Shown(tuple(stops), tuple(Stop(each.rule, each.sentence) for each in decision.rules if each.result == "pass"))


def refusal(attempt: Callable[[Bed], object], rule: str, *kinds: type[Exception]) -> Callable[[Bed], Shown]:
    """Make a fault of something that must raise one of `kinds`."""

    def tried(bed: Bed) -> Shown:
        try:
            attempt(bed)
        except kinds as error:
            said = " ".join(str(error).split(" [type=")[0].split())  # pydantic goes on with what it was given
            return Shown((Stop(rule, said[:300]),))
        return Shown(())

    return tried


def tried(fault: Fault, bed: Bed, honest: Shown) -> Finding:
    """Plant one fault, and say what came of it; a rule that stops the honest challenger too says nothing by stopping this one."""
    missing = fault.needs(bed.spec)
    if missing:
        return Finding(fault, "not guarded", missing)
    blunt = next((each for each in honest.stops if each.rule.startswith(fault.rule)), None)
    if blunt:
        return Finding(fault, "no answer", f"the honest challenger is stopped by it too: {blunt.sentence}")
    met = fault.plant(bed)
    own = [each for each in met.stops if each.rule.startswith(fault.rule)]
    if own:
        return Finding(fault, "refused", own[0].sentence)
    looked = next((each.sentence for each in met.passed if each.rule.startswith(fault.rule)), "its rule was not applied")
    if met.stops:
        return Finding(fault, "other rule", f"{met.stops[0].rule} stopped it; of its own: {looked}")
    return Finding(fault, "not caught", looked)
