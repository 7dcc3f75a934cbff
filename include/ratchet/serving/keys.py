"""Who may ask for which model: API keys, kept as hashes in a file."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from include.ratchet.domain.errors import SpecError
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.logs import log

ANY = "*"
_LOOK_EVERY = 1.0


@dataclass
class Keys:
    """The keys of a file, read again when it changes; `path` is None where everybody may ask."""

    path: Path | None = None
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _stamp: int = 0
    _looked: float = 0.0

    def __post_init__(self) -> None:
        """Read the file.

        Raises:
            SpecError: It is missing or has another form.
        """
        if self.path is not None:
            self._stamp, self._known = _read(self.path)
            self._looked = time.monotonic()

    def require(self, model: str, given: str) -> None:
        """Let a request pass.

        Args:
            model: Whose answers are asked for; one that is not in the file is closed.
            given: The key that came, empty when none did.

        Raises:
            RequestError: 401.
        """
        if self.path is None:
            return
        self._refresh(self.path)
        found = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
        # Every key is compared, each in constant time: how long it takes tells nothing about any of them.
        fits = [hmac.compare_digest(found, each) for each in (*self._known.get(model, ()), *self._known.get(ANY, ()))]
        if not any(fits):
            message = "this model wants an API key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            raise RequestError(401, "unauthorized", message)

    def _refresh(self, path: Path) -> None:
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            if path.stat().st_mtime_ns != self._stamp:
                self._stamp, self._known = _read(path)
        except (OSError, SpecError) as error:
            log("keys_not_read", error=str(error))  # those that were read last go on


def _read(path: Path) -> tuple[int, dict[str, tuple[str, ...]]]:
    allowed = "allowed is a mapping of a model's name, or *, to a list of `sha256:` and 64 hexadecimal digits"
    try:
        stamp = path.stat().st_mtime_ns
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not readable", [f"found {type(error).__name__}; {allowed}"], "serving.keys names the file.") from error
    if not isinstance(content, dict) or not all(isinstance(keys, list) and all(map(_is_hash, keys)) for keys in content.values()):
        raise SpecError(f"{path}: not a file of keys", [allowed], "docs/serving.md shows how to make one.")
    return stamp, {str(model): tuple(each.removeprefix("sha256:") for each in keys) for model, keys in content.items()}


def _is_hash(value: object) -> bool:
    text = str(value).removeprefix("sha256:")
    return len(text) == 64 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004 - of SHA-256
