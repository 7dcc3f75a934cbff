"""One JSON line per event on stderr. What rows hold is never logged, nor an exception's text from a request."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from include.ratchet.serving.places import Place

_log = logging.getLogger("ratchet.serving")


class OneLine(logging.Formatter):
    """Writes a record as one line of JSON; of an exception only its type and where it arose."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1]:
            line.update(where(record.exc_info[1]))
        return json.dumps(line, default=str)


def set_up() -> None:
    """Send every logger, uvicorn's and Python's warnings too, to stderr in the one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def log(event: str, level: int = logging.WARNING, **fields: Any) -> None:
    """Log one event with its fields."""
    _log.log(level, event, extra={"fields": fields})


def log_changes(before: Place, after: Place) -> None:
    """Log what one look changed, and nothing when it changed nothing: there are two looks a second."""
    old = before.served.version if before.served else None
    new = after.served.version if after.served else None
    if before.served is not after.served:
        log("serving", logging.INFO, model=after.name, version=new, previous=old)
    if after.error and after.error != before.error:
        log("not_followed", logging.ERROR, model=after.name, version=new, champion=after.champion, error=after.error)
    if before.error and not after.error:
        log("recovered", logging.INFO, model=after.name, version=new)


def where(error: BaseException) -> dict[str, Any]:
    """Name an exception and the line that raised it, without its text, which may quote a row."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return {"error": type(error).__name__, "raised_at": f"{last[0].filename}:{last[0].lineno}" if last else ""}
