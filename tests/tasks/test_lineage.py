"""Which data trained a version."""

from __future__ import annotations

import pytest

from include.ratchet.domain.errors import RegistryError
from include.ratchet.tasks.lineage import trained_on
from tests.tiny import DAYS, MODEL, Project, visits


@pytest.mark.usefixtures("blessed")
def test_a_version_is_traced_to_its_files() -> None:
    """The snapshot names the table's version, and that version's rows are counted by batch and file."""
    found = trained_on(MODEL, 1)
    (table,) = found["tables"]
    assert table["feed"] == "visits"
    assert all(each["uri"].endswith(".csv") and len(each["sha"]) == 64 for each in table["batches"])
    assert sum(each["rows"] for each in table["batches"]) >= found["rows"]


def test_what_landed_later_is_not_named(blessed: Project) -> None:
    """A batch that came after the snapshot is in the lake, and not in the answer."""
    before = trained_on(MODEL, 1)
    blessed.deliver("later.csv", visits(DAYS, 2))
    blessed.ingest()
    assert trained_on(MODEL, 1) == before


@pytest.mark.usefixtures("blessed")
def test_an_unknown_version_is_named() -> None:
    """The message says what is registered."""
    with pytest.raises(RegistryError, match="version 9"):
        trained_on(MODEL, 9)
