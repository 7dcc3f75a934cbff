"""The backtest's page: quality over time by policy, what it cost, what can be told apart, and how models age."""

from __future__ import annotations

from datetime import datetime

import yaml
from markupsafe import Markup

from include.ratchet.domain.backtest import MOST_WINDOWS, POLICIES
from include.ratchet.domain.records import Json
from include.ratchet.steps import ageing
from include.ratchet.steps.charts import Curve, Mark, curves, forest, number
from include.ratchet.steps.pages import template

TEMPLATE = "backtest.html.j2"
TONES = {name: f"policy-{name}" for name in POLICIES}
RESULTS = {
    "same": ("= the same versions served", "plain"),
    "as good": ("\u2713 as good", "good"),
    "better": ("\u2713 better", "good"),
    "worse": ("\u2717 worse", "bad"),
    "open": ("? cannot be told apart", "open"),
}


def page(content: Json) -> str:
    """Write the page of a backtest, from the content of its JSON twin."""
    days = (
        datetime.fromisoformat(content["windows"][0]["end"]) - datetime.fromisoformat(content["windows"][0]["start"])
    ).total_seconds() / 86400
    axis = f"window of {number(round(days, 1))} days, counted from {content['windows'][0]['start'][:10]}"
    plots = {"quality": _quality(content, axis), "gains": _gains(content), "cost": _cost(content), "ages": _ages(content, days)}
    written = yaml.safe_dump({"triggers": content["recommendation"]["triggers"]}, sort_keys=False)
    return template(TEMPLATE).render(
        **content, plots=plots, results=RESULTS, policy_tones=TONES, most_windows=MOST_WINDOWS, written=written, window_days=days
    )


def _quality(content: Json, axis: str) -> Markup | None:
    lines = []
    for each in content["policies"]:
        points = tuple((float(point["number"]), point["value"]) for point in each["quality"])
        if points:
            lines.append(Curve(each["name"], points, (0,) * len(points), TONES[each["name"]]))
    return Markup(curves(lines, axis, f"{content['metric']}, higher is better", "quality by window")) if lines else None  # noqa: S704 - escaped where it is made


def _gains(content: Json) -> Markup | None:
    marks = []
    for each in content["policies"]:
        found = each["against"]
        if found and found["estimate"] is not None:
            sign, tone = RESULTS[found["result"]]
            marks.append(Mark(f"{each['name']} {sign}", found["estimate"], found["low"], found["high"], -content["smallest_gain"], tone))
    axis = f"mean difference in {content['metric']} to {content['reference']}, right is better"
    return Markup(forest(marks, axis, f"policies against {content['reference']}")) if marks else None  # noqa: S704


def _cost(content: Json) -> Markup:
    marks = [
        Mark(f"{each['name']}: {each['trainings']} trainings, {each['promoted']} promoted", each["seconds"], tone=TONES[each["name"]])
        for each in content["policies"]
    ]
    return Markup(forest(marks, "processor time of the trainings [s]", "cost of each policy"))  # noqa: S704


def _ages(content: Json, days: float) -> Markup | None:
    """Draw the mean loss by age, and the loss in the newest window."""
    known = content["staleness"]
    told = (("all windows", "challenger", known["ages"]), ("newest window", "champion", known["newest"]))
    lines = [ageing.curve(label, tone, found, days) for label, tone, found in told]
    drawn = ageing.plot(lines, content["metric"])
    return Markup(drawn) if drawn else None  # noqa: S704 - escaped where it is made
