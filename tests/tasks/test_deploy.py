"""One champion, whoever is killed, whoever else promotes, and whatever was altered."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pytest

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.errors import LedgerError, RegistryError
from include.ratchet.tasks import choose, deploy, smoke
from tests.tasks.deploying import aliases, fail, go, history
from tests.tiny import MODEL, Project


def _tried(project: Project, plan: dict[str, Any]) -> Any:
    try:
        return go(project, deploy.promote, plan)
    except LedgerError as error:
        return error


def test_every_body_is_safe_to_run_again(serving: Project) -> None:
    """Choose, preload, promote and smoke called twice promote once."""
    plan = go(serving, choose.choose, MODEL)
    assert plan == go(serving, choose.choose, MODEL)
    for body in (deploy.preload, deploy.promote, smoke.smoke):
        assert go(serving, body, plan) == go(serving, body, plan) == plan
    assert history() == [("promote", 1, None), ("promote", 2, 1)]
    assert aliases() == {"challenger": 2, "champion": 2, "previous": 1}


def test_a_promotion_that_was_ended_halfway_is_completed(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is the truth: the next try only makes the aliases follow it."""
    plan = go(serving, choose.choose, MODEL)
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.registry.MlflowRegistry.point", fail)
        with pytest.raises(OSError, match="pulled"):
            go(serving, deploy.promote, plan)
    assert (open_ledger().champion(MODEL), aliases()["champion"]) == (2, 1)
    go(serving, deploy.promote, plan)
    assert len(history()) == 2
    assert aliases()["champion"] == 2


def test_the_ledger_turns_a_forged_plan_down(serving: Project) -> None:
    """Promote checks the evidence itself: a plan for another version than the verdict's changes nothing."""
    plan = {**go(serving, choose.choose, MODEL), "version": 3}
    with pytest.raises(LedgerError, match="not blessed"):
        go(serving, deploy.promote, plan)
    assert history() == [("promote", 1, None)]


def test_an_altered_artifact_goes_no_further(blessed: Project) -> None:
    """One changed byte after registration, and preload refuses by name; nothing is promoted."""
    plan = go(blessed, choose.choose, MODEL)
    path = Path(open_registry().artifact(MODEL, 1))
    before = path.read_bytes()
    path.write_bytes(before + b"\0")
    try:
        with pytest.raises(RegistryError, match="altered after it was registered"):
            go(blessed, deploy.preload, plan)
    finally:
        path.write_bytes(before)  # the stage's artifact is shared by all tests
    assert history() == []


def test_an_artifact_that_was_never_judged_goes_no_further(blessed: Project) -> None:
    """File and registry tag changed together: the ledger's verdict still names the file that was judged."""
    plan = go(blessed, choose.choose, MODEL)
    path = Path(open_registry().artifact(MODEL, 1))
    before = path.read_bytes()
    assert open_ledger().verdicts(MODEL)[0].artifact == hashlib.sha256(before).hexdigest()
    path.write_bytes(before + b"\0")
    open_registry().tag(MODEL, 1, {"ratchet.artifact_sha256": hashlib.sha256(before + b"\0").hexdigest()})
    try:
        with pytest.raises(RegistryError, match="altered after it was judged"):
            go(blessed, deploy.preload, plan)
    finally:
        path.write_bytes(before)  # the stage's artifact is shared by all tests
    assert history() == []


def test_two_deploys_at_once_and_one_wins(serving: Project) -> None:
    """Both chose before either promoted: one becomes champion, the other is told who is."""
    registered = open_registry().get(MODEL, 2)
    mlflow.MlflowClient().create_model_version(MODEL, registered.uri, run_id=registered.run_id)
    other = replace(open_ledger().verdicts(MODEL)[0], version=3, run_id="third", digest="", at=datetime.now(UTC))
    blessing = open_ledger().judge(other)
    plan = go(serving, choose.choose, MODEL, version=2)
    rival = {**plan, "version": 3, "evidence": blessing.digest}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(_tried, [serving] * 2, [plan, rival]))
    assert sorted(map(str, map(type, results))) == sorted(map(str, (dict, LedgerError))), results
    assert len(history()) == 2
    assert aliases()["champion"] == open_ledger().champion(MODEL)
    lost = next(each for each in results if isinstance(each, LedgerError))
    assert "the champion is version" in str(lost)


def test_a_promotion_that_is_tried_again_does_not_undo_a_rollback(serving: Project) -> None:
    """It was recorded, its aliases were not; meanwhile a person went back: that is the newer word."""
    plan = serving.run(choose.choose, MODEL, stage="deploy")
    serving.run(deploy.promote, plan, stage="deploy")
    back = serving.run(choose.choose, MODEL, stage="deploy", action="rollback")
    serving.run(deploy.promote, back, stage="deploy")
    serving.run(deploy.promote, plan, stage="deploy")
    assert open_ledger().champion(MODEL) == 1
