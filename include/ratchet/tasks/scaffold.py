"""Body of `./ratchet new`: from a data sample to a feed and a model that run.

Nothing is written unless all of it can be: both specs are written aside, read back and checked, then moved in place.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.feedspec import SNAKE_CASE
from include.ratchet.domain.specs import FEED_FILE, INCLUDE, MODEL_FILE, PROJECT

if TYPE_CHECKING:
    from include.ratchet.steps.infer import Findings

KINDS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""File name endings that a sample may have; all but parquet also with `.gz`."""
MOST_BYTES = 1 << 30
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class ScaffoldReport:
    """What `./ratchet new` did.

    Attributes:
        files: The files written: the two specs, and the sample's copy in the landing.
        facts: What was found, one short sentence each.
        warnings: What a person must look at, the gravest first.
        next_steps: What to do now.
    """

    files: list[Path]
    facts: list[str]
    warnings: list[str]
    next_steps: list[str]


def scaffold(
    name: str,
    data: Path,
    target: str,
    time: Sequence[str] = (),
    include: Path = INCLUDE,
    landing: Path | None = None,
) -> ScaffoldReport:
    """Write a feed and a model of one name from a data sample, and land the sample.

    Args:
        name: Name of the feed and the model; snake_case.
        data: The sample: csv, tsv, jsonl, parquet.
        target: The column to predict.
        time: The column or columns of the event time; one text may name several, cut by commas.
        include: The folder that holds `feeds` and `models`.
        landing: Where the sample is copied to; None: where `landing://NAME/` is.

    Raises:
        SpecError: The name, the target or the time cannot be; or a folder of that name exists.
        DataError: The sample cannot be read, or nothing can be learnt from it.
    """
    data = Path(data)
    _check_name(name, include)
    kind, ending = _kind(data)
    content = _content(data)

    from include.ratchet.steps.infer import doubts, facts, infer

    found = infer(content, kind, target, _time_names(time, content))
    place = _landing(name) if landing is None else Path(landing)
    copy = place / f"{_plain(data, ending)}{ending}"
    _check_copy(copy, data)
    feed, model = include / "feeds" / name, include / "models" / name
    with _undone_on_error() as made, _aside(include) as draft:
        _write(draft, name, found, data.name, f"landing://{name}/*{ending}")
        _copy(data, copy, made)
        for folder in (feed, model):
            folder.parent.mkdir(parents=True, exist_ok=True)
            (draft / folder.relative_to(include)).rename(folder)
            made.append(folder)
    files = [feed / FEED_FILE, model / MODEL_FILE, copy]
    return ScaffoldReport(files, facts(found), doubts(found), _next_steps(name, files))


def _check_name(name: str, include: Path) -> None:
    if not re.fullmatch(SNAKE_CASE, name):
        plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        close = f"; did you mean {plain!r}?" if re.fullmatch(SNAKE_CASE, plain) else ""
        raise SpecError(
            f"name {name!r}: not snake_case", [f"found {name!r}; allowed are a-z, 0-9 and _, a letter first{close}"], "Give another name."
        )
    taken = [folder for folder in (include / "feeds" / name, include / "models" / name) if folder.exists()]
    if taken:
        raise SpecError(
            f"name {name!r}: taken",
            [f"found {_shown(folder)}; allowed is a new name" for folder in taken],
            "Give another name, or remove it.",
        )


def _kind(data: Path) -> tuple[str, str]:
    """Return how to read the file, and the ending of its name in lower case."""
    endings = [each.lower() for each in data.suffixes[-2:]]
    zipped = endings[-1:] == [".gz"]
    ending = endings[-2 if zipped else -1] if len(endings) > zipped else ""
    if not data.is_file():
        near = specs.did_you_mean(data.name, sorted(p.name for p in data.parent.iterdir())) if data.parent.is_dir() else ""
        what = "a folder" if data.is_dir() else "no such file"
        raise DataError(
            f"--data {data}: found {what}{near}; allowed is a file of {', '.join(KINDS)}, also as .gz. Give the path of a sample."
        )
    if ending not in KINDS or (zipped and ending == ".parquet"):
        name = "".join(endings) or "nothing"
        raise DataError(f"--data {data}: found a name ending in {name}; allowed are {', '.join(KINDS)}, also as .gz. Export it so.")
    return KINDS[ending], ending + (".gz" if zipped else "")


def _content(data: Path) -> bytes:
    """Read the sample, unpacked."""
    if data.stat().st_size > MOST_BYTES:
        raise DataError(
            f"--data {data}: found {data.stat().st_size >> 20} MB; allowed are {MOST_BYTES >> 20}. Give a part: the specs fit the rest too."
        )
    content = data.read_bytes()
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise DataError(f"--data {data}: found a gzip that breaks off ({error}); allowed is a whole one. Copy it again.") from error


def _time_names(time: Sequence[str], content: bytes) -> list[str]:
    """Cut `dteday,hr` into two names, unless a column is called so."""
    first = content.split(b"\n", 1)[0]
    whole = [name for name in time if "," in name and f'"{name}"'.encode() in first]
    names = [part for name in time for part in ([name] if name in whole else name.split(","))]
    return [name.strip() for name in names if name.strip()]


def _landing(name: str) -> Path:
    from include.ratchet.domain.config import load_config

    place = load_config().store(f"landing://{name}/")
    if "://" in place.removeprefix("file://"):
        found = f"found {place}; allowed is a folder, because the sample is copied there"
        raise SpecError(
            "landing: not a local folder", [found], "Set RATCHET__STORES__LANDING to a folder, and copy the files to the store by hand."
        )
    return Path(place.removeprefix("file://"))


def _plain(data: Path, ending: str) -> str:
    """Return the file's name without its ending, fit for a glob and a shell."""
    return re.sub(r"[^\w-]+", "_", data.name[: -len(ending)]).strip("_") or "sample"


def _check_copy(copy: Path, data: Path) -> None:
    if copy.exists() and copy.read_bytes() != data.read_bytes():
        raise SpecError(
            "landing: holds another file of that name",
            [f"found {copy}; allowed is none, or the same bytes"],
            "Rename the sample, or remove it.",
        )


def _write(draft: Path, name: str, found: Findings, sample: str, uri: str) -> None:
    """Write both specs, and read them back as the DAGs will."""
    from include.ratchet.steps.infer_feed import feed_yaml
    from include.ratchet.steps.infer_model import model_yaml

    texts = {
        f"feeds/{name}/{FEED_FILE}": feed_yaml(name, found, sample, uri),
        f"models/{name}/{MODEL_FILE}": model_yaml(name, found, sample),
    }
    for path, text in texts.items():
        (draft / path).parent.mkdir(parents=True)
        (draft / path).write_text(text, encoding="utf-8")
    specs.feed(name, draft)
    specs.model(name, draft)


def _copy(data: Path, copy: Path, made: list[Path]) -> None:
    """Copy the sample into the landing; no sensor sees half a file."""
    if copy.exists():
        return
    missing = [folder for folder in (copy.parent, *copy.parent.parents) if not folder.exists()]
    made.extend(reversed(missing[-1:]))
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f".{copy.name}.part")
    made.extend((part, copy))
    shutil.copy2(data, part)  # with its time: what was written long ago has settled
    part.rename(copy)


@contextmanager
def _aside(include: Path) -> Iterator[Path]:
    """Make a folder on the same file system as `include`, so that a move is one step; gone afterwards."""
    include.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".scaffold-", dir=include))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _undone_on_error() -> Iterator[list[Path]]:
    """Remove what was put into the list when the body fails."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _next_steps(name: str, files: Sequence[Path]) -> list[str]:
    return [
        f"Read {_shown(files[0])} and {_shown(files[1])}: what is marked REVIEW is a guess, gate.business first of all.",
        "./ratchet check    reads both again after a change",
        f"./ratchet run {name}    ingests the sample, trains, and judges the first challenger",
        f"More data: put files of the same form into {files[2].parent}",
    ]


def _shown(path: Path) -> str:
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
