"""`model.tar.gz`: a version as SageMaker wants it, the same bytes whenever it is made of the same."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

from include.ratchet.domain.modelspec import ModelSpec

MODEL_FILE, ABOUT_FILE = "model.skops", "about.json"
BESIDE = ("MLmodel", "requirements.txt")
"""What MLflow registered beside the skops file: the signature, and the packages that it was fitted with."""


def pack(spec: ModelSpec, version: int, artifact: Path) -> bytes:
    """Return the archive: the skops file as it was judged, what is needed to answer with it, and what was registered beside it.

    The container of Dockerfile.sagemaker reads it (`serving/container.py`). Names in one order, no times, no owners:
    the archive's SHA-256 names the version's content.
    """
    about = {"model": spec.name, "version": version, "spec": spec.model_dump(mode="json", exclude={"deploy"})}
    files = {
        ABOUT_FILE: json.dumps(about, sort_keys=True, separators=(",", ":")).encode(),
        MODEL_FILE: artifact.read_bytes(),
        **{name: (artifact.parent / name).read_bytes() for name in BESIDE if (artifact.parent / name).is_file()},
    }
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
