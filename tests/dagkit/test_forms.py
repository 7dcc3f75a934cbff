"""Forms of manual runs: the defaults are valid, and what the bodies could not use is refused by the form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from include.ratchet.dagkit import forms
from include.ratchet.domain import specs
from include.ratchet.domain.durations import parse_duration
from include.ratchet.domain.modelspec import ModelSpec
from tests.tiny import MODEL, Project


@pytest.fixture
def spec(project: Project) -> ModelSpec:
    """Return the tiny model."""
    assert project.include.exists()
    return specs.model(MODEL)


def test_every_default_is_valid(spec: ModelSpec) -> None:
    """A scheduled run uses the defaults, so Airflow refuses a DAG whose defaults are not valid."""
    values = {name: param.resolve() for name, param in {**forms.train(spec), **forms.deploy()}.items()}
    asked: dict[str, Any] = {"reason": None, "window": None, "candidates": [], "force": False, "experiment": False, "overrides": None}
    assert values == {**asked, "action": "promote", "version": None}


def test_a_form_can_be_sent_as_it_opens(spec: ModelSpec) -> None:
    """Airflow's page keeps its button off while a field is empty that must be a text: what may stay empty is null."""
    fields = [*forms.train(spec).values(), *forms.deploy().values(), *forms.ingest().values()]
    assert not [field for field in fields if field.resolve() == ""]
    assert all("null" in field.schema["type"] for field in fields if field.resolve() is None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", "90d"),
        ("window", "1.5h"),
        ("candidates", ["logistic"]),
        ("force", True),
        ("reason", "new price list"),
        ("experiment", True),
        ("overrides", {"folds": 2}),
    ],
)
def test_a_good_value_is_taken(spec: ModelSpec, name: str, value: Any) -> None:
    """As the description of the field says."""
    assert forms.train(spec)[name].resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", "90"), ("window", "soon"), ("window", "-3d"), ("window", "3 d"), ("window", "90d; DROP"), ("window", "9y"),
        ("window", 90), ("candidates", "logistic"), ("candidates", [1]), ("force", "yes"), ("reason", 5),
        ("experiment", 1), ("overrides", []),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused(spec: ModelSpec, name: str, value: Any) -> None:
    """Before a run exists."""
    with pytest.raises(ParamValidationError):
        forms.train(spec)[name].resolve(value)


@pytest.mark.parametrize(("name", "value"), [("action", "delete"), ("batch", "../x"), ("batch", "ABCD"), ("batch", "abc"), ("reason", 1)])
def test_a_bad_decision_is_refused(name: str, value: Any) -> None:
    """An unknown action, or a batch that is no beginning of a digest."""
    with pytest.raises(ParamValidationError):
        forms.ingest()[name].resolve(value)


def test_a_decision_is_taken() -> None:
    """The defaults decide nothing; the beginning of a digest names a batch, with its landing where it has one."""
    assert {name: param.resolve() for name, param in forms.ingest().items()} == {"action": "run", "batch": None, "reason": None}
    for name, value in (("action", "accept"), ("action", "reject"), ("action", "repair"), ("batch", "0a1b"), ("batch", "f" * 64 + ".2")):
        assert forms.ingest()[name].resolve(value) == value


@pytest.mark.parametrize(("name", "value"), [("action", "delete"), ("version", 0), ("version", "2"), ("version", 1.5)])
def test_a_bad_deployment_is_refused(name: str, value: Any) -> None:
    """An unknown action, or a version that is no positive number."""
    with pytest.raises(ParamValidationError):
        forms.deploy()[name].resolve(value)


@pytest.mark.parametrize("text", ["90d", "1.5h", "30m", "2w", "10s"])
def test_what_the_form_takes_the_body_reads(spec: ModelSpec, text: str) -> None:
    """The pattern of the form and the parser of durations agree."""
    assert re.fullmatch(forms.train(spec)["window"].schema["pattern"], text)
    assert parse_duration(text).total_seconds() > 0


def test_the_form_shows_the_candidates(spec: ModelSpec) -> None:
    """A person picks from the names in the spec, and sees what an empty window means."""
    form = forms.train(spec)
    assert form["candidates"].schema["examples"] == ["logistic", "tree"]
    assert "empty is all history" in str(form["window"].description)
