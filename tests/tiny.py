"""A project so small that a test can run it: one feed of CSV files, one binary model, 40 rows a day.

`bought` follows `x`; a flipped concept follows `-x`. Rows have unique ids, so that nothing merges by accident.
"""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import RegistryError
from include.ratchet.tasks.seam import run_task

FEED, MODEL = "visits", "buys"
ROWS_A_DAY = 40
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
DAYS = 60

FEED_YAML = """
    name: visits
    source: {kind: files, uri: "landing://visits/*.csv"}
    key: [visit]
    time: {column: at}
    schema: {visit: int64, at: timestamp, x: float64?, colour: string, bought: int64?}
    expectations:
      - {type: expect_column_values_to_be_between, column: x, min_value: -50, max_value: 50}
    quarantine: {max_fraction: 0.05}
"""

VIEW = "fashion"
VIEW_YAML = """
    name: fashion
    feeds: [visits]
    entity: [colour]
    time: known
    ttl: 2d
    features: [visits, mean]
"""
VIEW_SQL = """
    SELECT colour, date_trunc('day', "at") + INTERVAL 1 DAY AS known, count(*) AS visits, round(avg(x), 6) AS mean
    FROM visits GROUP BY ALL;
"""

MODEL_YAML = """
    name: buys
    owner: shop
    task: binary
    feeds: [visits]
    columns: {id: [visit], time: at, label: bought, numeric: [x], categorical: [colour]}
    labels: {lag: 1d}
    training:
      split: {validation: 7d, test: 25d}
      candidates:
        - {name: logistic, estimator: sklearn.linear_model.LogisticRegression}
        - {name: tree, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 4}}
    gate:
      metric: roc_auc
      business: {roc_auc: ">= 0.60"}
      champion: {mode: non_inferior, margin: 0.1}
      test_reuse: {looks: 5}   # the tests train again and again on the same days
    triggers:
      new_data: {min_rows: 100}
      degradation: {drop: 0.1}
    monitor: {window: 7d}
    deploy: {target: batch}
"""


def visits(first_day: int = 0, days: int = DAYS, *, flipped: bool = False, per_day: int = ROWS_A_DAY) -> pd.DataFrame:
    """Make the rows of some days; the same days are the same rows."""
    number = np.arange(first_day * per_day, (first_day + days) * per_day)
    draw = np.random.default_rng(abs(first_day))
    x = draw.normal(size=len(number)).round(6)
    chance = 1 / (1 + np.exp(3 * x if flipped else -3 * x))
    at = [BEGIN + timedelta(days=int(n // per_day), minutes=int(n % per_day)) for n in number]
    return pd.DataFrame(
        {
            "visit": number,
            "at": [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in at],
            "x": x,
            "colour": draw.choice(["red", "green"], len(number)),
            "bought": (draw.uniform(size=len(number)) < chance).astype(int),
        }
    )


def write_specs(include: Path, *, model: str = MODEL_YAML, feed: str = FEED_YAML) -> None:
    """Write the two specs under an include folder."""
    for kind, name, file, text in (("feeds", FEED, specs.FEED_FILE, feed), ("models", MODEL, specs.MODEL_FILE, model)):
        folder = include / kind / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(textwrap.dedent(text), encoding="utf-8")


def add_view(include: Path, sql: str = VIEW_SQL) -> None:
    """Write a view of the day before, by colour."""
    folder = include / "views" / VIEW
    folder.mkdir(parents=True, exist_ok=True)
    (folder / specs.VIEW_FILE).write_text(textwrap.dedent(VIEW_YAML), encoding="utf-8")
    (folder / "view.sql").write_text(textwrap.dedent(sql), encoding="utf-8")


def read_specs_from(include: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every reader of specs look into another include folder."""
    monkeypatch.setattr(specs, "INCLUDE", include)


def deliver(home: Path, name: str, content: pd.DataFrame | bytes) -> Path:
    """Put a file into the landing folder, settled: as if it had been written a while ago."""
    path = home / "landing" / FEED / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.to_csv(index=False).encode())
    long_ago = path.stat().st_mtime - 60
    os.utime(path, (long_ago, long_ago))
    return path


@dataclass
class Project:
    """One home and one include folder; runs task bodies as the DAGs do."""

    home: Path
    include: Path
    run_id: str = "first"

    def deliver(self, name: str, content: pd.DataFrame | bytes) -> Path:
        """Put a settled file into the landing."""
        return deliver(self.home, name, content)

    def write(self, **texts: str) -> None:
        """Write the specs again, with another text of one."""
        write_specs(self.include, **texts)

    def add_view(self, sql: str = VIEW_SQL, *, joined: bool = True) -> None:
        """Add a view of the day before by colour, and let the model join it."""
        add_view(self.include, sql)
        if joined:
            features = "numeric: [x, fashion__visits, fashion__mean]"
            self.write(
                model=MODEL_YAML.replace("numeric: [x]", features).replace("feeds: [visits]", f"feeds: [visits]\n    views: [{VIEW}]")
            )

    def run(self, body: Callable[..., Any], *args: Any, stage: str = "train", run_type: str = "manual", **params: Any) -> Any:
        """Run one body as a task of the current run."""
        context = TaskContext(f"{MODEL}_{stage}", self.run_id, body.__name__, run_type=run_type, who="tester", params=params)
        return run_task(context, body, *args)

    def ingest(self) -> None:
        """Take in everything that waits."""
        from include.ratchet.tasks import ingest

        for sha in self.run(ingest.land, FEED, stage="ingest"):
            self.run(ingest.validate, FEED, self.run(ingest.check, FEED, sha, stage="ingest"), stage="ingest")
        self.run(ingest.merge, FEED, stage="ingest")

    def prepare_registry(self) -> None:
        """Let MLflow make its tables: 3 s that no copy of this home has to spend again."""
        from include.ratchet.adapters import open_registry

        with contextlib.suppress(RegistryError):
            open_registry().get(MODEL, 1)

    def register(self, **params: Any) -> Any:
        """Train up to a registered challenger."""
        from include.ratchet.tasks import arbitrate, snapshot, train

        jobs = self.run(snapshot.snapshot, self.run(arbitrate.arbitrate, MODEL, **params))
        return self.run(train.register, [self.run(train.fit, job) for job in jobs])

    def train(self, **params: Any) -> Any:
        """Train and judge; return the verdict."""
        from include.ratchet.tasks import train

        return self.run(train.judge, self.register(**params))

    def promote(self, **params: Any) -> Any:
        """Deploy what is blessed."""
        from include.ratchet.tasks import choose, deploy

        plan = self.run(deploy.preload, self.run(choose.choose, MODEL, stage="deploy", **params), stage="deploy")
        return self.run(deploy.promote, plan, stage="deploy", **params)

    def rows(self, table: str) -> pd.DataFrame:
        """Read a whole table of the lake."""
        from include.ratchet.adapters import open_lake

        found: pd.DataFrame = open_lake().dataset(table).to_table().to_pandas()
        return found
