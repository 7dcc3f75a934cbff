"""Two real schedulers on one PostgreSQL, one of which is killed again and again: every signal is answered once."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence

import pandas as pd  # noqa: TID253 - loaded by a proof that runs

from benchmarks.project import Project, copy
from proofs.book import Json, Proof
from tests import tiny
from tests.databases import empty, server

SIGNALS, DELIVERIES = 200, 6
MODEL_YAML = """
    name: buys
    owner: shop
    task: binary
    feeds: [visits]
    columns: {id: [visit], time: at, label: bought, numeric: [x], categorical: [colour]}
    labels: {lag: 1d}
    training:
      split: {validation: 7d, test: 25d}
      folds: 1
      candidates: [{name: logistic, estimator: sklearn.linear_model.LogisticRegression}]
    gate: {metric: roc_auc, business: {roc_auc: ">= 0.60"}, test_reuse: {looks: 50}}
    triggers:
      schedule: {cron: "0 0 1 1 *"}
      new_data: {min_rows: 1000000}
      degradation: {drop: 0.1}
      drift: {}
      cooldown: 10s
      budget: {runs_per_day: 6}
    deploy: {target: batch}
"""
"""Its own signals are known beforehand: one of the schedule, and none of new data, which only the senders send."""


def run(part: int) -> Json:
    """Send the signals to a fresh copy with the stages that ingest and train, and to no other."""
    project = copy("schedulers")
    _only_tiny(project)
    with server() as url:
        found: Json = project.run(
            "proofs.inside.schedulers",
            str(part),
            str(SIGNALS),
            timeout=2400,
            RATCHET__CLOCK="wall",
            RATCHET__LEDGER=empty(url),
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=empty(url),
        )
    return found


def _only_tiny(project: Project) -> None:
    for kind in ("feeds", "models", "views"):
        shutil.rmtree(project.root / "include" / kind)
    tiny.write_specs(project.root / "include", model=textwrap.dedent(MODEL_YAML))
    for file in (project.root / "dags").glob("*.py"):
        if file.stem not in {"ingest", "train"}:
            file.unlink()
    # By the machine's clock, as the signals are: the last day is the one before yesterday.
    shift = pd.Timestamp.now(tz="UTC").normalize() - pd.Timestamp(tiny.BEGIN) - pd.Timedelta(days=tiny.DAYS + DELIVERIES + 1)
    for number in range(DELIVERIES):  # delivered one by one by the senders; the first is enough to train on
        first, days = (0, tiny.DAYS) if number == 0 else (tiny.DAYS + number, 1)
        place = project.root / "deliveries" / f"{number}.csv"
        place.parent.mkdir(exist_ok=True)
        rows = tiny.visits(first, days)
        rows["at"] = (pd.to_datetime(rows["at"]) + shift).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.to_csv(place, index=False)


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want as many signals held as were sent, every one answered, the runs of Airflow and ledger the same, and some kills."""
    keys = ("sent", "held", "again", "kills", "runs", "by_hand", "allowed", "woken")
    sent, held, again, kills, runs, by_hand, allowed, woken = (sum(part[key] for part in parts) for key in keys)
    totals: Counter[str] = sum((Counter(part["totals"]) for part in parts), Counter())
    faults = [fault for part in parts for fault in part["faults"]]
    answered = ", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items()))
    said = (
        f"{sent} signals sent, {again} of them again, {held} held: {answered}; {woken} runs of the DAG, of which {runs} trained: "
        f"{by_hand} by hand, {runs - by_hand} by themselves (allowed {allowed}); {kills} kills of a scheduler; {len(faults)} faults"
    )
    return sent == held == totals.total() and kills > 0 and not faults, said


SCHEDULERS = Proof(
    "schedulers",
    f"{SIGNALS} mixed signals of five kinds with duplicates, through two real schedulers on one PostgreSQL that are killed at random: "
    "at most the budgeted runs, none lost, none doubled, ledger totals equal signals sent",
    (
        "include/ratchet/domain/arbiter.py",
        "include/ratchet/tasks/arbitrate.py",
        "include/ratchet/adapters/ledger/runs.py",
        "include/ratchet/adapters/ledger/seals.py",
        "include/ratchet/adapters/ledger/store.py",
        "include/ratchet/dagkit/schedules.py",
        "include/ratchet/dagkit/seam.py",
        "dags/train.py",
        "proofs/schedulers.py",
        "proofs/inside/schedulers.py",
    ),
    1,
    run,
    judge,
)
