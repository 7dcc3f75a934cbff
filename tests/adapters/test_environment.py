"""What is said of the machine that computes."""

from __future__ import annotations

import numpy as np
import pytest

from include.ratchet.adapters.environment import IMAGE, environment


def test_it_names_what_decides_about_the_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python, platform, BLAS with its kernels, packages, the pinned requirements; the image where it is named."""
    found = environment()
    assert {"python", "platform", "blas", "requirements", "numpy", "scikit-learn"} <= set(found)
    assert "image" not in found
    assert found["numpy"] == np.__version__
    assert found["blas"]
    monkeypatch.setenv(IMAGE, "sha256:abc")
    assert environment() == found | {"image": "sha256:abc"}
