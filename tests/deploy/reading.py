"""Read the deploy files the way Docker does, as far as the tests need it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\})")


def compose() -> dict[str, Any]:
    """Read docker-compose.yaml, its variables still in it."""
    return dict(yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8")))


def variables(text: str) -> dict[str, tuple[str | None, str]]:
    """List the `${VAR}` of a text: how each is guarded (`-` default, `?` required) and by what."""
    return {m["name"]: (m["how"], m["rest"] or "") for m in _VARIABLE.finditer(text) if m["name"]}


def resolve(text: str, env: Mapping[str, str]) -> str:
    """Put values in, as Compose does.

    Raises:
        KeyError: A required variable is missing or empty.
    """

    def one(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        value = env.get(match["name"], "")
        if not value and match["how"] == "?":
            raise KeyError(match["name"])
        return value or (match["rest"] or "" if match["how"] == "-" else "")

    return _VARIABLE.sub(one, text)


def resolved(env: Mapping[str, str]) -> dict[str, Any]:
    """Read docker-compose.yaml with the values of `env`."""
    return dict(_walk(compose(), env))


def _walk(node: Any, env: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _walk(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_walk(value, env) for value in node]
    return resolve(node, env) if isinstance(node, str) else node


def instructions() -> list[tuple[str, str]]:
    """Split the Dockerfile into (instruction, arguments), continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def image_env() -> dict[str, str]:
    """Read what the Dockerfile sets by ENV."""
    words = " ".join(rest for word, rest in instructions() if word == "ENV").split()
    return dict(word.split("=", 1) for word in words)


def example_env() -> dict[str, str]:
    """Read the variables of .env.example, the commented defaults too."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^(?:# )?([A-Z][A-Z0-9_]*)=(\S*)$", text))


def filled_env(seed: str = "x" * 64) -> dict[str, str]:
    """Return .env.example with a stand-in for every secret."""
    return {name: value or f"{seed}{name.lower().replace('_', '')}" for name, value in example_env().items()}
