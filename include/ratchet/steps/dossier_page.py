"""The dossier's page: one HTML file that needs nothing else, for a screen, a phone and a printer."""

from __future__ import annotations

import math

from markupsafe import Markup

from include.ratchet.domain.records import Json
from include.ratchet.steps.charts import Curve, Mark, curves, forest, number
from include.ratchet.steps.dossier import Dossier
from include.ratchet.steps.pages import template

TEMPLATE = "dossier.html.j2"
TONES = {"pass": "good", "fail": "bad", "inconclusive": "open"}
SIGNS = {"pass": "\u2713 pass", "fail": "\u2717 fail", "inconclusive": "? inconclusive"}
SHOWN_FEATURES = 20
GAINS = ("gain over", "segment ", "required segment ")
"""Rules whose estimate is a difference of the gate's metric."""


def page(made: Dossier) -> str:
    """Write the page of a dossier; whatever the records say is escaped."""
    content = made.content
    plots = {"models": _models(content), "gains": _gains(content), "others": _others(content), "fit": _fit(content)}
    plots |= {"importance": _importance(content), "shapley": _shapley(content)}
    powers = [each for each in content["rules"] if each.get("power") or each.get("detectable") is not None]
    return template(TEMPLATE).render(
        **content, powers=powers, digest=made.digest, plots=plots, signs=SIGNS, tones=TONES, level=_level(content)
    )


def _level(content: Json) -> str:
    """Return the name of the interval: both ends are one-sided at alpha."""
    return f"{100 * (1 - 2 * content['alpha']):g} %"


def _models(content: Json) -> Markup | None:
    metric = content["metric"]
    bound = content["bounds"].get(metric)
    marks = [
        Mark(
            f"{each['who'].replace('_', ' ')} {number(each['value'])}",
            each["value"],
            each["low"],
            each["high"],
            bound and bound[1],
            each["who"],
        )
        for each in content["models"]
    ]
    return _drawn(marks, f"{metric} on the test rows, higher is better", f"{metric} of each model")


def _gains(content: Json) -> Markup | None:
    rules = [each for each in content["rules"] if each["rule"].startswith(GAINS) and each["estimate"] is not None]
    title = "what the challenger gains, over whom and where"
    return _drawn([_rule(each) for each in rules], f"difference in {content['metric']}, right is better", title)


def _others(content: Json) -> Markup | None:
    """Draw the rules whose units differ on one axis: how far each is from its bound."""
    metric = f"business {content['metric']}"
    rules = [
        each
        for each in content["rules"]
        if each["bound"] is not None and each["estimate"] is not None and not each["rule"].startswith(GAINS) and each["rule"] != metric
    ]
    moved = []
    for each in rules:
        bound = each["bound"]
        moved.append(each | {k: None if each[k] is None else each[k] - bound for k in ("estimate", "low", "high")} | {"bound": 0.0})
    return _drawn(
        [_rule(each) for each in moved], "distance from the bound in the rule's own unit, right is better", "distance from bounds"
    )


def _rule(each: Json) -> Mark:
    label = f"{each['rule']} {SIGNS[each['result']]}"
    return Mark(label, each["estimate"], each["low"], each["high"], each["bound"], TONES[each["result"]])


def _fit(content: Json) -> Markup | None:
    """Draw calibration curves, or residual bands."""
    explained = content["explained"]
    lines = []
    for who in ("champion", "challenger"):
        found = explained.get(who)
        if found and content["task"] == "regression":
            points = tuple((each["predicted"], each["middle"]) for each in found)
            band = tuple((each["low"], each["high"]) for each in found) if who == "challenger" else ()
            lines.append(Curve(who, points, tuple(each["rows"] for each in found), who, band))
        elif found:
            points = tuple((each["said"], each["came"]) for each in found)
            lines.append(Curve(who, points, tuple(each["rows"] for each in found), who))
    if not lines:
        return None
    if content["task"] == "regression":
        drawn = curves(lines, "prediction, in the label's unit", "label less prediction, in the label's unit", "residuals", zero=True)
    else:
        drawn = curves(lines, "probability that was said", "share that came true", "calibration", diagonal=True)
    return Markup(drawn)  # noqa: S704 - escaped where it is made


def _importance(content: Json) -> Markup | None:
    found = content["explained"].get("importance", [])[:SHOWN_FEATURES]
    marks = [
        Mark(f"{each['feature']} {number(each['drop'])}", each["drop"], each["low"], each["high"], 0.0, "challenger") for each in found
    ]
    return _drawn(marks, f"loss of {content['metric']} when the feature is shuffled", "permutation importance")


def _shapley(content: Json) -> Markup | None:
    found = content["explained"].get("shapley", [])[:SHOWN_FEATURES]
    marks = [
        Mark(f"{each['feature']} {number(each['moved'])}", each["moved"], each["low"], each["high"], 0.0, "challenger") for each in found
    ]
    unit = "the label's unit" if content["task"] == "regression" else "probability"
    return _drawn(marks, f"mean |SHAP|: how far the feature moves a prediction, in {unit}", "mean absolute Shapley value of each feature")


def _drawn(marks: list[Mark], axis: str, title: str) -> Markup | None:
    known = [mark for mark in marks if mark.value is not None and math.isfinite(mark.value)]
    return Markup(forest(marks, axis, title)) if known else None  # noqa: S704 - escaped where it is made
