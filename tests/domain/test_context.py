"""The task context: set for a block, and for no longer."""

from __future__ import annotations

from contextlib import suppress

import pytest

from include.ratchet.domain.context import TaskContext, current, running


def test_no_task_runs_outside_of_a_block() -> None:
    """A body that is called bare finds no context instead of an old one."""
    with running(TaskContext("d", "r")):
        pass
    with pytest.raises(LookupError):
        current()


def test_the_inner_context_wins_and_ends() -> None:
    """Blocks nest; an error inside ends the inner one too."""
    outer, inner = TaskContext("d", "outer"), TaskContext("d", "inner")
    with running(outer):
        with suppress(RuntimeError), running(inner):
            assert current() is inner
            raise RuntimeError
        assert current() is outer
