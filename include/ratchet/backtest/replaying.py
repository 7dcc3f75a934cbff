"""One window of one policy: score, measure, signal, arbitrate, train, judge and promote, by the bodies of the DAGs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from include.ratchet.adapters import open_ledger
from include.ratchet.backtest import bed
from include.ratchet.backtest.bed import Bed
from include.ratchet.backtest.training import model_of, snapshot_of, spent
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.tasks import arbitrate, choose, deploy, monitor, score, train
from include.ratchet.tasks.seam import run_task

BY_HAND = "no champion yet: the first one is asked for by hand"


def window_of(made: Bed, policy: str, number: int) -> Json:
    """Replay one window under a policy, after those before it; return what happened, made once.

    Returns:
        `served`, the version whose predictions the window's rows got, None where there was none; `signals`, `decision` and
        `started`; `outcome` and `sentence` of the gate; `champion` from then on; `seconds` of processor time, without the training's own.
    """
    path = made.folder / "policies" / policy / "windows" / f"{number:03}.json"
    if path.exists():
        content: Json = bed.read(path)
        return content
    began = spent()
    with made.at(number, policy, policy) as spec:
        content = _Window(spec, made, number).replay()
    content |= {"number": number, "seconds": spent() - began - content.pop("training", 0.0)}
    bed.write(path, content)
    return content


def measure(model: str) -> Json:
    """Measure what signals are made of: nobody reads the reports of a past that is replayed."""
    return monitor.measure(model, read=False)


class _Window:
    """The end of one window, on a policy's own ports."""

    def __init__(self, spec: ModelSpec, made: Bed, number: int) -> None:
        self.spec, self.made, self.number = spec, made, number
        self.run_id = f"window-{number:03}"

    def replay(self) -> Json:
        """Do what the DAGs do when a window's data has come."""
        ledger, name = open_ledger(), self.spec.name
        served = ledger.champion(name)
        known = ledger.run(name, self.run_id)  # a replay that was ended within this window had begun its run
        looked_at = self.spec.triggers.degradation or self.spec.triggers.drift  # what no trigger asks about is not measured
        if served is not None and looked_at and not (known and served == self.number):
            self._call("score", score.score, name)
            report = self._call("monitor", measure, name)
            if report:
                self._call("monitor", monitor.signal, report)
        before = served if served != self.number else self._before()
        run = self._call("train", arbitrate.arbitrate, name, run_type="manual" if before is None else "backtest", reason=BY_HAND)
        found = self._train(run) if run else {"started": False}
        mine = [(signal, became) for signal, became in ledger.signals(name) if signal.at == self.made.step(self.number).window.end]
        return found | {
            "served": before,
            "champion": ledger.champion(name),
            "signals": [{"kind": signal.kind, "evidence": signal.evidence, "became": became.outcome} for signal, became in reversed(mine)],
            "decision": run["reason"] if run else "; ".join(dict.fromkeys(became.reason for _, became in mine if became.reason)),
        }

    def _train(self, run: Json) -> Json:
        """Take the window's model, judge it against this policy's champion, and promote it when it is blessed."""
        ledger, trained = open_ledger(), model_of(self.made, self.number)
        if "skipped" in trained:
            return {"started": True, "outcome": "skipped", "sentence": trained["skipped"]}
        ledger.snapshot(snapshot_of(trained))
        self._record(trained)
        verdict = self._call("train", train.judge, trained["challenger"] | {"run": run})
        plan = self._call("deploy", choose.choose, self.spec.name)
        if plan:
            self._call("deploy", deploy.promote, plan)
        return {"started": True, "outcome": verdict["outcome"], "sentence": verdict["sentence"]}

    def _record(self, trained: Json) -> None:
        """Enter what the training took where the arbiter's budget looks: the policy would have had to spend it."""
        times = {key: datetime.fromisoformat(trained[key]) for key in ("began", "ended")}
        open_ledger().step(
            dag_id=f"{self.spec.name}_train",
            run_id=self.run_id,
            task_id="fit",
            map_index=-1,
            try_number=1,
            executor="backtest",
            bundle=None,
            code_version="",
            started_at=times["began"],
            ended_at=times["ended"],
            state="success",
            reason="",
            parameters={},
            input="",
            output="",
        )

    def _before(self) -> int | None:
        """Return the champion before the one that this window promoted."""
        return open_ledger().promotions(self.spec.name)[0].previous

    def _call(self, stage: str, body: Callable[..., Any], *args: Any, run_type: str = "backtest", **params: Any) -> Any:
        """Run one body as a task of this window; None when it had nothing to do."""
        context = TaskContext(f"{self.spec.name}_{stage}", self.run_id, body.__name__, run_type=run_type, who="backtest", params=params)
        try:
            return run_task(context, body, *args)
        except Skip:
            return None
