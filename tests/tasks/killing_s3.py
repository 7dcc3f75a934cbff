"""Kill an ingest whose landing, raw bytes and lake are on S3: `python -m tests.tasks.killing_s3 FOLDER SEED KILLS ENDPOINT KEY SECRET`.

Every file goes up in many parts. A third of the kills strikes while an upload of raw bytes is open, a third while the lake
has a table's file and no commit of it, the others at moments drawn over the duration; then the same tasks run again, and
the lake is held against what was delivered. Prints one JSON line.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import random
import signal
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from include.ratchet.adapters import store
from tests import tiny
from tests.s3server import S3Server
from tests.tasks import killing
from tests.tiny import Project

PART_BYTES = 64 << 10
"""S3 itself wants parts of 5 MiB; moto's server is told that these will do."""


def deliver(project: Project, server: S3Server, bucket: str) -> None:
    """Put two files of some parts each, with a bad row in each."""
    for number in range(2):
        frame = tiny.visits(number * 2, 2)
        frame.loc[5, "x"] = 99.0
        frame["colour"] = [f"{colour}{'x' * 20000}" for colour in frame["colour"]]
        body = frame.to_csv(index=False).encode()
        server.call("put_object", Bucket=bucket.removeprefix("s3://"), Key=f"in/visits/{number}.csv", Body=body)
    project.home.mkdir(parents=True)


def uploading(server: S3Server, bucket: str) -> bool:
    """Say whether an upload has begun that has not ended."""
    return "<UploadId>" in _asked(server, "list_multipart_uploads", bucket)


def uncommitted(server: S3Server, bucket: str) -> bool:
    """Say whether the clean table has a file, and no version yet."""
    names = _asked(server, "list_objects_v2", bucket, Prefix="main/lake/clean/")
    return ".parquet" in names and "_delta_log" not in names


def _asked(server: S3Server, method: str, bucket: str, **more: str) -> str:
    """Ask over plain HTTP: this process forks, and must start no thread of s3fs."""
    url = server.signed(method, Bucket=bucket.removeprefix("s3://"), **more)
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
        return str(answer.read(), "utf-8")


SEEN = {"uploading": uploading, "uncommitted": uncommitted}
WAYS = (*SEEN, "a moment")


def strike(home: Path, include: Path, when: Callable[[], bool]) -> bool:
    """Ingest in a fork, and kill it as soon as something is so; say whether it was."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)  # with what it forks itself
        killing.child(home, include, killing.take_in)
        os._exit(0)
    while not (seen := when()) and os.waitpid(pid, os.WNOHANG) == (0, 0):
        pass  # an asking is a millisecond
    if seen:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return seen


def main(folder: Path, seed: int, kills: int, server: S3Server) -> None:
    """Kill, run again, compare; print what was found."""
    killing.load()
    importlib.import_module("s3fs")

    store.PART_BYTES = PART_BYTES
    draw, include, found = random.Random(seed), folder / "include", list[dict[str, Any]]()  # noqa: S311
    tiny.write_specs(include)
    os.environ["AIRFLOW_CONN_LAKES"] = server.connection

    def begin(name: str) -> tuple[Path, str]:
        made = killing.child(folder / name, include, lambda project: _prepared(project, server))
        bucket = str(killing.require(made)["result"])
        stores = {name: {"uri": f"{bucket}/{folder}", "connection": "lakes"} for name, folder in (("landing", "in"), ("main", "main"))}
        os.environ["RATCHET__STORES"] = json.dumps(stores)
        os.environ |= {"RATCHET__RAW": "main://raw", "RATCHET__LAKE": "main://lake"}
        return folder / name, bucket

    home, _ = begin("dry")
    seconds = killing.require(killing.child(home, include, killing.take_in))["seconds"]
    for number in range(kills):
        home, bucket = begin(f"home{number}")
        way = WAYS[number % len(WAYS)]
        if way in SEEN:
            killed = strike(home, include, functools.partial(SEEN[way], server, bucket))
        else:
            killed = killing.child(home, include, killing.take_in, after=draw.uniform(0.1, 0.9) * seconds)["killed"]
        left = way != "uploading" or uploading(server, bucket)
        again = killing.child(home, include, killing.take_in)
        seen = again if "error" in again else killing.child(home, include, killing.nothing_lost)
        found.append({"way": way, "killed": killed, "left": left, "wrong": seen.get("result", seen.get("error"))})
    sys.stdout.write(json.dumps(found) + "\n")


def _prepared(project: Project, server: S3Server) -> str:
    bucket = server.bucket()
    deliver(project, server, bucket)
    return bucket


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), S3Server(*sys.argv[4:]))
