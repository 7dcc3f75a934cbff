"""What reading view.yaml cannot find: SQL that does not run over the feeds' schemas, or lacks what the view names."""

from __future__ import annotations

from include.ratchet.domain import specs
from include.ratchet.tasks import reading


def require_sound_view(name: str) -> None:
    """Run a view's SQL over tables that have the feeds' schemas and no rows.

    Raises:
        SpecError: It does not run, reads a table that is none of its feeds, or returns not what the view names.
    """
    from include.ratchet.steps.columns import empty
    from include.ratchet.steps.views import read

    view = reading.view(name)
    read(view, {feed: empty(specs.feed(feed)) for feed in view.spec.feeds})
