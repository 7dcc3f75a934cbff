"""Raw bytes, kept by content before anything reads them; on local disk or any fsspec store."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import BinaryIO

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.store import Store
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.ports import Landing

CHUNK = 1 << 20


class ContentStore(Landing):
    """One object per content: `<place>/<feed>/<first two digits>/<sha>`."""

    def __init__(self, place: str, access: S3Access | None = None) -> None:
        """Keep everything under `place`, a path or an fsspec URL."""
        self._store = Store(place, access)

    def put(self, feed: str, stream: BinaryIO) -> tuple[str, int]:
        """Spool to a temporary file while hashing, then move it to its name in one step."""
        with self._store.part(feed) as part:
            hasher, size = hashlib.sha256(), 0
            with part.open("wb") as file:
                while chunk := stream.read(CHUNK):
                    hasher.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
            sha = hasher.hexdigest()
            name = _name(feed, sha)
            if not self._store.exists(name):
                self._store.adopt(part, name)
        return sha, size

    def open(self, feed: str, sha: str) -> BinaryIO:
        """Open kept bytes."""
        try:
            return self._store.open(_name(feed, sha))
        except DataError:
            place = self._store.place
            message = f"batch {sha[:12]} of feed {feed}: its bytes are gone from {place}; restore them, or deliver the file again"
            raise DataError(message) from None

    def held(self, feed: str) -> list[str]:
        """Return the SHA-256 of all bytes that are kept of a feed."""
        return [each.name.rpartition("/")[2] for each in self._store.listed(feed)]

    def drop(self, feed: str, sha: str) -> None:
        """Remove kept bytes, when they are there."""
        self._store.remove(_name(feed, sha))

    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished that died before a moment."""
        return self._store.abort(before)


def _name(feed: str, sha: str) -> str:
    return f"{feed}/{sha[:2]}/{sha}"
