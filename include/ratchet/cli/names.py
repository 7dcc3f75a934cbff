"""Names that people type: a model that there is, a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError

Name = Annotated[str, typer.Argument(help="A model of include/models.")]


def require_model(name: str) -> None:
    """Refuse a model that there is not.

    Raises:
        SpecError: There is none of that name; the nearest is offered.
    """
    known = specs.names("models")
    if name not in known:
        raise SpecError(
            f"{name}: no such model", [f"found {name!r}; allowed are {', '.join(known) or '(none yet)'}{specs.did_you_mean(name, known)}"]
        )


def moment(said: str) -> datetime:
    """Read a time in ISO 8601; without a zone it is UTC.

    Raises:
        SpecError: It is none.
    """
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise SpecError(f"{said}: no time", ["allowed is ISO 8601, such as 2026-03-01T12:00Z; without a zone it is UTC"]) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
