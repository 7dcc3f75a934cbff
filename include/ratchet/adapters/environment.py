"""What computed: the parts of a machine and its packages that decide about the last digits."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from include.ratchet.domain.specs import PROJECT

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "scikit-learn", "skops", "lightgbm", "xgboost")
IMAGE = "RATCHET_IMAGE_DIGEST"
"""Environment variable in which a deployment names its image."""


def environment() -> dict[str, str]:
    """Return Python, platform, BLAS, packages, the digest of the pinned requirements, and the image where it is named."""
    blas = sorted(
        f"{each.get('internal_api')} {each.get('version')} {each.get('architecture', '')}".strip()
        for each in threadpool_info()
        if each.get("user_api") == "blas"
    )
    lock = PROJECT / "requirements.lock"
    found = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}".strip(),
        "blas": "; ".join(dict.fromkeys(blas)),
        "requirements": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        "image": os.environ.get(IMAGE, ""),
    }
    return {name: said for name, said in (found | {name: _installed(name) for name in PACKAGES}).items() if said}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
