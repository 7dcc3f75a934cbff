"""The demo's last word is a proof: what serves answers as the champion does."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import DeployError
from include.ratchet.local import proof
from include.ratchet.local.proof import Answer

ROW = {"distance": 100.0, "carrier": "O'Hare"}


class _Pipeline:
    """Says 0.25 to every row."""

    def predict_proba(self, frame: Any) -> Any:
        """Return both classes' probabilities."""
        return np.array([[0.75, 0.25]] * len(frame))


class _Registry:
    """Holds that pipeline under every name."""

    def load(self, _model: str, _version: int) -> _Pipeline:
        """Return it."""
        return _Pipeline()


Serve = Callable[[float, int], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Return a function that sets what the service answers."""
    monkeypatch.setattr("include.ratchet.adapters.open_registry", lambda _config: _Registry())
    monkeypatch.setattr("include.ratchet.tasks.score.example", lambda _model: ROW)
    monkeypatch.setattr("include.ratchet.serving.frames.to_frame", lambda _columns, rows: rows)

    def answer(probability: float, version: int) -> None:
        content = {"version": version, "predictions": [0], "probabilities": [probability]}
        reply = httpx.Response(200, text=json.dumps(content))  # not json=: httpx refuses to send the NaN of one test
        monkeypatch.setattr(httpx, "post", lambda *_, **__: reply)

    return answer


def test_equal_answers_pass(config: Config, serve: Serve) -> None:
    """Both were asked for the same row."""
    serve(0.25, 3)
    assert proof.ask_both(config, "http://service", "flight_delay", 3) == Answer("flight_delay", 3, ROW, 0.25, 0.25)


@pytest.mark.parametrize(("said", "version"), [(0.25 + 1e-8, 3), (0.25, 2), (float("nan"), 3)], ids=["other", "other version", "nan"])
def test_different_answers_are_refused(config: Config, serve: Serve, said: float, version: int) -> None:
    """Another number, another version, or no number: the demo fails."""
    serve(said, version)
    with pytest.raises(DeployError, match="the service says"):
        proof.ask_both(config, "http://service", "flight_delay", 3)


@pytest.mark.usefixtures("serve")
def test_a_service_that_refuses_is_quoted(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own words say what is wrong with the row."""
    monkeypatch.setattr(httpx, "post", lambda *_, **__: httpx.Response(422, text="carrier: missing"))
    with pytest.raises(DeployError, match="answers 422: carrier: missing"):
        proof.ask_both(config, "http://service", "flight_delay", 3)


def test_the_curl_survives_a_shell() -> None:
    """Quotes in the data are escaped; what the shell hands to curl is the row."""
    words = shlex.split(Answer("flight_delay", 1, ROW, 0.0, 0.0).curl("http://127.0.0.1:8090"))
    assert words[2] == "http://127.0.0.1:8090/v1/models/flight_delay:predict"
    assert json.loads(words[-1]) == {"records": [ROW]}


def test_a_service_that_does_not_answer_serves_no_version() -> None:
    """While it starts there is nothing to compare."""
    assert proof.serving_version("http://127.0.0.1:1", "m") is None
