"""Write `model.yaml` from what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.ratchet.steps.infer import describe
from include.ratchet.steps.infer_bound import rounded
from include.ratchet.steps.infer_time import monitor_window, time_split, training_window
from include.ratchet.steps.infer_yaml import entry, flow, inline, inline_list, names, one_line

if TYPE_CHECKING:
    from include.ratchet.steps.infer import Findings

_FEWEST_NEW = 10
_LINE = 118
_SEGMENTS = 6
_SMALLEST_SEGMENT = 0.05
_TREES = {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [15, 31]}


def model_yaml(name: str, found: Findings, sample: str) -> str:
    """Write the model's spec; it reads the feed of the same name as it is."""
    target = found.target
    description = inline(f"Predicts {target.column.name}.")
    lines = [
        f"# Written by ./ratchet new from {sample} ({found.rows:,} rows). A draft: look at every line marked REVIEW.",
        f"name: {name}",
        entry("description", description, "REVIEW: for whom, and what is known at that moment?"),
        entry("task", target.task, _task_comment(found)),
        entry("feeds", f"[{name}]", "no transform: the feed's rows are the model's rows"),
        "",
        *_columns(found),
        entry("labels", "{lag: 0s, missing: drop}", "REVIEW: how long after the event is the label known?"),
        "",
        *_training(found),
        "",
        *_gate(found),
        "",
        *_watch(found),
        "deploy: {target: local}",
    ]
    return "\n".join(lines) + "\n"


def _task_comment(found: Findings) -> str:
    target = found.target
    amount = "; regression, if the size of the number matters" if target.task == "multiclass" and target.column.numeric else ""
    return describe(target) + amount


def _columns(found: Findings) -> list[str]:
    features, times = found.features, found.times
    reasons = "; ".join(dict.fromkeys(reason if name in reason else f"{name} {reason}" for name, reason in found.leaks.items()))
    hidden = [f"{name} ({reason})" for name, reason in features.left_out.items()]
    segments = _segment_candidates(found)
    return [
        "columns:",
        *names("id", found.key.names, "joins predictions with labels"),
        *([entry("time", inline(times.name), "event time, UTC: the newest rows are held out", 2)] if times else []),
        *names("entity", found.entity, "its rows stay on one side of the split"),
        entry("label", inline(found.target.column.name), indent=2),
        *names("numeric", features.numeric),
        *names("categorical", features.categorical),
        *names("text", features.text),
        *names("forbidden", found.leaks, f"REVIEW, a leak? {reasons}"),
        *(f"  # left out: {one_line(each)}" for each in hidden),
        *([f"  # segments: {inline_list(segments, 14)}   # groups to report on, and with gate.segments to protect"] if segments else []),
    ]


def _segment_candidates(found: Findings) -> list[str]:
    """Name up to two categories of a few groups, each of at least one row in twenty."""
    shares = {name: found.columns[name].cells.value_counts(normalize=True) for name in found.features.categorical}
    return [name for name, share in shares.items() if 2 < len(share) <= _SEGMENTS and share.min() >= _SMALLEST_SEGMENT][:2]  # noqa: PLR2004


def _training(found: Findings) -> list[str]:
    times = found.times
    split: dict[str, Any] = {**time_split(times)} if times else {"validation": 0.15, "test": 0.2}
    how = (
        f"the newest {split['test']}, and the {split['validation']} before, of {times.span.days}d"
        if times
        else "no event time: drawn at random"
    )
    window = training_window(times) if times else None
    return [
        "training:",
        *([entry("window", window, "the newest rows only: the history is long", 2)] if window else []),
        entry("split", flow(split), how, 2),
        "  candidates:",
        *(_candidate(each) for each in _candidates(found)),
        entry("budget", "{trials: 12, minutes: 10}", "for each candidate", 2),
        "  seed: 7",
    ]


def _candidate(candidate: dict[str, Any]) -> str:
    """Write a candidate on one line, or its search on a second one where it is long."""
    text = f"    - {flow(candidate)}"
    return text if len(text) <= _LINE else text.replace(", search: ", ",\n       search: ")


def _candidates(found: Findings) -> list[dict[str, Any]]:
    if found.target.task != "regression":
        return [
            {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 1000}},
            {"name": "boosting", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "search": _TREES},
        ]
    # The gate's metric is the absolute error: a booster may minimise it itself, and often should.
    search = {"loss": ["absolute_error", "squared_error"], **_TREES}
    return [
        {"name": "ridge", "estimator": "sklearn.linear_model.Ridge", "search": {"alpha": [0.1, 1.0, 10.0]}},
        {"name": "boosting", "estimator": "sklearn.ensemble.HistGradientBoostingRegressor", "search": search},
    ]


def _gate(found: Findings) -> list[str]:
    best = found.proposal
    gain, margin = (
        (0.01, 0.02) if found.target.task != "regression" else (rounded(best.unit * share, up=True) or share for share in (0.01, 0.02))
    )
    return [
        "gate:",
        entry("metric", best.metric, "higher is better: the mean absolute error, negated" if found.target.task == "regression" else "", 2),
        "  # REVIEW: what must a model reach to be of use? A person decides that. Proposed here is half-way between a trivial",
        f"  # model ({best.trivial:.4g}) and a quick {best.model} model ({best.quick:.4g}), {best.held_out}.",
        entry("business", flow({best.metric: f">= {best.bound:.10g}"}), indent=2),
        entry("smallest_gain", f"{gain:.10g}", f"the gain worth having{_of_error(found, 1)}", 2),
        entry("champion", f"{{mode: non_inferior, margin: {margin:.10g}}}", f"shown to lose no more than this{_of_error(found, 2)}", 2),
        entry("baseline", "{mode: superior}", "shown better than the trivial model", 2),
    ]


def _of_error(found: Findings, percent: int) -> str:
    return f": about {percent} % of the quick model's error" if found.target.task == "regression" else ""


def _watch(found: Findings) -> list[str]:
    new = max(_FEWEST_NEW, int(rounded(found.rows / 10, up=False)))
    lines = ["triggers:", entry("new_data", f"{{min_rows: {new}}}", "a tenth of the sample", 2)]
    if found.times is None:
        return lines
    drop = 0.03 if found.target.task != "regression" else rounded(found.proposal.unit * 0.1, up=True) or 0.1
    worse = (
        "a tenth of the quick model's error"
        if found.target.task == "regression"
        else f"so much less {found.proposal.metric} than on the test rows"
    )
    return [
        *lines,
        entry("degradation", f"{{drop: {drop:.10g}}}", f"retrain when shown worse by {worse}", 2),
        entry("monitor", f"{{window: {monitor_window(found.times)}}}", "wide enough for some hundred rows"),
    ]
