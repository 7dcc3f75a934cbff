"""The dossier's content: in the order of a reader, the same for the same records, nothing personal."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from include.ratchet.domain.records import Disposition, RuleResult, Signal, Snapshot, TrainingRun, Verdict, Window
from include.ratchet.steps.dossier import Evidence, dossier
from tests.makers import model_spec

AT = datetime(2020, 3, 1, tzinfo=UTC)
WINDOW = Window(datetime(2020, 1, 1, tzinfo=UTC), AT)
RULES = (
    RuleResult("business accuracy", "proof", "pass", "business accuracy is 0.9, shown above 0.5", 0.9, 0.85, 0.95, 0.001, 0.5),
    RuleResult("gain over the champion", "proof", "inconclusive", "gain is 0.01, needs about 9 more blocks", 0.01, -0.01, 0.03, 0.2, 0.0),
    RuleResult("segment tail=N123", "guard", "fail", "segment tail=N123 is -0.4, shown below -0.02", -0.4, -0.5, -0.3, 0.001, -0.02),
    RuleResult("size", "check", "pass", "the artifact has 0.1 MB"),
)
FIGURES = {
    "metric": "accuracy",
    "challenger": 0.9,
    "champion": 0.89,
    "baseline": 0.5,
    "intervals": {"challenger": [0.85, 0.95]},
    "test_rows": 840,
    "test_blocks": 28,
    "p99_ms": 1.5,
    "size_mb": 0.1,
    "candidate": "a",
}
IMPORTANCE = [{"feature": name, "drop": 0.1, "low": 0.05, "high": 0.2} for name in ("x", "tail")]
SHAPLEY = [{"feature": name, "moved": 0.1, "low": 0.08, "high": 0.12, "rows": 500} for name in ("x", "tail")]
BINS = [{"said": 0.2, "came": 0.25, "rows": 100}, {"said": 0.8, "came": 0.75, "rows": 50}]


def evidence(outcome: Any = "refuse", champion: int | None = 1, **changes: Any) -> Evidence:
    """Make the evidence of a run with a rule of each kind."""
    sentence = f"Refused: {RULES[2].sentence}" if outcome == "refuse" else f"{outcome}: see the rules"
    known = Evidence(
        model_spec(gate__segments={"margin": 0.02}, columns__segments=["c"]),
        TrainingRun("run-1", "m", "new data", WINDOW, ("a", "b"), AT, AT),
        [(Signal("m", "new_data", "k", {"labelled rows": 12000}, AT, 1), Disposition(1, "started", "", "run-1"))],
        Snapshot("snap", "m", {"f": 3}, WINDOW, "sql", 1000, "content", "place"),
        {part: {"rows": 10, "first": "2020-01-01", "last": "2020-02-01"} for part in ("train", "test")},
        [
            {"name": "b", "score": 0.7, "trials": [{"params": {}, "score": 0.7}], "seconds": 1.0},
            {"name": "a", "score": 0.8, "trials": [{"params": {"C": "1"}, "score": 0.8}], "seconds": 2.0},
        ],
        Verdict("m", 2, "run-1", outcome, sentence, RULES, FIGURES, champion, AT, "verdict-digest"),
        {"challenger": BINS, "champion": BINS if champion else [], "importance": IMPORTANCE},
        "abc123",
        frozenset({"tail"}),
    )
    return dataclasses.replace(known, **changes)


def test_the_same_records_are_the_same_dossier() -> None:
    """The digest does not depend on how long a fit took; another verdict is another digest, and the content is JSON."""
    first = dossier(evidence())
    slower = [{**each, "seconds": 99.0} for each in evidence().candidates]
    assert dossier(evidence(candidates=slower)).digest == first.digest
    assert dossier(evidence("promote")).digest != first.digest
    assert json.loads(json.dumps(first.content)) == first.content


def test_it_tells_why_on_what_and_what_was_tried() -> None:
    """Signals with their evidence, the snapshot with its tables, candidates with the best first and the chosen one marked."""
    content = dossier(evidence()).content
    assert content["why"]["signals"][0]["evidence"] == {"labelled rows": 12000}
    assert (content["data"]["snapshot"], content["data"]["tables"], content["data"]["rows"]) == ("snap", {"f": 3}, 1000)
    assert [(each["name"], each["chosen"]) for each in content["candidates"]] == [("a", True), ("b", False)]
    assert content["models"][0] == {"who": "challenger", "value": 0.9, "low": 0.85, "high": 0.95}
    assert content["models"][1]["low"] is None
    assert content["verdict"]["digest"] == "verdict-digest"


def test_personal_columns_do_not_appear() -> None:
    """Neither a person's value in a rule or a sentence nor the column's importance or Shapley value; the rule itself stays."""
    made = dossier(evidence(explained=evidence().explained | {"shapley": SHAPLEY}))
    assert "N123" not in json.dumps(made.content)
    assert [each["rule"] for each in made.content["rules"]][2] == "segment tail (personal)"
    assert made.content["verdict"]["sentence"].startswith("Refused: segment tail (personal) is -0.4")
    for name in ("importance", "shapley"):
        assert [each["feature"] for each in made.content["explained"][name]] == ["x"]


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("segment tail=N 1 2 has 3 % of the train rows", "segment tail (personal) has 3 % of the train rows"),
        ("required segment tail=N1 cannot be judged", "required segment tail (personal) cannot be judged"),
        ("tail=N1, tail=N2", "tail (personal), tail (personal)"),
        ("tail=N1 and tail=N2", "tail (personal) and tail (personal)"),
        ("segment tailor=x is 1", "segment tailor=x is 1"),
    ],
)
def test_a_persons_value_is_hidden_wherever_a_rule_says_it(sentence: str, shown: str) -> None:
    """In checks, in pooled segments, in the groups furthest apart; another column of a similar name stays."""
    rule = dataclasses.replace(RULES[3], sentence=sentence, about=sentence)
    verdict = dataclasses.replace(evidence().verdict, rules=(rule,), sentence=sentence)
    content = dossier(evidence(verdict=verdict)).content
    assert (content["verdict"]["sentence"], content["rules"][0]["sentence"], content["rules"][0]["about"]) == (shown, shown, shown)
