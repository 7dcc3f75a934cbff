"""The end of the demo: does what serves answer as the champion itself does?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from include.ratchet.domain import specs
from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.modelspec import ModelSpec

TOLERANCE = 1e-9
"""Largest difference between the service and the champion: both compute the same, on one thread."""


@dataclass(frozen=True)
class Answer:
    """One row that was asked for, and what both said."""

    model: str
    version: int
    row: dict[str, Any]
    served: float
    computed: float

    def curl(self, url: str) -> str:
        """Return a command that asks the same once more."""
        body = json.dumps({"records": [self.row]}).replace("'", "'\\''")
        return f"curl -s {url}/v1/models/{self.model}:predict -H 'content-type: application/json' -d '{body}'"


def serving_version(url: str, model: str) -> int | None:
    """Return the version that the service answers with, None while it does not."""
    try:
        content = httpx.get(f"{url}/v1/models/{model}", timeout=10, trust_env=False).raise_for_status().json()
    except httpx.HTTPError:
        return None
    found: int | None = content["version"]
    return found


def ask_both(config: Config, url: str, model: str, version: int) -> Answer:
    """Predict one real row by the service, and with the registered champion in this process.

    Raises:
        DeployError: The two differ, or the service does not answer.
    """
    from include.ratchet.adapters import open_registry
    from include.ratchet.tasks.score import example

    spec = specs.model(model)
    row = dict(example(model))
    reply = httpx.post(f"{url}/v1/models/{model}:predict", json={"records": [row]}, timeout=30, trust_env=False)
    if reply.is_error:
        raise DeployError(f"{model}: the service answers {reply.status_code}: {reply.text[:500]}")
    content = reply.json()
    served = float(content["probabilities"][0] if spec.task == "binary" else content["predictions"][0])
    computed = _computed(spec, open_registry(config).load(model, version), row)
    if content["version"] != version or not abs(served - computed) <= TOLERANCE:
        raise DeployError(
            f"{model}: the service says {served} by version {content['version']}, the champion, version {version}, says {computed}; "
            f"allowed is a difference of {TOLERANCE}"
        )
    return Answer(model, version, row, served, computed)


def _computed(spec: ModelSpec, pipeline: Any, row: dict[str, Any]) -> float:
    from include.ratchet.serving.frames import to_frame

    frame = to_frame(spec.columns, [row])
    return float(pipeline.predict_proba(frame)[0, 1] if spec.task == "binary" else pipeline.predict(frame)[0])
