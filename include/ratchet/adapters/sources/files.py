"""Files that match a glob, on this machine, on S3, or on any other fsspec store; one file is one batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from include.ratchet.adapters.fingerprints import numbered, same, shortened
from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.sources import Where
from include.ratchet.adapters.store import changed, files_at, is_disk
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.ports import Source
from include.ratchet.domain.records import Delivery

LONG_NAME = 400
"""Longer names are hashed in a fingerprint."""


def open_source(spec: FeedSpec, where: Where) -> Source:
    """Open the place where the feed's store is."""
    pattern = where.config.store(str(spec.source.uri))
    return Files(spec, pattern, where.access(pattern, where.config))


class Files(Source):
    """Watches the files below a pattern."""

    def __init__(self, spec: FeedSpec, pattern: str, access: S3Access | None = None) -> None:
        """Watch `pattern`, an fsspec URL or path with wildcards; `access` is how S3 is reached."""
        self._spec = spec
        self._fs, self._pattern = files_at(pattern, access)

    @property
    def format(self) -> str:
        """As the spec says."""
        return self._spec.source.format

    def discover(self, seen: Sequence[str], watermark: Any) -> list[Delivery]:  # noqa: ARG002 - files have no watermark
        """List finished files that differ in size or time from when they last landed, in the order of their names."""
        found = []
        last = {each.rsplit("|", 2)[0]: each for each in seen}
        for path, info in sorted(self._fs.glob(self._pattern, detail=True).items()):
            moment = changed(info).timestamp()
            name, tag = shortened(path, LONG_NAME), str(info.get("ETag") or moment).replace("|", "_")
            state = f"{name}|{info['size']}|{tag}"
            if same(last.get(name), state) or info["type"] != "file" or not self._finished(path, moment):
                continue
            found.append(Delivery(path, numbered(state, seen)))
        return found

    def fetch(self, delivery: Delivery) -> BinaryIO:
        """Open the file."""
        try:
            return cast("BinaryIO", self._fs.open(delivery.uri, "rb"))
        except FileNotFoundError:
            message = f"{delivery.uri}: was there a moment ago and is gone; deliver it again"
            raise DataError(message) from None

    def _finished(self, path: str, moment: float) -> bool:
        """Say whether a file is whole: its marker is there, and on a disk it has settled; objects appear whole."""
        source = self._spec.source
        if is_disk(self._fs) and abs(time.time() - moment) <= source.settle.total_seconds():
            return False
        folder, _, name = path.rpartition("/")
        return source.marker is None or bool(self._fs.exists(f"{folder}/{source.marker.replace('{name}', name)}"))
