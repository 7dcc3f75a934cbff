"""Run a feed's expectations by Great Expectations and sort the rows: good, or quarantined with the rules they broke."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from include.ratchet.domain.errors import QualityError, SpecError
from include.ratchet.domain.feedspec import BATCH_COLUMN, Expectation, FeedSpec
from include.ratchet.steps.decode import Decoded
from include.ratchet.steps.formats import PERSONAL

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# At import it writes 214 INFO lines, "Skipping registering ...", into every task's log.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

import great_expectations as gx  # noqa: E402
from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: E402
from great_expectations.exceptions import ExpectationNotFoundError  # noqa: E402
from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: E402
from great_expectations.expectations.registry import get_expectation_impl  # noqa: E402


@dataclass(frozen=True)
class Sorted:
    """A batch after its checks.

    Attributes:
        clean: Rows to merge; the schema's columns and `_batch`.
        quarantined: One row per bad row: batch, position, rules, original (JSON of the cells as they came).
        warnings: Rules with route warn that were broken, with their counts.
    """

    clean: pa.Table
    quarantined: pa.Table
    warnings: dict[str, int]


def sort_rows(decoded: Decoded, spec: FeedSpec, batch: str) -> Sorted:
    """Apply the schema's and the suite's row rules.

    Raises:
        QualityError: A rule with route stop was broken, or more rows are bad than the quarantine allows.
        SpecError: An expectation is unknown to Great Expectations, or its arguments do not fit.
    """
    faults = dict(decoded.faults)
    stops: list[str] = []
    warnings: dict[str, int] = {}
    for expectation, positions, count, seen in _run_suite(decoded.rows.to_pandas(), spec):
        if expectation.route == "warn":
            warnings[expectation.rule_id] = warnings.get(expectation.rule_id, 0) + count
        elif expectation.route == "quarantine" and positions is not None:
            # Two expectations may share a rule id (the same check with other arguments): both rows' sets are bad.
            faults[expectation.rule_id] = sorted({*faults.get(expectation.rule_id, ()), *positions})
        else:
            stops.append(f"{expectation.rule_id}: {seen}")
    if spec.mode != "append":
        repeated = _repeated_keys(decoded.rows, spec)
        if repeated:
            faults["key:repeated"] = repeated
    rows = decoded.rows.num_rows
    bad: dict[int, list[str]] = {}
    for rule, positions in faults.items():
        for position in positions:
            bad.setdefault(position, []).append(rule)
    if len(bad) > spec.quarantine.max_fraction * rows:
        counts = sorted(((len(p), rule) for rule, p in faults.items()), reverse=True)
        stops.append(f"{len(bad)} of {rows} rows are bad; allowed are {spec.quarantine.max_fraction:.1%}")
        stops.extend(f"{rule}: {count} rows, such as row {faults[rule][0] + 1}" for count, rule in counts)
    if stops:
        raise QualityError(f"feed {spec.name}: the batch broke its expectations", stops, "Mend and deliver again, or change feed.yaml.")
    return Sorted(_clean(decoded.rows, bad, batch), _quarantined(decoded.original, bad, batch), warnings)


def _run_suite(frame: pd.DataFrame, spec: FeedSpec) -> list[tuple[Any, list[int] | None, int, str]]:
    """Return the broken expectations: which, at which rows, how many, and what was seen."""
    if not spec.expectations:
        return []
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = context.data_sources.add_pandas("batch").add_dataframe_asset(spec.name).add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite(spec.name))
    for number, each in enumerate(spec.expectations):
        try:
            suite.add_expectation(
                get_expectation_impl(each.type)(**each.kwargs, severity=FailureSeverity(each.severity), meta={"number": number})
            )
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            text = " ".join(str(error).split())[:200]
            raise SpecError(f"feeds/{spec.name}/feed.yaml: expectations.{number}", [f"{each.type}: {text}"]) from error
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=spec.name, data=batch, suite=suite))
    # Positions only: asking for unexpected_index_column_names made 4 s of 43 (see the bench).
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"})
    broken = []
    for result in outcome.results:
        config: Any = result.expectation_config
        expectation = spec.expectations[config.meta["number"]]
        hidden = _is_personal(expectation, spec)
        crash = _crash(result.exception_info)
        if crash:
            raise SpecError(f"feeds/{spec.name}/feed.yaml: expectations", [f"{expectation.rule_id}: {PERSONAL if hidden else crash}"])
        if not result.success:
            positions = result.result.get("unexpected_index_list")
            count = int(result.result.get("unexpected_count") or 0)
            observed = PERSONAL if hidden else result.result.get("observed_value")  # a maximum is somebody's value
            seen = f"{count} rows" if positions is not None else f"observed {observed}"
            broken.append((expectation, [int(i) for i in positions] if positions is not None else None, count, seen))
    return broken


def _is_personal(expectation: Expectation, spec: FeedSpec) -> bool:
    """Say whether an expectation is about a personal column, by any of its arguments."""
    named = [name for each in expectation.kwargs.values() for name in (each if isinstance(each, list) else [each])]
    return any(name in named for name in spec.personal)


def _crash(info: Mapping[str, Any]) -> str | None:
    infos = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, Mapping)]
    return next((str(each.get("exception_message")) for each in infos if each.get("raised_exception")), None)


def _repeated_keys(rows: pa.Table, spec: FeedSpec) -> list[int]:
    """Return all but the last row of each key: the last one is the newest word."""
    keys = rows.select(list(spec.key)).to_pandas()
    return [int(i) for i in keys.duplicated(keep="last").to_numpy().nonzero()[0]]


def _clean(rows: pa.Table, bad: Mapping[int, list[str]], batch: str) -> pa.Table:
    good = rows.filter(pa.array([i not in bad for i in range(rows.num_rows)])) if bad else rows
    return good.append_column(BATCH_COLUMN, pa.array([batch] * good.num_rows, type=pa.string()))


def _quarantined(original: pa.Table, bad: Mapping[int, list[str]], batch: str) -> pa.Table:
    positions = sorted(bad)
    cells = original.take(pa.array(positions, type=pa.int64())).to_pylist()
    return pa.table(
        {
            "batch": pa.array([batch] * len(positions), type=pa.string()),
            "position": pa.array(positions, type=pa.int64()),
            "rules": pa.array([", ".join(bad[i]) for i in positions], type=pa.string()),
            "original": pa.array([json.dumps(each, default=str) for each in cells], type=pa.string()),
        }
    )
