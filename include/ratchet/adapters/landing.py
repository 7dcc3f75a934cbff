"""Raw bytes, kept by content before anything reads them; on local disk or any fsspec store."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.ports import Landing

CHUNK = 1 << 20


class ContentStore(Landing):
    """One object per content: `<place>/<feed>/<first two digits>/<sha>`."""

    def __init__(self, place: str) -> None:
        """Keep everything under `place`, a path or an fsspec URL."""
        self._fs, self._root = fsspec.core.url_to_fs(place)

    def put(self, feed: str, stream: BinaryIO) -> tuple[str, int]:
        """Spool to a temporary file while hashing, then move it to its name in one step."""
        local = self._fs.protocol in ("file", ("file", "local"))
        scratch = Path(self._root) / feed if local else None
        if scratch:
            scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=scratch, prefix=".part-", delete=False) as part:
            spool = Path(part.name)
            try:
                hasher, size = hashlib.sha256(), 0
                while chunk := stream.read(CHUNK):
                    hasher.update(chunk)
                    size += len(chunk)
                    part.write(chunk)
                part.flush()
                os.fsync(part.fileno())
                sha = hasher.hexdigest()
                self._move(spool, self._name(feed, sha), local=local)
            finally:
                spool.unlink(missing_ok=True)  # a source that breaks off every minute must not fill the disk
        return sha, size

    def _move(self, spool: Path, name: str, *, local: bool) -> None:
        if self._fs.exists(name):
            return
        if local:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            spool.replace(name)
        else:
            self._fs.put_file(str(spool), name)

    def open(self, feed: str, sha: str) -> BinaryIO:
        """Open kept bytes."""
        try:
            return cast("BinaryIO", self._fs.open(self._name(feed, sha), "rb"))
        except FileNotFoundError:
            message = f"batch {sha[:12]} of feed {feed}: its bytes are gone from {self._root}; restore them, or deliver the file again"
            raise DataError(message) from None

    def _name(self, feed: str, sha: str) -> str:
        return f"{self._root}/{feed}/{sha[:2]}/{sha}"
