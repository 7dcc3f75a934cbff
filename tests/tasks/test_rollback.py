"""The rollback that cannot wait: ledger first, then the service, then the aliases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.specs import PROJECT
from include.ratchet.tasks import rollback
from tests.tasks.deploying import LOCAL, Service, aliases, go, history
from tests.tiny import MODEL, Project


def test_the_ledger_changes_and_the_aliases_wait(serving: Project) -> None:
    """What the service follows is changed at once; what only people read is set right afterwards."""
    serving.promote()
    plan = go(serving, rollback.roll_back, MODEL, reason="complaints")
    assert (plan["version"], plan["previous"]) == (1, 2)
    assert history()[-1] == ("rollback", 1, 2)
    assert open_ledger().promotions(MODEL)[0].why == "complaints"
    assert aliases()["champion"] == 2


def test_only_a_former_champion_is_gone_back_to(serving: Project) -> None:
    """Being quick skips no rule."""
    with pytest.raises(DeployError, match="was never champion"):
        go(serving, rollback.roll_back, MODEL, version=2)
    assert history() == [("promote", 1, None)]


def test_it_is_quick_only_where_a_service_answers(serving: Project, service: Service) -> None:
    """A batch model has nobody who looks at the version before it is relied on, nor has a stopped service."""
    assert not rollback.is_quick(MODEL)
    serving.write(model=LOCAL)
    assert rollback.is_quick(MODEL)
    service.stop()
    assert not rollback.is_quick(MODEL)


def test_nothing_heavy_is_loaded_before_the_ledger_has_changed(serving: Project) -> None:
    """A process of its own that rolls back has loaded neither MLflow nor scikit-learn nor pandas when it is done."""
    serving.promote()
    code = (
        "import sys; from pathlib import Path; from include.ratchet.domain import specs; specs.INCLUDE = Path(sys.argv[1])\n"
        "from include.ratchet.cli import chain; from include.ratchet.tasks import rollback\n"
        "chain._Chain(specs.model('buys'), {}).stage('deploy', rollback.roll_back, 'buys')\n"
        "print([each for each in ('mlflow', 'sklearn', 'pandas', 'numpy') if each in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(serving.include)]
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert open_ledger().champion(MODEL) == 1


def test_the_command_takes_the_quick_way(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """`./ratchet rollback`: the ledger, the service that shows the version, the aliases; all three agree at the end."""
    from include.ratchet.cli import chain
    from include.ratchet.domain import specs

    serving.write(model=LOCAL)
    serving.promote()
    service.shows(2)
    monkeypatch.setattr("include.ratchet.cli.show.status", lambda _: None)
    threading.Timer(0.2, service.shows, [1]).start()
    chain.roll_back(specs.model(MODEL), {"action": "rollback", "version": None, "reason": "complaints"})
    assert (history()[-1], aliases()["champion"]) == (("rollback", 1, 2), 1)
