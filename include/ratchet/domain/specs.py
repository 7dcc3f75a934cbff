"""Find and read the specs; report every fault of a file at once, by dotted key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import overridden
from include.ratchet.domain.viewspec import JOINED_BY, ViewSpec

PROJECT = Path(__file__).resolve().parents[3]
INCLUDE = PROJECT / "include"
"""Where specs are looked for when a caller names no other folder."""
FEED_FILE = "feed.yaml"
MODEL_FILE = "model.yaml"
VIEW_FILE = "view.yaml"

# The C loader reads a 90-line model.yaml in 2 ms, the Python one in 30 ms: 100 models would cost 3 s a parse.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Spec = TypeVar("_Spec", FeedSpec, ModelSpec, ViewSpec)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one mapping from a YAML file.

    Raises:
        SpecError: The file is missing, is not UTF-8 YAML, or is not a mapping.
    """
    return _mapping(path, _bytes(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SpecError(f"{_shown(path)}: no such file", [], "./ratchet new writes one from a data sample.") from None


def _mapping(path: Path, written: bytes) -> dict[str, Any]:
    try:
        content = yaml.load(written.decode(), Loader=_LOADER)  # noqa: S506 - both loaders are safe ones
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{_shown(path)}: not readable as YAML", [" ".join(str(error).split())]) from None
    if not isinstance(content, dict):
        raise SpecError(f"{_shown(path)}: found {type(content).__name__}; allowed is a mapping of keys", [])
    return content


def feed(name: str, include: Path | None = None) -> FeedSpec:
    """Read the spec of one feed; see `_load` for the errors."""
    return _load((include or INCLUDE) / "feeds" / name / FEED_FILE, FeedSpec)


def view(name: str, include: Path | None = None) -> ViewSpec:
    """Read the spec of one feature view, and check it against the feeds it names.

    Raises:
        SpecError: The file has faults, or names a feed or an SQL file that is not there.
    """
    path = (include or INCLUDE) / "views" / name / VIEW_FILE
    spec = _load(path, ViewSpec)
    faults = list(_unknown("feeds", spec.feeds, include))
    if not (path.parent / spec.sql).is_file():
        faults.append(f"sql: found {spec.sql!r}; no such file beside {VIEW_FILE}")
    if faults:
        raise SpecError(f"{_shown(path)}: {len(faults)} fault(s)", faults)
    return spec


def model(name: str, include: Path | None = None, training: dict[str, Any] | None = None) -> ModelSpec:
    """Read the spec of one model, and check it against the feeds it names.

    Args:
        name: The model.
        include: Where specs are, when not at their usual place.
        training: What an experiment says in the place of some of `training:`.

    Raises:
        SpecError: The file has faults, or names a feed or a transform that is not there.
    """
    path = (include or INCLUDE) / "models" / name / MODEL_FILE
    spec = _load(path, ModelSpec, training)
    faults = [*_unknown("feeds", spec.feeds, include), *_unknown("views", spec.views, include)]
    if spec.transform and not (path.parent / spec.transform).is_file():
        faults.append(f"transform: found {spec.transform!r}; no such file beside {MODEL_FILE}")
    if not spec.transform and len(spec.feeds) != 1:
        faults.append(f"transform: omitted, which is allowed with one feed only; found {len(spec.feeds)} feeds")
    faults += _unknown_features(spec, include)
    if faults:
        raise SpecError(f"{_shown(path)}: {len(faults)} fault(s)", faults)
    return spec


def names(kind: str, include: Path | None = None) -> list[str]:
    """List the folders of `feeds`, `models` or `views`, sorted."""
    folder = (include or INCLUDE) / kind
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._") if folder.is_dir() else []


def transform_sql(spec: ModelSpec, include: Path | None = None) -> str:
    """Return the SELECT that makes one row per prediction."""
    if spec.transform is None:
        return f'SELECT * FROM "{spec.feeds[0]}"'  # noqa: S608 - a feed name is snake_case
    return _sql((include or INCLUDE) / "models" / spec.name / spec.transform)


def view_sql(spec: ViewSpec, include: Path | None = None) -> str:
    """Return the SELECT that makes the view's rows."""
    return _sql((include or INCLUDE) / "views" / spec.name / spec.sql)


def all_feeds(spec: ModelSpec, include: Path | None = None) -> tuple[str, ...]:
    """Return the feeds that a model reads: its own, and those of its views."""
    return tuple(dict.fromkeys([*spec.feeds, *(feed for name in spec.views for feed in view(name, include).feeds)]))


def did_you_mean(word: str, known: list[str]) -> str:
    """Return a hint with the closest known word, or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _sql(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip().rstrip(";")


def _unknown(kind: str, asked: tuple[str, ...], include: Path | None) -> Iterator[str]:
    known = names(kind, include) if asked else []
    allowed = ", ".join(known) or "(none yet)"
    return (f"{kind}: found {each!r}; allowed are {allowed}{did_you_mean(each, known)}" for each in asked if each not in known)


def _unknown_features(spec: ModelSpec, include: Path | None) -> Iterator[str]:
    """Name the features that look like a view's, which the view does not have."""
    for name in spec.views:
        if not ((include or INCLUDE) / "views" / name / VIEW_FILE).is_file():
            continue
        try:
            found = view(name, include)
        except SpecError as error:
            yield f"views: {name} has faults of its own: {'; '.join(error.faults) or error.headline}"
            continue
        known = [found.joined(feature) for feature in found.features]
        for kind in ("numeric", "categorical", "text"):
            for each in getattr(spec.columns, kind):
                if each.startswith(name + JOINED_BY) and each not in known:
                    yield f"columns.{kind}: found {each!r}; view {name} has {', '.join(known)}{did_you_mean(each, known)}"


def _load(path: Path, kind: type[_Spec], training: dict[str, Any] | None = None) -> _Spec:
    written = _bytes(path)
    if not training:
        spec: _Spec = _whole(path, written, kind)
        return spec
    content = _mapping(path, written)
    return _valid(path, content | {"training": overridden(content.get("training") or {}, training)}, kind)


@lru_cache(maxsize=64)
def _whole(path: Path, written: bytes, kind: type[_Spec]) -> _Spec:
    """Parse a spec that is taken as it is written, once as long as it is the same: a lookup of features asks for two each time."""
    return _valid(path, _mapping(path, written), kind)


def _valid(path: Path, content: dict[str, Any], kind: type[_Spec]) -> _Spec:
    try:
        spec = kind.model_validate(content)
    except ValidationError as error:
        faults = list(_faults(error, kind))
        raise SpecError(f"{_shown(path)}: {len(faults)} fault(s)", faults, "Mend the file; ./ratchet check reads it again.") from error
    if spec.name != path.parent.name:
        raise SpecError(f"{_shown(path)}: 1 fault(s)", [f"name: found {spec.name!r}; allowed is the folder's name, {path.parent.name!r}"])
    return spec


def _faults(error: ValidationError, kind: type[BaseModel]) -> Iterator[str]:
    for each in error.errors(include_url=False):
        key = ".".join(str(part) for part in each["loc"])
        where = f"{key}: " if key else ""
        if each["type"] == "extra_forbidden":
            known = _keys_at(kind, each["loc"][:-1])
            yield f"{where}unknown key; allowed are {', '.join(known)}{did_you_mean(str(each['loc'][-1]), known)}"
        elif each["type"] == "missing":
            yield f"{where}required, and not there"
        elif each["type"] == "value_error":
            yield f"{where}{each['ctx']['error']}"
        else:
            yield f"{where}found {_short(each['input'])}; {each['msg'][0].lower()}{each['msg'][1:]}"


def _keys_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    current: Any = kind
    for part in location:
        if isinstance(part, str) and hasattr(current, "model_fields") and part in current.model_fields:
            current = _model_in(current.model_fields[part].annotation)
    fields = getattr(current, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _model_in(annotation: Any) -> Any:
    """Find the spec part inside `Part`, `Part | None` or `tuple[Part, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_in(each) for each in getattr(annotation, "__args__", ())]
    return next((each for each in inner if each is not None), None)


def _short(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _shown(path: Path) -> str:
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
