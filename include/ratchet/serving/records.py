"""What is logged of a request: one line of JSON, with the rows as they came and the answer as it went."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from include.ratchet.serving.checks import parse

PREDICTIONS, LABELS = "predictions", "labels"
"""The two kinds of streams; a stream is `<kind>/<model>`."""


@dataclass(frozen=True)
class Asked:
    """One request: its id and its bytes."""

    id: str
    body: bytes

    @cached_property
    def content(self) -> Any:
        """The same parsed, once and only where somebody looks at it: 10,000 rows are read as arrays, see `reader`.

        Raises:
            RequestError: 400 when it is no JSON.
        """
        return parse(self.body)


def line(asked: Asked, by: tuple[int, str], ms: float, personal: AbstractSet[str], *, said: bytes = b"", error: str = "") -> list[bytes]:
    """Write the line, in parts: joined, 10,000 rows would be copied once more; personal values are hashed.

    Args:
        asked: The request.
        by: The version that answered or failed; and its route: champion, canary, shadow or fallback.
        ms: From the request's first byte to now [ms].
        personal: Names of fields whose values are hashed.
        said: The answer, as JSON; empty when there is none.
        error: The name of what the version raised; never its text, which may quote a row.
    """
    # Spliced, not written again: 10,000 rows as JSON would cost as much as their prediction.
    rows = to_json(_hidden(asked.content, personal)) if personal and _names(asked.content, personal) else _one_line(asked.body)
    head = {"id": asked.id, "at": datetime.now(UTC).isoformat(), "version": by[0], "route": by[1], "ms": round(ms, 3), "error": error}
    return [json.dumps(head)[:-1].encode(), b', "in": ', rows, b', "out": ', said or b"null", b"}\n"]


def label_line(labels: list[dict[str, Any]]) -> bytes:
    """Write one delivery of labels."""
    return json.dumps({"at": datetime.now(UTC).isoformat(), "labels": labels}).encode() + b"\n"


def hashed(value: object) -> str | None:
    """Return what stands for a personal value; null stays null."""
    return None if value is None else "sha256:" + hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()


def _names(content: Any, hidden: AbstractSet[str]) -> bool:
    """Whether any of some fields is in a request."""
    rows = next(iter(content.values()))
    return not hidden.isdisjoint(rows) if isinstance(rows, Mapping) else not all(map(hidden.isdisjoint, rows))


def _hidden(content: Any, personal: AbstractSet[str]) -> Any:
    form, rows = next(iter(content.items()))
    of_text = functools.cache(hashed)  # of many rows few values differ

    def known(value: Any) -> str | None:
        return of_text(value) if type(value) is str else hashed(value)

    if isinstance(rows, Mapping):
        return {form: {name: [known(each) for each in values] if name in personal else values for name, values in rows.items()}}
    return {form: [{name: known(value) if name in personal else value for name, value in row.items()} for row in rows]}


def _one_line(body: bytes) -> bytes:
    """Take out line breaks: between JSON's tokens they mean nothing, and inside a string they are not allowed."""
    return body.replace(b"\n", b" ").replace(b"\r", b" ")
