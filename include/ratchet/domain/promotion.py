"""Who serves after whom."""

from __future__ import annotations

from collections.abc import Sequence

from include.ratchet.domain.records import Promotion, Trial


def former(history: Sequence[Promotion]) -> int | None:
    """Return the newest former champion that was not itself rolled back from.

    Args:
        history: Changes of champion, newest first.
    """
    left = {each.previous for each in history if each.action == "rollback"}
    return next((each.version for each in history[1:] if each.version != history[0].version and each.version not in left), None)


def passed(trials: Sequence[Trial], history: Sequence[Promotion]) -> bool:
    """Say whether the newest trial was passed, and against the champion of now: who was rolled back from is tried again.

    Args:
        trials: Of one version, newest first.
        history: Changes of champion, newest first.
    """
    return bool(trials) and trials[0].passed and (not history or trials[0].at >= history[0].at)
