"""The forms of manual runs.

A field of text that may stay empty is null by default: Airflow's page lets nobody send a form with an empty text, which it
takes for a required one that is missing.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from include.ratchet.domain.durations import format_duration
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import OPEN

_TEXT = ["null", "string"]


def train(spec: ModelSpec) -> dict[str, Any]:
    """Ask for a reason, a window, candidates, whether to pass cooldown and budget by, and whether it is only an experiment."""
    names = [each.name for each in spec.training.candidates]
    window = format_duration(spec.training.window) if spec.training.window else "all history"
    return {
        "reason": Param(None, type=_TEXT, title="Reason", description="Why this run? It is kept in the ledger."),
        "window": Param(
            None,
            type=_TEXT,
            title="Window",
            pattern=r"^(\d+(\.\d+)?[smhdw])?$",
            description=f"History to train on, such as 90d; empty is {window}.",
        ),
        "candidates": Param(
            [], type="array", items={"type": "string"}, examples=names, title="Candidates", description="Empty is all of them."
        ),
        "force": Param(False, type="boolean", title="Force", description="Pass cooldown and budget by, for all that is pending."),  # noqa: FBT003
        "experiment": Param(
            False,  # noqa: FBT003
            type="boolean",
            title="Experiment",
            description="Only try it: the candidates' scores are tracked in MLflow, nothing is registered, judged or blessed.",
        ),
        "overrides": Param(
            None,
            type=["null", "object"],
            title="Overrides",
            description=f"For an experiment: other {', '.join(OPEN)} than model.yaml's, as JSON.",
        ),
    }


def deploy() -> dict[str, Any]:
    """Ask what to do, with which version, and why."""
    return {
        "action": Param(
            "promote",
            enum=["promote", "rollback", "freeze", "thaw"],
            title="Action",
            description="A rollback goes to a former champion. While frozen nothing is promoted; rollbacks go on. "
            "What is asked here waits for the run before it, a canary too: ./ratchet freeze acts at once.",
        ),
        "version": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Version",
            description="Empty is the newest blessed one, or the champion before.",
        ),
        "reason": Param(None, type=_TEXT, title="Reason", description="Why? It is kept in the ledger."),
    }


def ingest() -> dict[str, Any]:
    """Ask what to do besides taking in what waits: decide about a stopped batch."""
    return {
        "action": Param(
            "run",
            enum=["run", "accept", "reject", "repair"],
            title="Action",
            description="accept: what changed in the batch is right, now and from now on. reject: the batch is never taken in. "
            "repair: quarantined rows are judged by the rules of today.",
        ),
        "batch": Param(
            None,
            type=_TEXT,
            title="Batch",
            pattern=r"^([0-9a-f]{4,64}(\.\d+)?)?$",
            description="The beginning of its SHA-256, as the failed run names it; empty is the only one that is stopped.",
        ),
        "reason": Param(None, type=_TEXT, title="Reason", description="Why? It is kept in the ledger; a decision needs one."),
    }
