"""Errors: bounded text, every fault kept."""

from __future__ import annotations

from include.ratchet.domain.errors import MAX_FAULTS_SHOWN, DataError, QualityError, RatchetError, Skip, SpecError


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
