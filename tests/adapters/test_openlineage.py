"""Events in a file; events to a server are in tests/tasks/test_openlineage.py."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpx
import pytest

from include.ratchet.adapters.openlineage import append, post


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    """Eight writers at once leave whole lines, and all of them; the folder is made."""
    file = tmp_path / "made" / "events.jsonl"

    def write(number: int) -> None:
        for _ in range(20):
            append(file, {"n": number, "text": "x" * 5000})

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(each["n"] for each in lines) == sorted(n for n in range(8) for _ in range(20))


def test_who_is_not_there_is_an_error() -> None:
    """The caller decides what that means."""
    with pytest.raises(httpx.ConnectError):
        post("http://127.0.0.1:9/lineage", {}, timeout=1)
