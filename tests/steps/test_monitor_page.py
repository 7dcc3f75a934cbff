"""The monitor's page: plots with axes, legend and a sentence; whatever a report says is text."""

from __future__ import annotations

from typing import Any

from include.ratchet.steps.monitor_page import page

COHORT = {"rows": 560, "known": 280, "waiting": 240, "missing": 40, "corrected": 3, "quantiles": {"0.5": 2.5, "0.9": None}}
WINDOW = {"rows": 280, "estimate": 0.8, "low": 0.75, "high": 0.85, "labels": 0, "then": None, "came": None, "p": None}


def report(**changes: Any) -> dict[str, Any]:
    """Make the report of a model with one window of labels and two estimated ones."""
    matured = {"labels": 280, "then": 0.8, "came": 0.79, "p": 0.6}
    segment = {"start": "2013-01-03", "segment": "c=<b>", "rows": 90, "metric": 0.7, "low": 0.6, "high": 0.8}
    made = {
        "model": "m",
        "version": 3,
        "now": "2013-01-17T00:00:00+00:00",
        "metric": "roc_auc",
        "sentence": "280 matured",
        "windows": [{"start": "2013-01-03", "version": 3, "rows": 280, "metric": 0.79, "low": 0.7, "high": 0.85}],
        "segments": [segment],
        "estimated": {
            "windows": [{**WINDOW, "start": "2013-01-03", **matured}, {**WINDOW, "start": "2013-01-10"}],
            "off": None,
            "sentence": "estimated 0.8",
        },
        "labels": {
            **COHORT,
            "curve": [[0, 0.0], [1, 0.2], [2, 0.5]],
            "cohorts": [{**COHORT, "start": "2013-01-03"}],
            "sentence": "280 of 560",
        },
    }
    return made | changes


def test_the_page_draws_what_was_said_beside_what_came() -> None:
    """Both plots have axes with units, a legend and a sentence; the tables have the figures."""
    made = page(report())
    for said in ("days since 2013-01-03", "roc_auc [higher is better]", "age since the event [days]", "95 % interval", "Kaplan-Meier"):
        assert said in made
    assert "0.8 (0.75 to 0.85)" in made
    assert "<td>0.79</td>" in made
    assert made.count("<svg") == 2


def test_the_age_of_the_version_stands_in_the_curve_of_the_backtest() -> None:
    """Days, what models of that age have lost, and a third plot; without a backtest how to come by one."""
    ages = [{"age": n, "estimate": 0.01 * n, "low": 0.0, "high": 0.02 * n, "windows": 9 - n} for n in (1, 2, 3)]
    known = {"days": 17.5, "metric": "roc_auc", "window_days": 10.0, "ages": ages}
    made = page(report(age=known | {"loss": 0.02, "low": 0.0, "high": 0.04, "windows": 7}))
    assert "ended 17.5 days ago. Models of that age had lost 0.02 roc_auc (0 to 0.04) against the freshest, over 7 windows" in made
    assert "age of the model [days since it was trained]" in made
    assert made.count("<svg") == 3
    assert "has seen no model of that age" in page(report(age=known))
    assert "./ratchet backtest m" in page(report(age={"days": 17.5}))


def test_names_cannot_break_out_of_the_page() -> None:
    """A segment's value is text."""
    assert "c=&lt;b&gt;" in page(report())
    assert "c=<b>" not in page(report())


def test_an_estimate_that_is_off_says_why() -> None:
    """The reason stands under the plot, and what it said stays."""
    off = report()["estimated"] | {"off": "0.8 was said & 0.6 came"}
    made = page(report(estimated=off))
    assert "switched off: 0.8 was said &amp; 0.6 came" in made


def test_without_time_or_labels_there_is_nothing_to_draw() -> None:
    """One window of all rows, and no age: two sentences instead of two plots."""
    labels = {**COHORT, "curve": [], "cohorts": [], "sentence": "none"}
    nothing = {"windows": [{**WINDOW, "start": "all"}], "off": None, "sentence": "s"}
    made = page(report(windows=[], segments=[], estimated=nothing, labels=labels))
    assert made.count("Nothing to draw") == 2
    assert "<svg" not in made
