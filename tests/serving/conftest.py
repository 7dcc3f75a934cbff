"""A house per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.fakes import fit
from tests.serving.houses import House, build_house


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Give a service with no model yet."""
    return build_house(tmp_path)


@pytest.fixture
def late(house: House) -> House:
    """Give a service with one binary model, `late`, version 1."""
    house.write("late")
    house.stores.promote("late", 1, fit([0, 1]))
    house.follower.poll()
    return house
