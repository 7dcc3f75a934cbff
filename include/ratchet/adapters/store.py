"""Files at one place, a folder or a prefix of an object store: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Stored

PART_BYTES = 16 << 20
"""Objects of at least twice this size go to S3 in parts; nothing is seen of them before the last one is acknowledged."""
PART = ".part-"
"""How unfinished files begin: nobody lists or reads them."""


class Store:
    """Named files below `place`, a path or an fsspec URL."""

    def __init__(self, place: str, access: S3Access | None = None) -> None:
        """Open the place; `access` is how S3 is reached."""
        self.place = place.rstrip("/")
        self.fs, self._root = files_at(self.place, access)
        self._disk = is_disk(self.fs)

    @contextlib.contextmanager
    def part(self, folder: str = "") -> Iterator[Path]:
        """Give a local file to fill; `adopt` makes it appear under `folder`, and what was not adopted is removed."""
        beside = Path(self._root) / folder if self._disk else None  # the same file system: moving is one step
        if beside:
            beside.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=beside, prefix=PART)
        os.close(number)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def adopt(self, part: Path, name: str) -> str:
        """Make a filled part appear under its name, whole and in one step; return its place."""
        if self._disk:
            target = Path(self._root) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
        else:
            self.fs.put_file(str(part), f"{self._root}/{name}", chunksize=PART_BYTES)
        return f"{self.place}/{name}"

    def write(self, name: str, text: str) -> str:
        """Make a file of a text, whole and in one step; return its place."""
        with self.part(str(Path(name).parent)) as part:
            part.write_text(text, encoding="utf-8")
            return self.adopt(part, name)

    def place_of(self, name: str) -> str:
        """Return the place of a file, whether it is there or not."""
        return f"{self.place}/{name}"

    def open(self, name: str) -> BinaryIO:
        """Open a file.

        Raises:
            DataError: It is not there.
        """
        try:
            return cast("BinaryIO", self.fs.open(f"{self._root}/{name}", "rb"))
        except FileNotFoundError:
            message = f"{name}: not at {self.place}"
            raise DataError(message) from None

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give the path of a file for those who read paths only: a copy, where the store is no disk."""
        if self._disk:
            yield Path(self._root) / name
            return
        with self.part() as copy, self.open(name) as content:
            while chunk := content.read(PART_BYTES):
                with copy.open("ab") as file:
                    file.write(chunk)
            yield copy

    def exists(self, name: str) -> bool:
        """Say whether a file is there."""
        return bool(self.fs.isfile(f"{self._root}/{name}"))

    def create(self, name: str) -> None:
        """Make an empty file, unless it is there.

        Raises:
            FileExistsError: It is there.
        """
        try:
            self.fs.pipe_file(f"{self._root}/{name}", b"", mode="create")
        except OSError as error:
            # s3fs calls it so only where the answer names the condition: Amazon's does, Ceph's and OpenStack's do not.
            said = getattr(error.__cause__, "response", {}).get("Error", {})
            if said.get("Code") not in ("PreconditionFailed", "412"):
                raise
            raise FileExistsError(name) from error

    def remove(self, *names: str) -> None:
        """Remove files, those that are there."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self.fs.rm_file(f"{self._root}/{name}")

    def drop(self, folder: str) -> None:
        """Remove a folder with all that is in it, when it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm(f"{self._root}/{folder}", recursive=True)

    def listed(self, folder: str = "", *, parts: bool = False) -> list[Stored]:
        """List the files below a folder, in the order of their names; the unfinished ones when `parts`."""
        root = str(self.fs._strip_protocol(f"{self._root}/{folder}")).rstrip("/")  # noqa: SLF001 - fsspec's own way to compare paths
        found = self.fs.find(root, detail=True) if self.fs.exists(root) else {}
        base = str(self.fs._strip_protocol(self._root)).rstrip("/")  # noqa: SLF001
        return [
            Stored(path.removeprefix(base).lstrip("/"), int(info["size"]), changed(info))
            for path, info in sorted(found.items())
            if Path(path).name.startswith(PART) == parts
        ]

    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished that died before a moment: parts on a disk, uploads to S3; return their names."""
        dead = [each.name for each in self.listed(parts=True) if each.changed < before]
        self.remove(*dead)
        if self.place.startswith("s3://"):
            bucket, _, prefix = self._root.partition("/")
            found = self.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix).get("Uploads", [])
            for each in (upload for upload in found if upload["Initiated"] < before):
                self.fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
                dead.append(str(each["Key"]))
        return dead


def files_at(place: str, access: S3Access | None = None) -> tuple[fsspec.AbstractFileSystem, str]:
    """Open the file system of a path or URL; return it and the path in it."""
    options = (access or S3Access()).for_fsspec if place.startswith("s3://") else {}
    fs, root = fsspec.core.url_to_fs(place, **options)
    return fs, root


def is_disk(fs: fsspec.AbstractFileSystem) -> bool:
    """Say whether a file system is this machine's own."""
    return "file" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)


def changed(info: dict[str, object]) -> datetime:
    """Return when a file was last written, UTC, by whatever name its file system has for that."""
    found = info.get("mtime") or info.get("LastModified") or info.get("created") or 0.0
    return found.astimezone(UTC) if isinstance(found, datetime) else datetime.fromtimestamp(float(str(found)), UTC)
