"""A deployment with versions to serve, and a service beside it: what the bench and the proof of serving both need."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from include.ratchet.domain import specs
from include.ratchet.domain.config import load_config
from include.ratchet.domain.records import Promotion, RuleResult, Verdict

MODEL = "flight_delay"
ROWS = 20_000


def made(rows: int = ROWS, seed: int = 0) -> Any:
    """Draw a frame of the model's features, some values missing."""
    import numpy as np
    import pandas as pd

    spec, draw = specs.model(MODEL), np.random.default_rng(seed)
    frame: dict[str, Any] = {name: draw.normal(size=rows) for name in spec.columns.numeric}
    for name in spec.columns.numeric[::2]:
        frame[name][draw.uniform(size=rows) < 0.05] = np.nan  # noqa: PLR2004 - one in twenty
    words = np.array([f"W{number}" for number in range(60)], dtype=object)
    frame |= {name: words[np.minimum(draw.geometric(0.1, rows), 60) - 1] for name in spec.columns.categorical}
    return pd.DataFrame(
        {name: pd.Series(values, dtype=object if name in spec.columns.categorical else float) for name, values in frame.items()}
    )


def register(versions: int) -> list[Any]:
    """Fit and register versions of the boosted candidate that all differ; return their pipelines."""
    import numpy as np

    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.domain.ports import TrainingReport
    from include.ratchet.steps.pipeline import build_pipeline

    spec, registry, ledger = specs.model(MODEL), open_registry(), open_ledger()
    candidate = next(each for each in spec.training.candidates if "Boosting" in each.estimator)
    found = []
    for number in range(1, versions + 1):
        frame, draw = made(seed=number), np.random.default_rng(number)
        late = (frame["temp"].fillna(0) + (frame["carrier"] == "W1") + draw.normal(size=len(frame)) > 1).astype(int)
        pipeline = build_pipeline(spec, candidate, {**candidate.params, "learning_rate": 0.05}).fit(
            frame[list(spec.columns.features)], late
        )
        trial = {"params": {}, "scores": [0.7], "score": 0.7, "state": "complete", "reason": ""}
        tried = {"name": "boosting", "score": 0.7, "trials": [trial], "best": trial, "seconds": 1.0}
        registry.register(TrainingReport(MODEL, f"run-{number}", "boosting", pipeline, (tried,), spec.columns, {}, f"snapshot-{number}"))
        rule = RuleResult("made up", "check", "pass", "for a measurement")
        ledger.judge(Verdict(MODEL, number, f"run-{number}", "promote", "for a measurement", (rule,), {}, None, datetime.now(UTC)))
        found.append(pipeline)
    return found


def promote(version: int) -> None:
    """Make a version the champion, in this process and at once."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    blessing, previous = ledger.blessing(MODEL, version), ledger.champion(MODEL)
    if blessing is not None:
        ledger.promote(Promotion(MODEL, version, previous, "promote", "bench", "measured", blessing.digest, datetime.now(UTC)))


@contextlib.contextmanager
def service(workers: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service of this deployment until the end of the block."""
    with started(
        [sys.executable, "-m", "include.ratchet.serving"], f"{load_config().serving.url}/readyz", RATCHET__SERVING__WORKERS=str(workers)
    ) as run:
        yield run


@contextlib.contextmanager
def started(command: list[str], ready: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block; wait until its page answers."""
    log = load_config().folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out)  # noqa: S603 - ours
        try:
            _wait(ready, process)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if Client(url).get(urlsplit(url).path)[0] == http.client.OK:
                return
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer:\n{(load_config().folder / 'server.log').read_text(encoding='utf-8')[-2000:]}")


class Client:
    """One connection that is kept."""

    def __init__(self, url: str) -> None:
        """Connect at the first question."""
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def post(self, path: str, body: bytes) -> tuple[int, Any]:
        """Send JSON; return status and answer."""
        self._connection.request("POST", path, body, {"Content-Type": "application/json"})
        return self._read()

    def send(self, path: str, body: bytes) -> bytes:
        """Send JSON; return the answer as it came.

        Raises:
            SystemExit: It was refused.
        """
        self._connection.request("POST", path, body, {"Content-Type": "application/json"})
        said = self._connection.getresponse()
        text = said.read()
        if said.status != http.client.OK:
            raise SystemExit(f"{path}: {said.status} {text[:500]!r}")
        return text

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for a page."""
        self._connection.request("GET", path)
        return self._read()

    def _read(self) -> tuple[int, Any]:
        said = self._connection.getresponse()
        text = said.read()
        return said.status, json.loads(text) if text.startswith((b"{", b"[")) else text
