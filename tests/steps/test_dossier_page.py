"""The dossier's page: whole, safe, and plain about what is not known."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from typing import Any

import pytest

from include.ratchet.steps.dossier import dossier
from include.ratchet.steps.dossier_page import page
from tests.makers import model_spec
from tests.steps.test_dossier import BINS, SHAPLEY, evidence

RESIDUALS = [{"predicted": 1.0, "low": -1.0, "middle": 0.0, "high": 1.0, "rows": 10}]


class Reader(HTMLParser):
    """Collects tags, addresses and the text of a page; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        """Read it all."""
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; some are never closed."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        if tag not in {"meta", "br"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Note a tag that closes itself."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost one."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what a person reads."""
        if self._open and self._open[-1] not in {"style", "title"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Return all words with single spaces."""
        return " ".join(" ".join(self.words).split())


def read(**changes: Any) -> Reader:
    """Write a page and read it."""
    return Reader(page(dossier(evidence(**changes))))


def test_a_page_needs_nothing_else() -> None:
    """No script, no address, no image; the tags match; four plots, each with a legend and a sentence."""
    found = read()
    assert found.links == []
    assert not {"script", "img", "iframe", "link"} & set(found.tags)
    assert found.tags.count("svg") == found.tags.count("figure") == found.tags.count("figcaption") == 4
    assert found.text.count("Legend") == 4


def test_a_page_says_the_verdict_the_reason_and_the_digests() -> None:
    """What decided, why it ran, each rule, each candidate, and what names the evidence."""
    made = dossier(evidence())
    text = Reader(page(made)).text
    for words in ("Refused: segment tail (personal) is -0.4", "labelled rows: 12,000", "gain over the champion", "C=1", "f version 3"):
        assert words in text
    for name in (made.digest, "verdict-digest", "snap", "abc123"):
        assert name in text
    assert "N123" not in text


def test_what_the_records_say_is_text() -> None:
    """A reason that holds HTML is shown, not run."""
    run = dataclasses.replace(evidence().run, reason="<script>alert(1)</script>")
    found = read(run=run)
    assert "script" not in found.tags
    assert "<script>alert(1)</script>" in found.text


def test_an_inconclusive_verdict_says_what_is_open() -> None:
    """The open rules with what they need stand at the top."""
    text = read(outcome="inconclusive").text
    assert "The gate cannot decide yet, so the champion stays" in text
    assert text.index("needs about 9 more blocks") < text.index("Why it ran")


def test_without_a_champion_it_says_so() -> None:
    """A first model is compared with nothing that serves."""
    text = read(outcome="promote", champion=None).text
    assert "There is no champion yet" in text
    assert "champion that it was compared with" not in text


@pytest.mark.parametrize(("task", "plot"), [("binary", "Calibration"), ("regression", "Residuals")])
def test_each_task_has_its_plot(task: str, plot: str) -> None:
    """Probabilities are held against frequencies, numbers against what came."""
    spec = model_spec(task=task, gate={"metric": "r2", "business": {"r2": ">= 0"}}) if task == "regression" else model_spec()
    bins = RESIDUALS if task == "regression" else BINS
    assert f"{plot} " in read(spec=spec, explained={"challenger": bins, "champion": [], "importance": []}).text


def test_shapley_values_are_drawn_where_the_spec_asked_for_them() -> None:
    """Beside the permutation importance: over how many rows, in which unit, and what they do not say."""
    explained = evidence().explained | {"shapley": SHAPLEY}
    found = read(explained=explained)
    assert found.tags.count("svg") == found.tags.count("figcaption") == 5
    for words in ("What moves its predictions", "mean |SHAP|", "in probability", "500 test rows", "not whether that is right"):
        assert words in found.text
    spec = model_spec(task="regression", gate={"metric": "r2", "business": {"r2": ">= 0"}})
    assert "in the label's unit" in read(spec=spec, explained=explained | {"challenger": RESIDUALS, "champion": []}).text
    assert "SHAP" not in read().text


def test_a_page_without_plots_is_a_page() -> None:
    """A challenger that could not be asked still has its verdict and its rules."""
    found = read(explained={"challenger": [], "champion": [], "importance": []})
    assert found.tags.count("svg") == 2
    assert "The rules" in found.text


def test_power_and_the_claim_are_said_when_the_gate_states_them() -> None:
    """The chance at each fixed gain, the blocks needed, what a guard would have seen, and the shrunken gain."""
    known = evidence()
    proof = dataclasses.replace(known.verdict.rules[1], power={"0.01": 0.42}, needed={"smallest_gain": 77}, blocks=28, rows=840)
    guard = dataclasses.replace(known.verdict.rules[2], detectable=-0.08, about="tail=N123, tail=N7")
    claimed = {"claimed_gain": {"gain": 0.012, "bound": 0.01, "observed": 0.03, "challengers": 5}}
    verdict = dataclasses.replace(known.verdict, rules=(proof, guard), figures={**known.verdict.figures, **claimed})
    text = read(verdict=verdict).text
    for words in (
        "0.01: 42 %",
        "77 blocks for the smallest gain",
        "\u22120.08 would be seen",
        "0.012 accuracy",
        "(5 so far)",
    ):
        assert words in text
    assert "N7" not in text
    assert "What these rows could have shown" not in read().text
