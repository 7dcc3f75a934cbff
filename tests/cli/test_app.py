"""What people type: right input works, wrong input ends with a message and a code, never with a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from include.ratchet.adapters import open_ledger
from include.ratchet.cli.app import app
from include.ratchet.domain.errors import QualityError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks.scaffold import ScaffoldReport
from tests.tiny import MODEL_YAML, Project, visits


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "TERM": "dumb"})


def test_without_a_command_it_shows_what_there_is() -> None:
    """All commands are listed."""
    said = _run().output
    for command in ("new", "check", "run", "status", "demo", "up", "down", "feed", "pools", "batches"):
        assert command in said


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", [(), ("buys",), ("visits",)])
def test_check_of_sound_specs_is_ok(words: tuple[str, ...]) -> None:
    """Each spec is named; the code is 0; with a name, only what has that name."""
    made = _run("check", *words)
    assert made.exit_code == 0
    assert {line.split()[1] for line in made.output.splitlines()} == {"feeds/visits", "models/buys"} & (
        {f"{kind}/{word}" for kind in ("feeds", "models") for word in words} or {"feeds/visits", "models/buys"}
    )


def test_check_names_every_fault(project: Project) -> None:
    """Key, found and allowed of all faults at once; the sound feed is ok; the code is 1."""
    project.write(model=MODEL_YAML.replace("task: binary", "task: binnary").replace("window: 7d", "windou: 7d"))
    made = _run("check")
    assert made.exit_code == 1
    assert "ok    feeds/visits" in made.output
    assert "task: found 'binnary'" in made.output
    assert "monitor.windou: unknown key; allowed are schedule, window; did you mean 'window'?" in made.output


def test_check_names_metrics_and_estimators_that_are_not_there(project: Project) -> None:
    """What only the installed packages can tell is a fault as well, and `run` stops at it before any work."""
    project.write(model=MODEL_YAML.replace("metric: roc_auc", "metric: roc_acu").replace("LogisticRegression", "LogisticRegresion"))
    made = _run("check", "buys")
    assert made.exit_code == 1
    said = " ".join(made.output.split())
    assert "fault models/buys" in said
    assert "did you mean 'roc_auc'?" in said
    assert "did you mean 'sklearn.linear_model.LogisticRegression'?" in said
    ran = _run("run", "buys")
    assert isinstance(ran.exception, SpecError)
    assert len(ran.exception.faults) == 2
    assert not project.home.exists()


def test_check_names_a_missing_file(project: Project) -> None:
    """A folder without a spec is a fault."""
    (project.include / "feeds" / "empty").mkdir()
    made = _run("check")
    assert made.exit_code == 1
    assert "feed.yaml: no such file" in made.output


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", ["check", "run", "status"])
def test_an_unknown_model_is_a_message_with_a_guess(command: str) -> None:
    """What was found, what is allowed, and what was perhaps meant."""
    made = _run(command, "buyz")
    assert isinstance(made.exception, SpecError)
    assert "found 'buyz'; allowed are buys; did you mean 'buys'?" in str(made.exception)


@pytest.mark.usefixtures("project")
def test_run_hands_the_options_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reason, window and candidates reach the chain; a stopped batch makes the code 1."""
    asked: list[Any] = []

    def run_chain(spec: ModelSpec, params: Any) -> bool:
        asked.append((spec.name, params))
        return len(asked) == 1

    monkeypatch.setattr("include.ratchet.cli.chain.run_chain", run_chain)
    words = ("run", "buys", "--reason", "why", "--window", "30d", "--candidate", "tree", "--candidate", "logistic")
    assert (_run(*words).exit_code, _run(*words).exit_code) == (0, 1)
    assert asked[0] == ("buys", {"reason": "why", "window": "30d", "candidates": ["tree", "logistic"]})


@pytest.mark.usefixtures("project")
def test_pools_are_what_airflow_imports() -> None:
    """`airflow pools import` reads the output."""
    assert json.loads(_run("pools").output) == {
        "ratchet_buys": {"slots": 1, "description": "One stage of buys at a time", "include_deferred": False}
    }


@pytest.mark.usefixtures("project")
def test_pools_that_are_there_are_left_out(tmp_path: Path) -> None:
    """An import would set the slots of an operator back."""
    there = tmp_path / "there.json"
    there.write_text(json.dumps({"default_pool": {}, "ratchet_buys": {"slots": 3}}), encoding="utf-8")
    assert json.loads(_run("pools", "--beside", str(there)).output) == {}


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ((), []),
        (("--time", "day"), ["day"]),
        (("--time", "day,hour"), ["day,hour"]),
        (("--time", "day", "--time", "hour"), ["day", "hour"]),
    ],
)
def test_new_takes_one_time_or_two(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], times: list[str]) -> None:
    """One column, or the option twice; a comma is the scaffolder's to cut, since a column's name may hold one."""
    asked: list[Any] = []

    def scaffold(*arguments: Any) -> ScaffoldReport:
        asked.append(arguments)
        return ScaffoldReport([Path("x/feed.yaml")], ["100 rows"], ["look at x"], ["edit x"])

    monkeypatch.setattr("include.ratchet.tasks.scaffold.scaffold", scaffold)
    made = _run("new", "shop", "--data", "a.csv", "--target", "y", *words)
    assert made.exit_code == 0
    assert asked == [("shop", Path("a.csv"), "y", times)]
    for part in ("100 rows", "warning look at x", "wrote x/feed.yaml", "next: edit x"):
        assert part in made.output


def test_new_makes_the_pool_of_a_stack_that_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the tasks of the new model would wait without a word."""
    monkeypatch.setattr("include.ratchet.tasks.scaffold.scaffold", lambda *_: ScaffoldReport([], [], [], []))
    monkeypatch.setattr("include.ratchet.local.stack.ensure_pools_if_up", lambda: True)
    assert "pool ratchet_shop is made" in _run("new", "shop", "--data", "a.csv", "--target", "y").output


@pytest.mark.parametrize("words", [("new", "shop"), ("run",), ("bogus",), ("check", "a", "b")])
def test_a_wrong_call_shows_the_usage(words: tuple[str, ...]) -> None:
    """Missing and unknown words are exit code 2."""
    made = _run(*words)
    assert made.exit_code == 2
    assert "Usage:" in made.output


def test_feed_says_what_was_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of both sources; or that the month was there."""
    from include.ratchet.local.flights import Delivery

    made = iter([Delivery("2013-01", "x", 27004, 2226, new=True), Delivery("2013-01", "x", 0, 0, new=False)])
    monkeypatch.setattr("include.ratchet.local.flights.feed", lambda _: next(made))
    assert "2013-01: 27004 flights, 2226 hours of weather" in _run("feed", "2013-01").output
    assert "2013-01: was delivered before" in _run("feed").output


@pytest.mark.usefixtures("home")
def test_down_with_nothing_running_says_so() -> None:
    """It is safe to ask twice."""
    made = _run("down")
    assert (made.exit_code, made.output.strip()) == (0, "nothing was running")


def test_batches_are_listed_and_decided_about(project: Project) -> None:
    """Each batch with its status and why it waits; a decision is said and kept; an unknown feed is named."""
    assert "nothing has landed yet" in _run("batches", "visits").output
    project.deliver("a.csv", visits(0, 1))
    project.deliver("b.csv", visits(1, 1).assign(shop="north"))
    with pytest.raises(QualityError):
        project.ingest()
    listed = _run("batches", "visits").output
    assert "stopped" in listed
    assert "shop: new" in listed
    sha = open_ledger().batches("visits", "stopped")[0].sha
    made = _run("batches", "visits", "--accept", sha[:10], "--reason", "they opened a second shop")
    assert made.exit_code == 0
    assert "accepted batch" in made.output
    assert "from now on: shop: new" in made.output
    project.ingest()
    assert _run("batches", "visits").output.count("merged") == 2
    assert isinstance(_run("batches", "visit").exception, SpecError)


def test_retain_says_what_went(project: Project) -> None:
    """In an empty home there is nothing to remove, and it says of what."""
    assert project.include.exists()
    said = _run("retain")
    assert said.exit_code == 0, said.output
    assert "0 table files, 0 snapshots, 0 raw" in " ".join(said.output.split())
