"""The record of what runs survives its writer, and a torn one counts as none."""

from __future__ import annotations

import pytest

from include.ratchet.domain.config import Config
from include.ratchet.local import environment, record
from include.ratchet.local.ports import Ports
from include.ratchet.local.processes import Child
from include.ratchet.local.record import Stack, StackError


def _stack(config: Config) -> Stack:
    log = config.folder / "part.log"
    return Stack("id", Ports(), (Child("part", 2**22 + 1, 1.0, str(log)),), 5.0)


def test_what_is_written_is_read(config: Config) -> None:
    """Any later command finds the same parts."""
    environment.folders(config)
    record.write(config, _stack(config))
    assert record.read(config) == _stack(config)


def test_nothing_written_or_torn_is_none(config: Config) -> None:
    """After a power cut `down` still works, by the marker alone."""
    assert record.read(config) is None
    environment.folders(config)
    (config.folder / "run" / "stack.json").write_text('{"id": ')
    assert record.read(config) is None
    record.forget(config)
    record.forget(config)


def test_a_part_that_ended_is_named_with_its_last_words(config: Config) -> None:
    """The reason is most often in the last lines of its log."""
    environment.folders(config)
    (config.folder / "part.log").write_text("cannot bind\n")
    with pytest.raises(StackError, match=r"part ended by itself; the end of .*part\.log:\ncannot bind"):
        _stack(config).require_alive()
