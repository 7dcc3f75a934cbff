"""The tests mirror the sources: where to look for a module's tests, and which module a test file is about."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from include.ratchet.domain.specs import PROJECT

MIRRORS = {"include/ratchet": "tests", "dags": "tests/dags", "plugins": "tests/plugins"}
"""Sources in the first folder have their tests in the second, at the same place: a/b.py in a/test_b.py."""
NAMES = {"__init__": "init", "__main__": "main"}

BY_ANOTHER = {
    **{
        f"include/ratchet/adapters/ledger/{part}.py": "tests/contract/test_ledger.py: on SQLite and PostgreSQL"
        for part in ("__init__", "batches", "promotions", "runs", "steps", "store", "verdicts")
    },
    "include/ratchet/adapters/ledger/alerts.py": "tests/contract/test_alerts.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/holds.py": "tests/contract/test_holds.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/locks.py": "tests/contract/test_locks.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/reviews.py": "tests/contract/test_reviews.py: on SQLite and PostgreSQL",
    **{
        f"include/ratchet/adapters/ledger/{part}.py": "tests/contract/test_routes.py: on SQLite and PostgreSQL"
        for part in ("routes", "workers")
    },
    "include/ratchet/adapters/ledger/trials.py": "tests/contract/test_trials.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/seals.py": "tests/contract/test_seals.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/recipes.py": "tests/tasks/test_recipe.py: as tasks keep and read them",
    "include/ratchet/adapters/ledger/migrate.py": "tests/contract/test_migrations.py: on SQLite and PostgreSQL",
    "include/ratchet/adapters/ledger/migrations/env.py": "tests/contract/test_migrations.py: Alembic runs it for every command",
    **{
        str(path.relative_to(PROJECT)): "tests/contract/test_migrations.py: every revision, one after the other"
        for path in (PROJECT / "include/ratchet/adapters/ledger/migrations/versions").glob("r*.py")
    },
    **{
        f"include/ratchet/adapters/targets/{part}.py": "tests/contract/test_targets.py: by the calls that it makes"
        for part in ("aws", "local", "packages", "sagemaker")
    },
    "include/ratchet/adapters/targets/transform.py": "tests/contract/test_targets.py: by the jobs that it makes",
    "include/ratchet/adapters/targets/measured.py": "tests/tasks/test_endpoint.py: a canary's figures",
    "include/ratchet/adapters/online.py": "tests/contract/test_online.py: on SQLite and PostgreSQL, beside the fake",
    **{
        f"include/ratchet/backtest/{part}.py": "tests/backtest/test_running.py: the whole, on the tiny project"
        for part in ("bed", "replaying", "reporting")
    },
    **{
        f"include/ratchet/faults/{part}.py": "tests/faults/test_library.py: each fault by the rule that refuses it"
        for part in ("bed", "data", "models", "records", "scripted")
    },
    "include/ratchet/serving/__main__.py": "tests/serving/test_server.py: starts it as a process",
    "include/ratchet/serving/answering.py": "tests/serving/test_app.py: by asking the service",
    "include/ratchet/serving/metrics.py": "tests/serving/test_app.py: by its page",
    "include/ratchet/serving/trees.py": "tests/serving/test_fast.py: against the model that they were read from",
    "include/ratchet/serving/versions.py": "tests/serving/test_champions.py: what the follower loads",
    "include/ratchet/serving/errors.py": "tests/serving/test_app.py: each error by the answer that it becomes",
    "include/ratchet/serving/places.py": "tests/serving/test_champions.py: what the follower knows, by what it does",
    "include/ratchet/serving/predict.py": "tests/serving/test_app.py: by asking the service",
    "include/ratchet/serving/probe.py": "tests/adapters/test_probe.py: the fresh process that the probe starts",
    **{
        f"include/ratchet/steps/infer_{part}.py": "tests/steps/test_infer.py: one inference, in parts that share what they found"
        for part in ("bound", "expect", "feed", "key", "leaks", "model", "read", "roles", "time", "types", "yaml")
    },
}
"""Modules without a test file of their own name: where they are tested, and why there."""

ACROSS = {
    "tests/contract": "what every implementation of a port must do: fakes and real adapters",
    "tests/deploy": "Dockerfile, Compose and settings: no Python sources",
    "tests/integration": "the parts together, through the real scheduler",
    "tests/benchmarks": "mirrors benchmarks/, which is no part of the bundle",
    "tests/proofs": "mirrors proofs/, which is no part of the bundle",
    "tests/browser": "the pages in a real browser",
    "tests/dags/test_bundle.py": "the bundle as a whole",
    "tests/dags/test_policy.py": "what holds for every DAG",
    "tests/local/test_preload.py": "config/airflow_local_settings.py, which belongs to no package",
    "tests/tasks/test_windows.py": "ingest by watermark, from a database to the lake",
    "tests/tasks/test_bad_files.py": "the way of a batch, for every odd file",
    "tests/tasks/test_outages.py": "deployment and scoring, with a store that goes away",
    "tests/tasks/test_changing.py": "promote and rollback, killed at their lines",
    "tests/tasks/test_fuzz.py": "the way of a batch, for batches that nobody thought of",
    "tests/tasks/test_kills.py": "the tasks of all stages, killed",
    "tests/test_docs.py": "the documents",
    "tests/test_layout.py": "this file",
    "tests/test_requirements.py": "the pinned packages",
    "tests/test_setup.py": "scripts/setup.py, which runs before there is an environment",
}
"""Test files that are about no single module, and what they are about."""

TESTS = sorted(path for path in (PROJECT / "tests").rglob("test_*.py"))


def _sources() -> list[Path]:
    found = [path for folder in MIRRORS for path in (PROJECT / folder).rglob("*.py")]
    return sorted(path for path in found if _does_something(path))


def _does_something(path: Path) -> bool:
    """Say whether a module defines a function or a class, or is a file that Airflow runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return path.parent.name == "dags" or any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in ast.walk(tree)
    )


def _relative(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def _mirror(source: Path) -> str:
    """Return where a source's tests belong."""
    folder = next(folder for folder in MIRRORS if _relative(source).startswith(f"{folder}/"))
    inside = Path(_relative(source)).relative_to(folder)
    return str(Path(MIRRORS[folder]) / inside.parent / f"test_{NAMES.get(inside.stem, inside.stem)}.py")


def test_every_source_has_its_test_file() -> None:
    """A module without a test file at the mirrored place is listed with the file that tests it, and why."""
    missing = [_relative(source) for source in _sources() if not (PROJECT / _mirror(source)).exists()]
    assert [path for path in missing if path not in BY_ANOTHER] == []


def test_every_test_file_has_its_source() -> None:
    """A test file that mirrors no module is listed with what it is about."""
    mirrored = {_mirror(source) for source in _sources()}
    stray = [_relative(path) for path in TESTS if _relative(path) not in mirrored]
    assert [path for path in stray if not any(path == known or path.startswith(f"{known}/") for known in ACROSS)] == []


def test_every_exception_is_needed() -> None:
    """A listed module exists, has no test file of its own, and the file that tests it exists."""
    sources = {_relative(source): source for source in _sources()}
    assert [path for path in BY_ANOTHER if path not in sources] == []
    assert [path for path in BY_ANOTHER if (PROJECT / _mirror(sources[path])).exists()] == []
    assert [reason for reason in BY_ANOTHER.values() if not (PROJECT / reason.split(":")[0]).exists()] == []


@pytest.mark.parametrize("path", TESTS, ids=_relative)
def test_every_test_says_what_holds(path: Path) -> None:
    """The docstring states the behaviour; a name alone says what is looked at, not what is right."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")]
    assert tests
    assert [node.name for node in tests if not ast.get_docstring(node)] == []
    assert ast.get_docstring(tree)
