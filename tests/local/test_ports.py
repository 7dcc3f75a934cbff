"""Ports are read from three variables, and a busy one is named together with its owner."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.local.ports import Ports, require_free


def test_ports_have_defaults_and_follow_their_variables() -> None:
    """An empty variable, as make exports it, counts as not set."""
    assert Ports.from_env({"AIRFLOW_PORT": "8081", "MLFLOW_PORT": ""}) == Ports(8081, 5000, 8090)


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80 80"])
def test_a_value_that_is_no_port_is_named_with_its_variable(value: str) -> None:
    """The message says which variable, what was found, and what is allowed."""
    with pytest.raises(SpecError, match=r"MLFLOW_PORT: found .*allowed is a port"):
        Ports.from_env({"MLFLOW_PORT": value})


def test_two_equal_ports_are_refused() -> None:
    """Two servers cannot share one port."""
    with pytest.raises(SpecError, match="the same"):
        Ports.from_env({"MLFLOW_PORT": "8080"})


def test_a_busy_port_names_the_owner_and_the_variable(busy_port: int, free_ports: Ports) -> None:
    """Says who listens, and which variable chooses another port."""
    with pytest.raises(SpecError) as caught:
        require_free(replace(free_ports, airflow=busy_port))
    assert f"port {busy_port}, for airflow, is taken by process {os.getpid()}" in str(caught.value)
    assert "make demo AIRFLOW_PORT=" in str(caught.value)
    assert len(caught.value.faults) == 1


def test_free_ports_pass(free_ports: Ports) -> None:
    """Nothing is raised when nobody listens."""
    require_free(free_ports)


def test_every_server_has_its_address_on_this_machine() -> None:
    """The stack has no passwords, so it answers on loopback only."""
    assert Ports(serving=8091).url("serving") == "http://127.0.0.1:8091"
