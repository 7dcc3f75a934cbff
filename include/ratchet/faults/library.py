"""All planted faults, and the drill that plants them one by one."""

from __future__ import annotations

from collections.abc import Iterator

from include.ratchet.faults import data, models, records
from include.ratchet.faults.bed import Bed
from include.ratchet.faults.fault import Fault, Finding, Shown, shown, tried

FAULTS: tuple[Fault, ...] = (*data.FAULTS, *models.FAULTS, *records.FAULTS)


def control(bed: Bed) -> Shown:
    """Judge the honest challenger: what stops it cannot tell a fault from none."""
    return shown(bed.judge(bed.case(proved=bed.proved)))


def drill(bed: Bed, honest: Shown, faults: tuple[Fault, ...]) -> Iterator[Finding]:
    """Plant each fault by itself, and say what came of it."""
    for fault in faults:
        yield tried(fault, bed, honest)
