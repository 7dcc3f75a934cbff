"""Infer a feed and a model from a sample of data: what is in it, what it can be used for, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.feedspec import EVENT_TIME, NULL_STRINGS
from include.ratchet.domain.specs import did_you_mean
from include.ratchet.steps.infer_bound import Proposal, propose_bound
from include.ratchet.steps.infer_expect import expectations
from include.ratchet.steps.infer_key import Key, entity_of, key_of
from include.ratchet.steps.infer_leaks import find_leaks
from include.ratchet.steps.infer_read import read_sample
from include.ratchet.steps.infer_roles import MIN_ROWS, Features, Target, features_of, is_personal, target_of
from include.ratchet.steps.infer_time import EventTimes, event_times, holds_date, looks_like_time
from include.ratchet.steps.infer_types import columns_of, find_nulls

if TYPE_CHECKING:
    from include.ratchet.steps.infer_read import Form
    from include.ratchet.steps.infer_types import Column

SEED = 7
_FEW_ROWS = 500
_RARE_CLASS = 20
_SHOWN = 20


@dataclass(frozen=True)
class Findings:
    """Everything that the two spec files are written from.

    `nulls` maps each unusual null string to the columns where it was seen; `leaks` each forbidden column to the reason.
    """

    form: Form
    rows: int
    columns: dict[str, Column]
    schema: dict[str, str]
    nulls: dict[str, list[str]]
    target: Target
    key: Key
    times: EventTimes | None
    features: Features
    leaks: dict[str, str]
    entity: tuple[str, ...]
    personal: tuple[str, ...]
    expectations: list[dict[str, Any]]
    proposal: Proposal


def infer(content: bytes, kind: str, target: str, time: Sequence[str] = ()) -> Findings:
    """Infer everything from the bytes of a sample.

    Args:
        content: The sample, unpacked.
        kind: csv, jsonl or parquet.
        target: The column to predict.
        time: The column or columns of the event time; none for data without time.

    Raises:
        DataError: The sample does not read, has too few rows, no key, or no feature.
        SpecError: The target or the time is not a column, or cannot be what it is said to be.
    """
    sample = read_sample(content, kind)
    nulls = find_nulls(sample)
    columns = columns_of(sample, [*NULL_STRINGS, *nulls])
    rows = len(sample.cells)
    _check_names(columns, target, time, rows)
    label = target_of(columns[target])
    times = event_times([columns[name] for name in time]) if time else None
    key = key_of(columns, target, times)
    proposed = features_of(columns, target, key, times)
    leaks = find_leaks([columns[name] for name in proposed.names], label, SEED)
    features = proposed.without(leaks)
    scored = [columns[name] for name in (*features.numeric, *features.categorical)]
    if not scored:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in {**features.left_out, **leaks}.items())
        raise DataError(
            f"the sample has no usable feature for {target}: {reasons}; allowed is at least one number or category. Add columns."
        )
    return Findings(
        form=sample.form,
        rows=rows,
        columns=columns,
        schema=_schema(columns, times),
        nulls=nulls,
        target=label,
        key=key,
        times=times,
        features=features,
        leaks=leaks,
        entity=entity_of(columns, key, times),
        personal=tuple(name for name in columns if name != target and is_personal(columns[name])),
        expectations=expectations(columns, label, key, features, times),
        proposal=propose_bound(scored, label, times, SEED),
    )


def facts(found: Findings) -> list[str]:
    """Say in short sentences what was found."""
    form, times, target = found.form, found.times, found.target
    words = [form.format, f"{found.rows:,} rows", f"{len(found.columns)} columns"]
    if form.format == "csv":
        words += [form.encoding, f"delimiter {form.delimiter!r}", *(["decimal comma"] if form.decimal == "," else [])]
    said = [f"data: {', '.join(words)}"]
    said += [f"null: {token!r} in {', '.join(names[:_SHOWN])}" for token, names in found.nulls.items()]
    said.append(f"target: {describe(target)} -> {target.task}")
    if times:
        covered = f"{times.first:%Y-%m-%d %H:%M} to {times.last:%Y-%m-%d %H:%M}"
        said.append(f"time: {' + '.join(times.names)}, {times.format or 'ISO'}, {covered}, read as UTC")
    said.append(f"key: {', '.join(found.key.names)} ({found.key.why})")
    counts = (("numeric", found.features.numeric), ("categorical", found.features.categorical), ("text", found.features.text))
    said.append("features: " + ", ".join(f"{len(names)} {kind}" for kind, names in counts if names))
    best = found.proposal
    between = f"half-way between trivial {best.trivial:.4g} and quick {best.model} {best.quick:.4g}, {best.held_out}"
    said.append(f"bound: {best.metric} >= {best.bound:g}, {between}")
    return said


def doubts(found: Findings) -> list[str]:
    """Say what a person must look at, the gravest first."""
    said = [f"leak? {name}: {reason}; listed under columns.forbidden" for name, reason in found.leaks.items()]
    said += [f"left out {name}: {reason}" for name, reason in found.features.left_out.items() if name not in _time_names(found)]
    if not found.key.sure:
        said.append(f"key {', '.join(found.key.names)}: {found.key.why}")
    said += list(found.times.warnings) if found.times else _missed_time(found)
    if found.target.column.nulls:
        said.append(f"{found.target.column.name} is empty in {found.target.column.nulls:,} rows; these are not trained on (labels.missing)")
    rare = [name for name, share in found.target.shares.items() if share * found.rows < _RARE_CLASS]
    if rare:
        said.append(f"fewer than {_RARE_CLASS} rows of class {', '.join(rare[:_SHOWN])}: the gate can hardly judge it")
    if found.entity:
        said.append(f"{found.entity[0]} stands in several rows; they are kept on one side of the split (columns.entity)")
    if found.personal:
        said.append(f"personal data? {', '.join(found.personal)}; listed under personal in feed.yaml")
    if found.rows < _FEW_ROWS:
        said.append(f"{found.rows:,} rows are few: the gate may find every verdict inconclusive")
    return [*said, *found.proposal.warnings]


def describe(target: Target) -> str:
    """Describe the target in a few words."""
    if target.task == "regression":
        known = target.column.cells
        return f"{target.column.name}, numbers from {known.min():g} to {known.max():g}"
    shares = [f"{name} {share:.1%}" for name, share in list(target.shares.items())[:4]]
    more = len(target.shares) - len(shares)
    return f"{target.column.name}, {', '.join(shares)}{f' and {more} more' if more else ''}"


def _check_names(columns: Mapping[str, Column], target: str, time: Sequence[str], rows: int) -> None:
    faults = [
        f"{option} {name}: not a column{_closest(name, list(columns))}" for option, name in _asked(target, time) if name not in columns
    ]
    if faults:
        shown = ", ".join(list(columns)[:_SHOWN]) + (f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else "")
        raise SpecError("the sample lacks columns that were named", faults, f"Allowed are {shown}.")
    if target in time:
        raise SpecError(f"--target {target}: also --time", ["found one column for both; allowed are two"], "Name the column to predict.")
    if len(time) > 1 and EVENT_TIME in columns:
        raise SpecError(
            "--time", [f"found a column called {EVENT_TIME}, which Ratchet adds itself"], f"Rename it, or use --time {EVENT_TIME}."
        )
    if rows < MIN_ROWS:
        raise DataError(
            f"the sample has too few rows: found {rows}; allowed are {MIN_ROWS} and more, better some thousands. Give a fuller sample."
        )


def _asked(target: str, time: Sequence[str]) -> list[tuple[str, str]]:
    return [("--target", target), *(("--time", name) for name in time)]


def _closest(name: str, known: list[str]) -> str:
    same = [each for each in known if each.lower() == name.lower()]
    return f"; did you mean {same[0]!r}?" if same else did_you_mean(name, known)


def _schema(columns: Mapping[str, Column], times: EventTimes | None) -> dict[str, str]:
    """Write every column's type; the event time's own where its text is not ISO."""
    typed = dict(columns)
    if times and len(times.names) == 1:
        typed[times.name] = replace(columns[times.name], kind="timestamp")
    elif times:
        typed |= {name: replace(columns[name], kind="date") for name in times.names if holds_date(columns[name], times.format)}
    return {name: column.spec for name, column in typed.items()}


def _time_names(found: Findings) -> tuple[str, ...]:
    return found.times.names if found.times else ()


def _missed_time(found: Findings) -> list[str]:
    names = [name for name in found.features.left_out if looks_like_time(found.columns[name])]
    return [f"{name} looks like an event time: --time {name!r} would hold out the newest rows instead of random ones" for name in names]
