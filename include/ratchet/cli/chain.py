"""`./ratchet run`: the stages of the DAGs, through the same bodies, in this process."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.ratchet.cli import show
from include.ratchet.domain import specs
from include.ratchet.domain.alerts import TYPED
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import QualityError, RatchetError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.local.demo import MODELS as BUNDLED
from include.ratchet.tasks import (
    agree,
    alerts,
    arbitrate,
    choose,
    deploy,
    dossier,
    endpoint,
    freeze,
    ingest,
    materialize,
    monitor,
    rehearse,
    requests,
    rollback,
    score,
    smoke,
    snapshot,
    train,
)
from include.ratchet.tasks.seam import run_task


def run_chain(spec: ModelSpec, params: Json) -> bool:
    """Run all stages of one model and of its feeds; return whether nothing failed.

    A stage that has nothing to do says so and the next one goes on; a stopped batch is named at the end.
    """
    chain = _Chain(spec, params)
    with chain.progress:
        for feed in specs.all_feeds(spec):
            chain.ingest(feed)
        for view in spec.views:
            chain.stage("materialize", materialize.materialize, view, subject=view)
        chain.train()
        chain.deploy()
        chain.stage("score", score.score, spec.name)
        chain.stage("monitor", requests.ship, spec.name)
        report = chain.stage("monitor", monitor.measure, spec.name)
        if report:
            chain.stage("monitor", monitor.signal, report)
    for fault in chain.faults:
        show.console.print("[red]stopped[/red]", end=" ")
        show.console.print(fault, markup=False)
    if chain.judged:
        from include.ratchet.adapters import open_ledger

        show.verdict(next(v for v in open_ledger().verdicts(spec.name) if v.run_id == chain.run_id))
    show.status(spec.name)
    subjects = {spec.name, *specs.all_feeds(spec), *spec.views}
    alerts.look(subjects, settled=chain.run_id)
    show.alerts(subjects)
    return not chain.faults


def roll_back(spec: ModelSpec, params: Json) -> None:
    """Put a former champion back: where a service answers, in the ledger first; else through the stages of the deploy DAG."""
    chain = _Chain(spec, params)
    with chain.progress:
        if not rollback.is_quick(spec.name):
            chain.deploy()
        elif plan := chain.stage("deploy", rollback.roll_back, spec.name):
            chain.stage("deploy", smoke.smoke, plan)
            chain.stage("deploy", deploy.reconcile, spec.name)
    show.status(spec.name)


def rehearse_rollback(spec: ModelSpec) -> None:
    """Try the way back, as its DAG does."""
    _Chain(spec, {}).stage("rehearse", rehearse.rehearse, spec.name)
    show.status(spec.name)


def answer(spec: ModelSpec, version: int | None, *, agreed: bool, reason: str) -> None:
    """Answer whether a blessed version may serve."""
    _Chain(spec, {}).stage("deploy", agree.answer, spec.name, version, agreed, reason)


def hold(spec: ModelSpec, action: str, reason: str) -> None:
    """Freeze promotions, or thaw them; say what holds now."""
    said = _Chain(spec, {"action": action, "reason": reason}).stage("deploy", freeze.hold, spec.name, action, reason)
    show.console.print(said, markup=False, highlight=False, soft_wrap=True)


def try_out(spec: ModelSpec, params: Json) -> list[Json]:
    """Fit candidates as an experiment, on what is in the lake; return what each fit returned."""
    chain = _Chain(spec, params)
    with chain.progress:
        fitted = chain.fit()
        if fitted:
            chain.stage("train", train.register, fitted)
    return fitted


class ChainError(RatchetError):
    """A stage met an error of another's making: a source that is not there, a full disk."""


class _Chain:
    """One in-process run: its id, its progress, and what went wrong."""

    def __init__(self, spec: ModelSpec, params: Json) -> None:
        self.spec, self.params = spec, params
        self.run_id = f"{TYPED}{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}"
        self.faults: list[str] = []
        self.judged = False
        self.progress = Progress(
            SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=show.console, transient=True
        )
        # Per feed land, check, validate, merge; a view; six stages of training and one per candidate; four of deployment; two more.
        self._all = self.progress.add_task("", total=4 * len(specs.all_feeds(spec)) + len(spec.views) + 12 + len(spec.training.candidates))

    def stage(self, stage: str, body: Callable[..., Any], *args: Any, subject: str = "") -> Any:
        """Run one body under its DAG's name; return None when it had nothing to do."""
        name = f"{subject or self.spec.name}_{stage}"
        self.progress.update(self._all, description=f"{name}.{body.__name__}")
        context = TaskContext(name, self.run_id, body.__name__, who=getpass.getuser(), params=self.params)
        began, sign, said = time.monotonic(), "[green]done   [/]", ""
        try:
            return run_task(context, body, *args)
        except Skip as skip:
            sign, said = "[magenta]skipped[/]", escape(str(skip))
            return None
        except RatchetError:
            sign = "[red]failed [/]"
            raise
        except Exception as error:
            sign = "[red]failed [/]"
            raise ChainError(self._explained(name, body.__name__, error)) from error
        except BaseException:
            sign = "[red]failed [/]"
            raise
        finally:
            self.progress.advance(self._all)
            self.progress.console.print(f"{sign} {name}.{body.__name__:<10} {time.monotonic() - began:5.1f} s  {said}", highlight=False)

    def _explained(self, dag: str, task: str, error: Exception) -> str:
        """Say what failed, where, and what to do next."""
        first = next(iter(str(error).splitlines()), "")
        said = f"{dag}.{task} failed: {type(error).__name__}: {first}"
        feed = dag.removesuffix("_ingest")
        if feed == dag:
            return f"{said}\nRun it again; what was done before is kept."
        if self.spec.name in BUNDLED:
            return f"{said}\nThe example's data may not be there yet: make feed (or make demo) delivers it; then run this again."
        return f"{said}\nLook at `source` in include/feeds/{feed}/feed.yaml: what it names must be there and answer."

    def ingest(self, feed: str) -> None:
        """Take in what waits at one feed; a batch that does not fit is kept, and named at the end."""
        for sha in self.stage("ingest", ingest.land, feed, subject=feed) or []:
            try:
                self.stage("ingest", ingest.check, feed, sha, subject=feed)
                self.stage("ingest", ingest.validate, feed, sha, subject=feed)
            except QualityError as error:
                self.faults.append(str(error))
        self.stage("ingest", ingest.merge, feed, subject=feed)

    def train(self) -> None:
        """Train and judge a challenger."""
        fitted = self.fit()
        if not fitted:
            return
        verdict = self.stage("train", train.judge, self.stage("train", train.register, fitted))
        self.judged = True
        self.stage("train", train.bless, self.stage("train", dossier.dossier, verdict, fitted))

    def fit(self) -> list[Json]:
        """Fit the candidates of a run, when there is one."""
        run = self.stage("train", arbitrate.arbitrate, self.spec.name)
        return [self.stage("train", train.fit, job) for job in self.stage("train", snapshot.snapshot, run)] if run else []

    def deploy(self) -> None:
        """Promote what was blessed, and agreed to where the spec asks; without a canary, which is for the scheduler's requests."""
        plan = self.stage("deploy", choose.choose, self.spec.name)
        outside = self.spec.deploy.sagemaker is not None
        for body in (deploy.preload, *([endpoint.publish] if outside else [])):
            plan = plan and self.stage("deploy", body, plan)
        if plan and self.spec.deploy.approval == "required":
            plan = self.stage("deploy", agree.approved, plan, None, None)
        seen = (deploy.promote, smoke.smoke)
        for body in (endpoint.shift, endpoint.settled, *seen, endpoint.tidy) if outside else seen:
            plan = plan and self.stage("deploy", body, plan)
