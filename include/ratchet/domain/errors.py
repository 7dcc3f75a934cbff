"""What can go wrong, by whose fault it is.

RatchetError
├── SpecError (ValueError)   a spec or ratchet.yaml says something that cannot be
├── DataError                the data cannot be used as it is
├── QualityError             a batch broke its feed's schema or expectations
├── RegistryError            the model registry does not hold what was asked for
├── LedgerError              the ledger refuses a write
│   ├── FrozenError          promotions are frozen
│   └── OvertakenError       what was decided is old: another has written meanwhile
└── DeployError              a version cannot be served
    └── StoppedError         a canary showed a fault

A `RatchetError` is terminal for a task: trying again gives the same answer. Anything else (network,
locks) is foreign and is retried. `Skip` is neither: the stage had nothing to do, and says why.
"""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from typing import Any

MAX_FAULTS_SHOWN = 12


class RatchetError(Exception):
    """Base of all errors that Ratchet raises itself; the message says what to do next."""


class FaultsError(RatchetError):
    """Several faults found in one pass, reported together."""

    def __init__(self, headline: str, faults: Sequence[str], hint: str = "") -> None:
        """Keep every fault in `faults`; show at most `MAX_FAULTS_SHOWN` of them in the text."""
        self.headline = headline
        self.faults = tuple(faults)
        shown = [f"  - {fault}" for fault in self.faults[:MAX_FAULTS_SHOWN]]
        if len(self.faults) > MAX_FAULTS_SHOWN:
            shown.append(f"  - ... and {len(self.faults) - MAX_FAULTS_SHOWN} more")
        super().__init__("\n".join([headline, *shown, *([hint] if hint else [])]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Be unpickled without `__init__`: it would be given the text alone, fail, and break the pool of processes that it came from."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]  # typeshed does not know it


class SpecError(FaultsError, ValueError):
    """A spec file or `ratchet.yaml` holds something that is not allowed."""


class DataError(RatchetError):
    """Rows cannot be used as they are."""


class QualityError(FaultsError):
    """A batch broke its feed's schema or its expectations."""


class RegistryError(RatchetError):
    """The model registry does not hold what was asked for."""


class LedgerError(RatchetError):
    """The ledger refuses a write."""


class FrozenError(LedgerError):
    """Promotions of a model are frozen."""


class OvertakenError(LedgerError):
    """Another has written what this decision did not know; decide again."""


class DeployError(RatchetError):
    """A version cannot be served."""


class StoppedError(DeployError):
    """A version was stopped as a canary."""


class Skip(Exception):  # noqa: N818 - not an error: the stage had nothing to do
    """The stage had nothing to do; the text is the reason that the operator sees."""
