"""Where feeds come from: one file per kind of source, and the table that names them. docs/sources.md shows how to add one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.ratchet.adapters.s3 import S3Access
    from include.ratchet.domain.config import Config
    from include.ratchet.domain.feedspec import FeedSpec
    from include.ratchet.domain.ports import Connections, Source


def open_source(spec: FeedSpec, config: Config, connections: Connections, access: Callable[[str, Config], S3Access | None]) -> Source:
    """Open the source that a feed names; only the libraries of its kind load."""
    if spec.source.kind == "files":
        from include.ratchet.adapters.sources.files import Files

        place = config.store(str(spec.source.uri))
        return Files(spec, place, access(place, config))
    from include.ratchet.adapters.sources.sql import Sql

    return Sql(spec, connections.get(str(spec.source.connection)).sqlalchemy_url)
