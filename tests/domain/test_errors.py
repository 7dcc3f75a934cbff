"""Errors: bounded text, every fault kept."""

from __future__ import annotations

import inspect
import pickle

import pytest

from include.ratchet.domain import errors
from include.ratchet.domain.errors import MAX_FAULTS_SHOWN, DataError, FaultsError, QualityError, RatchetError, Skip, SpecError
from include.ratchet.domain.skew import SkewError


def test_text_is_bounded_and_nothing_is_forgotten() -> None:
    """The text shows the first faults and how many more there are; the attribute keeps all."""
    error = QualityError("feed f: bad", [f"fault {i}" for i in range(10_000)], "Mend it.")
    lines = str(error).splitlines()
    assert len(error.faults) == 10_000
    assert len(lines) == 1 + MAX_FAULTS_SHOWN + 1 + 1
    assert lines[-2:] == [f"  - ... and {10_000 - MAX_FAULTS_SHOWN} more", "Mend it."]


def test_a_spec_fault_is_a_value_error() -> None:
    """Pydantic and argparse treat a wrong spec as a wrong value."""
    assert issubclass(SpecError, ValueError)


def test_skip_is_no_error_of_ours() -> None:
    """A stage with nothing to do must not be taken for a failure."""
    assert not issubclass(Skip, RatchetError)
    assert issubclass(DataError, RatchetError)


KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_processes(kind: type[Exception]) -> None:
    """What a worker raises is raised again with all it says: an error that cannot be unpickled breaks the pool instead."""
    error = kind("bad", ["first", "second"], "Mend it.") if issubclass(kind, FaultsError) else kind("bad")
    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert (type(found), str(found), vars(found)) == (kind, str(error), vars(error))


def test_an_error_with_an_init_of_its_own_crosses_processes() -> None:
    """A kind that is made from something else than a headline is not made anew, but brought over as it is."""
    error = SkewError("f", [], "Mend it.")
    found = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(found), str(found), vars(found)) == (SkewError, str(error), vars(error))
