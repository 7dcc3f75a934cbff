"""The task bodies of ingest, train and deploy in sequence, as `./ratchet run` calls them, with their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from include.ratchet.domain import specs
from include.ratchet.domain.context import TaskContext
from include.ratchet.tasks import arbitrate, choose, deploy, dossier, ingest, snapshot, train
from include.ratchet.tasks.seam import run_task


@dataclass
class Sequence:
    """Runs bodies one after the other, and keeps how long each took [s]."""

    run_id: str = "plain"
    took: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter

    def call(self, stage: str, body: Callable[..., Any], *args: Any) -> Any:
        """Run one body under its DAG's name."""
        began = self.clock()
        result = run_task(TaskContext(stage, self.run_id, body.__name__), body, *args)
        name = f"{stage}.{body.__name__}"
        self.took[name] = self.took.get(name, 0.0) + self.clock() - began
        return result

    def ingest(self, feed: str) -> None:
        """Take in what waits at one feed."""
        stage = f"{feed}_ingest"
        batches = self.call(stage, ingest.land, feed)
        for sha in batches:
            self.call(stage, ingest.validate, feed, self.call(stage, ingest.check, feed, sha))
        self.call(stage, ingest.merge, feed)
        self.call(stage, ingest.report, feed, batches)

    def champion(self, model: str) -> None:
        """Train, judge and promote one model."""
        stage = f"{model}_train"
        run = self.call(stage, arbitrate.arbitrate, model)
        fitted = [self.call(stage, train.fit, job) for job in self.call(stage, snapshot.snapshot, run)]
        verdict = self.call(stage, train.judge, self.call(stage, train.register, fitted))
        self.call(stage, train.bless, self.call(stage, dossier.dossier, verdict, fitted))
        stage = f"{model}_deploy"
        plan = self.call(stage, deploy.preload, self.call(stage, choose.choose, model))
        self.call(stage, deploy.promote, plan)


def models() -> list[str]:
    """List the models of this copy."""
    return specs.names("models")
