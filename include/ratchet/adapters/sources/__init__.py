"""Where feeds come from: one file per kind of source, named as `source.kind` names it. docs/sources.md shows how to add one.

A file has a function `open_source(spec, where)`; what it returns passes `tests/contract/test_sources.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from include.ratchet.adapters.s3 import S3Access
    from include.ratchet.domain.config import Config
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.domain.ports import Connections, Source


@dataclass(frozen=True)
class Where:
    """What a source is opened with."""

    config: Config
    connections: Connections
    access: Callable[[str, Config], S3Access | None]
    """How a place on S3 is reached; None for a place elsewhere."""
    landed: Callable[[Any], Iterator[BinaryIO]]
    """The bytes of the batches whose watermark is not below the one given, and of those without one; the newest first."""


def open_source(spec: FeedSpec, where: Where) -> Source:
    """Open the source that a feed names; only the libraries of its kind load."""
    found: Source = importlib.import_module(f"{__name__}.{spec.source.kind}").open_source(spec, where)
    return found
