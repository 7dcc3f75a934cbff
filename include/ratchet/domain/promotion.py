"""Who serves after whom."""

from __future__ import annotations

from collections.abc import Sequence

from include.ratchet.domain.records import Promotion


def former(history: Sequence[Promotion]) -> int | None:
    """Return the newest former champion that was not itself rolled back from.

    Args:
        history: Changes of champion, newest first.
    """
    left = {each.previous for each in history if each.action == "rollback"}
    return next((each.version for each in history[1:] if each.version != history[0].version and each.version not in left), None)
