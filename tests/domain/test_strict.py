"""What every part of a spec has in common."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ratchet.domain.strict import Strict


class Part(Strict):
    """A part with one key."""

    size: int


def test_a_key_that_is_not_known_is_refused_and_a_value_never_changes() -> None:
    """A misspelt key would otherwise be a rule that nobody keeps."""
    with pytest.raises(ValidationError, match="sizes"):
        Part.model_validate({"size": 1, "sizes": 2})
    with pytest.raises(ValidationError, match="frozen"):
        Part(size=1).size = 2  # type: ignore[misc]
