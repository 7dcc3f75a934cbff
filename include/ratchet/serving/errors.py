"""What the service answers when it cannot predict: a status, a code, a sentence, faults; never a stack trace.

RequestError
├── 400 malformed_json, client_left
├── 401 unauthorized
├── 404 unknown_model
├── 408 body_timeout
├── 413 body_too_large
├── 422 invalid_input       with faults that name row and field
├── 500 prediction_failed
├── 503 not_serving         with the reason
├── 503 overloaded          when as many requests as may be are being answered
├── 503 not_logged          when the prediction log cannot be written
└── 504 timeout
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from fastapi.responses import JSONResponse

from include.ratchet.domain.specs import did_you_mean

MAX_FAULTS = 20
_MAX_SHOWN = 60
# After 408 and 413 the rest of the body may still be coming: the connection ends rather than read it.
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 408: {"Connection": "close"}, 413: {"Connection": "close"}, 503: {"Retry-After": "1"}}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input; `row` counts from 0 and is None where the fault is not of one row."""

    row: int | None
    field: str
    found: str
    allowed: str


class RequestError(Exception):
    """A request that cannot be answered with predictions."""

    def __init__(self, status: int, code: str, message: str, faults: tuple[Fault, ...] = ()) -> None:
        """Keep what the client is told."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.faults = faults


class Answer(JSONResponse):
    """JSON that always encodes: half a surrogate pair sent by a client must not break the error about it."""

    def render(self, content: Any) -> bytes:
        """Write pure ASCII; NaN is a fault of ours and raises."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def error_answer(error: RequestError) -> Answer:
    """Write the one form that all errors have."""
    faults = [asdict(fault) for fault in error.faults]
    headers = _HEADERS.get(error.status)
    content = {"error": {"code": error.code, "message": error.message, "faults": faults}}
    return Answer(content, status_code=error.status, headers=headers)


def unknown_model(name: str, known: list[str]) -> RequestError:
    """Say which models there are."""
    word = clip(name)
    there = f"known are {', '.join(known) or '(none yet)'}{did_you_mean(word, known)}"
    return RequestError(404, "unknown_model", f"model {word!r} is not there; {there}")


def not_serving(name: str, reason: str) -> RequestError:
    """Say why a known model has nothing that could answer."""
    return RequestError(503, "not_serving", f"model {name!r} does not serve: {reason}")


def invalid_input(faults: list[Fault]) -> RequestError:
    """Report all faults that were found, at most `MAX_FAULTS`."""
    count = f"at least {MAX_FAULTS} faults, the first are listed" if len(faults) >= MAX_FAULTS else f"{len(faults)} fault(s)"
    return RequestError(422, "invalid_input", f"the input is not allowed: {count}", tuple(faults[:MAX_FAULTS]))


def clip(text: str, limit: int = _MAX_SHOWN) -> str:
    """Bound a text that came from outside; difflib on a megabyte of key would take minutes."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def shown(value: object) -> str:
    """Write a JSON value for an error, bounded and as the client wrote it."""
    match value:
        case dict():
            return f"an object of {len(value)} key(s)"
        case list():
            return f"an array of {len(value)} item(s)"
        case str():
            return json.dumps(clip(value), ensure_ascii=False)
        case int() if not -(10**20) < value < 10**20 and not isinstance(value, bool):
            return "an integer too large for float64"
        case _:
            return clip(json.dumps(value))
