"""The button that opens a dossier."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from include.ratchet.dagkit.links import DossierLink, dossier


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ({"dossier": {"url": "http://127.0.0.1:5000/#/x"}}, "http://127.0.0.1:5000/#/x"),
        ({"dossier": {"url": "runs:/1/dossier.html"}}, ""),
        ({"dossier": {"url": "javascript:alert(1)"}}, ""),
        (None, ""),
    ],
)
def test_only_an_address_for_a_browser_becomes_a_button(said: Any, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a page of MLflow, or before the task has returned anything, there is none."""
    monkeypatch.setattr(XCom, "get_value", lambda **_: said)
    assert DossierLink().get_link(None, ti_key=None) == link


def test_the_task_carries_it() -> None:
    """Airflow serialises links by their name."""
    page = SimpleNamespace(operator=SimpleNamespace(operator_extra_links=()))
    assert [each.name for each in dossier(page).operator.operator_extra_links] == ["Dossier"]
