"""The page of a backtest."""

from __future__ import annotations

import re
from dataclasses import replace

from include.ratchet.steps.backtest import summary
from include.ratchet.steps.backtest_page import page
from tests.steps.test_backtest import every, never, replayed, uneven


def _page(names: int = 8) -> str:
    known = replayed({"never": never(names), "every": every(names)}, uneven)
    known.policies["every"][1]["decision"] = known.policies["every"][1]["sentence"] = "<script>alert(1)</script>"
    for steps in known.policies.values():
        for step in steps:
            step |= {"decision": step.get("decision", ""), "sentence": step.get("sentence", ""), "signals": []}
    return page(summary(known))


def test_plots_have_axes_a_legend_and_a_sentence() -> None:
    """Each figure says what it shows, in which unit, and what its marks are."""
    html = _page()
    figures = re.findall(r"<figure>.*?</figure>", html, re.DOTALL)
    assert len(figures) == 4
    for each in figures:
        assert "<figcaption>" in each
        assert 'class="legend"' in each
        assert 'class="axis middle"' in each
    assert "window of 20 days, counted from 2020-01-01" in html
    assert "age of the model [days since it was trained]" in html


def test_the_page_is_whole_and_safe() -> None:
    """It loads nothing, runs nothing, and what records say is escaped."""
    html = _page()
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=", html)
    assert "&lt;script&gt;" in html


def test_a_policy_that_was_left_out_is_named() -> None:
    """What was not replayed stands there with its reason, escaped."""
    known = replayed({"never": never(8), "every": every(8)}, uneven)
    for step in (each for steps in known.policies.values() for each in steps):
        step |= {"decision": "", "sentence": "", "signals": []}
    html = page(summary(replace(known, left_out={"loss": "monitor.window: found 1d; allowed is <5d>"})))
    assert "loss was left out: monitor.window: found 1d; allowed is &lt;5d&gt;" in html
    assert "was left out" not in _page()


def test_the_configuration_can_be_copied() -> None:
    """The recommended triggers stand there as YAML."""
    assert re.search(r"<pre>triggers:\n  new_data:\n    min_rows: 100\n</pre>", _page())


def test_a_history_without_quality_has_a_page() -> None:
    """Where nothing can be measured yet the page says so instead of drawing."""
    known = replayed({"never": [None] * 4, "every": [None] * 4}, lambda *_: 0.7)
    for each in known.models.values():
        each["later"] = {}
    for steps in known.policies.values():
        for step in steps:
            step |= {"decision": "", "sentence": "", "signals": []}
    html = page(summary(known))
    assert "too few to tell policies apart" in html
    assert html.count("<figure>") == 1
