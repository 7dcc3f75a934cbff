"""The monitor's page: what was estimated, what came, and how labels come in. One HTML file that needs nothing else."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

from include.ratchet.domain.records import Json
from include.ratchet.steps import ageing
from include.ratchet.steps.charts import Curve, curves, number

STYLE = """
:root { --ink: #1c2733; --soft: #5a6875; --line: #d9dfe5; --est: #0b5cad; --came: #8a4fa3; }
body { margin: 0 auto; max-width: 860px; padding: 20px 24px 48px; }
body { color: var(--ink); background: #fff; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 30px 0 6px; border-top: 1px solid var(--line); padding-top: 12px; }
p { max-width: 75ch; margin: 6px 0; } .soft, figcaption { color: var(--soft); font-size: 14px; } figure { margin: 8px 0; max-width: 640px; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); } svg .axis { fill: var(--soft); }
.middle { text-anchor: middle; } .end { text-anchor: end; } .grid { stroke: #edf0f3; }
.curve { fill: none; stroke-width: 2; } .band { opacity: .15; }
circle.est, .band.est, .key.est { fill: var(--est); background: var(--est); } .curve.est { stroke: var(--est); }
circle.came, .band.came, .key.came { fill: var(--came); background: var(--came); } .curve.came { stroke: var(--came); }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin: 0 4px 0 10px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; } th { color: var(--soft); }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
"""


def page(report: Json) -> str:
    """Write the page of a monitor report; whatever the report says is escaped."""
    estimated, labels = report["estimated"], report["labels"]
    head = f"<p class=soft>Ratchet monitor · {escape(report['now'][:16].replace('T', ' '))} UTC</p>"
    parts = [head, f"<h1>{escape(report['model'])} version {report['version']}</h1>"]
    parts += [f"<p>{escape(said)}.</p>" for said in (report["sentence"], estimated["sentence"], labels["sentence"])]
    parts += ["<h2>Estimated before labels, and what came</h2>", _windows_plot(report), _windows_table(report)]
    parts += ["<h2>How labels come in</h2>", _labels_plot(labels), _labels_table(labels)]
    if report["segments"]:
        parts += ["<h2>Segments of the newest windows</h2>", _segments(report)]
    if aged := report.get("age"):
        parts += ["<h2>How old the version is</h2>", _aged(aged, report["model"])]
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    meta = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{policy}'
    title = f"<title>{escape(report['model'])}: monitor</title>"
    return f'<!doctype html>\n<html lang="en"><head>{meta}{title}<style>{STYLE}</style></head><body>{"".join(parts)}</body></html>\n'


def _windows_plot(report: Json) -> str:
    told = report["estimated"]["windows"]
    mine = [each for each in report["windows"] if each["version"] == report["version"] and each["low"] is not None]
    timed = [each for each in [*told, *mine] if each["start"] != "all"]
    if not timed:
        return "<p class=soft>Nothing to draw: there is no window of time yet.</p>"
    first = min(datetime.fromisoformat(each["start"]) for each in timed)
    lines = [_line("estimated", "est", told, "estimate", first), _line("came", "came", mine, "metric", first)]
    drawn = curves(
        [line for line in lines if line.points],
        f"start of the window [days since {first:%Y-%m-%d}]",
        f"{report['metric']} [higher is better]",
        "estimated and realised performance by window",
    )
    legend = (
        "<p class=soft>Legend<span class='key est'></span>estimated, 95 % interval<span class='key came'></span>realised, 90 % interval</p>"
    )
    said = (
        "The estimate is made before labels from the rows that the version was judged on; where both are drawn, the gap is its past error."
    )
    if report["estimated"]["off"]:
        said = f"The estimate is switched off: {report['estimated']['off']}. What it said stays drawn, as its record."
    return f"<figure>{drawn}{legend}<figcaption>{escape(said)}</figcaption></figure>"


def _line(label: str, tone: str, windows: list[Json], value: str, first: datetime) -> Curve:
    shown = sorted((each for each in windows if each["start"] != "all"), key=lambda each: each["start"])
    points = tuple(((datetime.fromisoformat(each["start"]) - first).total_seconds() / 86400, each[value]) for each in shown)
    return Curve(label, points, tuple(each["rows"] for each in shown), tone, tuple((each["low"], each["high"]) for each in shown))


def _windows_table(report: Json) -> str:
    rows = [
        (
            each["start"],
            each["rows"],
            _span(each, "estimate"),
            each["labels"],
            _shown(each["then"]),
            _shown(each["came"]),
            _shown(each["p"]),
        )
        for each in report["estimated"]["windows"]
    ]
    return _table(("window", "rows", "estimated (95 %)", "labels came", "estimated of them", "came", "p"), rows)


def _labels_plot(labels: Json) -> str:
    points = tuple((float(age), share) for age, share in labels["curve"])
    if len(points) < 2:  # noqa: PLR2004
        return "<p class=soft>Nothing to draw: no prediction is older than a day.</p>"
    curve = Curve("known", points, (labels["rows"],) * len(points), "est")
    drawn = curves([curve], "age since the event [days]", "share of labels that are known [0-1]", "share of labels known by age", zero=True)
    said = "Rows whose label has not come count for as long as they have waited (Kaplan-Meier)."
    return f"<figure>{drawn}<p class=soft>Legend<span class='key est'></span>all cohorts</p><figcaption>{said}</figcaption></figure>"


def _labels_table(labels: Json) -> str:
    names = ("rows", "known", "waiting", "missing", "corrected")
    rows = [
        (each["start"], *(each[name] for name in names), *(_shown(days) for days in each["quantiles"].values()))
        for each in labels["cohorts"]
    ]
    return _table(("events of", *names, *(f"{float(q):.0%} known by [d]" for q in labels["quantiles"])), rows)


def _segments(report: Json) -> str:
    rows = [(each["start"], each["segment"], each["rows"], _span(each, "metric")) for each in report["segments"]]
    return _table(("window", "segment", "rows", f"{report['metric']} (90 %)"), rows)


def _aged(aged: Json, model: str) -> str:
    """Say how old the version is, and what models of its age have lost in the last backtest."""
    told = f"Its training window ended {number(round(aged['days'], 1))} days ago."
    if "ages" not in aged:
        return f"<p>{told}</p><p class=soft>How fast models of its kind lose quality: <code>./ratchet backtest {escape(model)}</code>.</p>"
    lines, metric = [ageing.curve("by age", "est", aged["ages"], aged["window_days"])], aged["metric"]
    if "loss" in aged:
        over = f"over {aged['windows']} window{'s' * (aged['windows'] > 1)}"
        interval = "" if aged["low"] is None else f" ({number(aged['low'])} to {number(aged['high'])})"
        told += f" Models of that age had lost {number(aged['loss'])} {metric}{interval} against the freshest, {over} of the last backtest."
        lines.append(Curve("this version", ((aged["days"], aged["loss"]),), (1,), "came"))
    else:
        told += " The last backtest has seen no model of that age."
    drawn = ageing.plot(lines, metric) or ""
    legend = "<p class=soft>Legend<span class='key est'></span>models of the backtest<span class='key came'></span>this version's age</p>"
    said = "The mean loss on the same rows, with its interval over windows: the older, the fewer. One that includes 0 shows no loss."
    return f"<p>{escape(told)}</p><figure>{drawn}{legend}<figcaption>{said}</figcaption></figure>"


def _span(each: Json, name: str) -> str:
    if each[name] is None or each["low"] is None:
        return _shown(each[name])
    return f"{number(each[name])} ({number(each['low'])} to {number(each['high'])})"


def _shown(value: float | None) -> str:
    return "\u2013" if value is None else number(value)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
