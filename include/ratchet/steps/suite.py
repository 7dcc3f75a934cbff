"""Run a feed's suite by Great Expectations: once over the batch, positions of the bad rows only."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.suitespec import Expectation
from include.ratchet.steps.formats import PERSONAL
from include.ratchet.steps.spark import POSITION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# At import it writes 214 INFO lines, "Skipping registering ...", into every task's log.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

import great_expectations as gx  # noqa: E402
from great_expectations.core.run_identifier import RunIdentifier  # noqa: E402
from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: E402
from great_expectations.exceptions import ExpectationNotFoundError  # noqa: E402
from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: E402
from great_expectations.expectations.registry import get_expectation_impl  # noqa: E402
from great_expectations.render.renderer import ValidationResultsPageRenderer  # noqa: E402
from great_expectations.render.view import DefaultJinjaPageView  # noqa: E402
from great_expectations.validator.v1_validator import Validator  # noqa: E402

_LONG = ("unexpected_list", "unexpected_index_list", "unexpected_index_query")
_SHOWN = ("observed_value", "partial_unexpected_list", "partial_unexpected_counts", "partial_unexpected_index_list", "details")


@dataclass(frozen=True)
class Broken:
    """An expectation that does not hold: at which rows (None when it is about the batch), how many, and what was seen."""

    expectation: Expectation
    positions: npt.NDArray[np.int64] | None
    count: int
    seen: str


@dataclass(frozen=True)
class Outcome:
    """What a run of a suite found; `page` is Great Expectations' own page of it, without any personal value."""

    broken: tuple[Broken, ...] = ()
    page: str = ""


def run_suite(frame: pd.DataFrame | DataFrame, spec: FeedSpec, suite: Sequence[Expectation]) -> Outcome:
    """Hold a batch against expectations, in one run.

    Args:
        frame: The batch in its feed's types, positions count from its first row; or on Spark, with them as `POSITION`.
        spec: The feed.
        suite: The expectations.

    Raises:
        SpecError: An expectation is unknown to Great Expectations, or its arguments do not fit.
    """
    if not suite:
        return Outcome()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch, wanted = _batch(context, frame, spec)
    held = gx.ExpectationSuite(spec.name, expectations=_made(spec, suite))
    # What ValidationDefinition.run does but for its store, which writes each bad value as JSON that nobody reads: of half a
    # million bad rows 1.5 of 2.5 s. Positions only: asking for unexpected_index_column_names made 4 s of 43 (see the bench).
    validator = Validator(batch, {"result_format": "COMPLETE", **wanted}, {"dataframe": frame})
    outcome = validator.validate_expectation_suite(held)
    outcome.meta["run_id"] = RunIdentifier(run_time=datetime.now(UTC))
    broken = [each for each in (_broken(result, spec, suite) for result in outcome.results) if each]
    return Outcome(tuple(broken), _page(outcome, spec, suite))


def _made(spec: FeedSpec, suite: Sequence[Expectation]) -> list[Any]:
    made = []
    for number, each in enumerate(suite):
        try:
            kind = get_expectation_impl(each.type)
            made.append(kind(**each.kwargs, severity=FailureSeverity(each.severity), meta={"number": number}))
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            text = " ".join(str(error).split())[:200]
            raise SpecError(f"feeds/{spec.name}/feed.yaml: expectations.{number}", [f"{each.type}: {text}"]) from error
    return made


def _batch(context: Any, frame: pd.DataFrame | DataFrame, spec: FeedSpec) -> tuple[Any, Json]:
    """Return the batch, and what else is asked for: rows of Spark have no places of their own."""
    on_pandas = isinstance(frame, pd.DataFrame)
    source = context.data_sources.add_pandas("batch") if on_pandas else context.data_sources.add_spark("batch")
    batch = source.add_dataframe_asset(spec.name).add_batch_definition_whole_dataframe("all")
    return batch, {} if on_pandas else {"unexpected_index_column_names": [POSITION]}


def _broken(result: Any, spec: FeedSpec, suite: Sequence[Expectation]) -> Broken | None:
    expectation = suite[result.expectation_config.meta["number"]]
    hidden = _is_personal(expectation, spec)
    crash = _crash(result.exception_info)
    if crash:
        raise SpecError(f"feeds/{spec.name}/feed.yaml: expectations", [f"{expectation.rule_id}: {PERSONAL if hidden else crash}"])
    if result.success:
        return None
    found: Json = result.result
    positions = found.get("unexpected_index_list")
    if positions is not None:
        positions = sorted(each[POSITION] if isinstance(each, dict) else each for each in positions)
    count = int(found.get("unexpected_count") or 0)
    observed = PERSONAL if hidden else found.get("observed_value")  # a maximum is somebody's value
    seen = f"{count} rows" if positions is not None else f"observed {observed}"
    return Broken(expectation, None if positions is None else np.asarray(positions, dtype=np.int64), count, seen)


def _page(outcome: Any, spec: FeedSpec, suite: Sequence[Expectation]) -> str:
    """Render Great Expectations' Data Docs page: of long lists its own first twenty, of personal columns only counts."""
    for result in outcome.results:
        hidden = _is_personal(suite[result.expectation_config.meta["number"]], spec)
        for name in (*_LONG, *(_SHOWN if hidden else ())):
            result.result.pop(name, None)
    renderer: Any = ValidationResultsPageRenderer()  # typed by nobody, as the view is
    view: Any = DefaultJinjaPageView()
    page: str = view.render(renderer.render(outcome))
    return page


def _is_personal(expectation: Expectation, spec: FeedSpec) -> bool:
    """Say whether an expectation is about a personal column, by any of its arguments."""
    named = [name for each in expectation.kwargs.values() for name in (each if isinstance(each, list) else [each])]
    return any(name in named for name in spec.personal)


def _crash(info: Mapping[str, Any]) -> str | None:
    infos = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, Mapping)]
    return next((str(each.get("exception_message")) for each in infos if each.get("raised_exception")), None)
