"""Write values as YAML that people read: one line where it fits, quotes only where needed, comments beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

_WIDTH = 118
_COMMENT_AT = 40


def inline(value: Any) -> str:
    """Write a value on one line, in flow style."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    return text.removesuffix("...\n").strip()


def inline_list(values: Iterable[Any], indent: int) -> str:
    """Write a list in flow style, broken into lines that start at column `indent`."""
    lines, line = [], ""
    for item in [inline([value])[1:-1] for value in values]:
        if line and indent + len(line) + len(item) > _WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{item}, "
    return "[" + ("\n" + " " * indent).join([*lines, line.removesuffix(", ")]) + "]"


def entry(key: str, value: str, comment: str = "", indent: int = 0) -> str:
    """Write `key: value`, already YAML, with a comment beside it; above it where the line would be too long."""
    line = f"{' ' * indent}{inline([key])[1:-1]}: {value}"
    if not comment:
        return line
    comment = one_line(comment)
    first, _, rest = line.partition("\n")
    if len(first) + len(comment) > _WIDTH + 20 or rest:
        return f"{' ' * indent}# {comment}\n{line}"
    return f"{line.ljust(_COMMENT_AT)}  # {comment}"


def names(key: str, values: Iterable[str], comment: str = "", indent: int = 2) -> list[str]:
    """Write a list of names under a key; no line where it is empty."""
    values = list(values)
    if not values:
        return []
    return [entry(key, inline_list(values, indent + len(key) + 3), comment, indent)]


def flow(value: Mapping[str, Any]) -> str:
    """Write a mapping on one line, `{a: 1, b: [x, y]}`."""
    return inline(dict(value))


def one_line(text: str, limit: int = 160) -> str:
    """Make a comment of one line."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 3] + "..."
