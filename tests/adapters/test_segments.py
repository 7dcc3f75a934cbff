"""Segments: what was appended survives a kill, is read once closed, and is never read by two."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from include.ratchet.adapters.segments import Segments, closed
from include.ratchet.domain.specs import PROJECT

STREAM = "predictions/m"


def line(number: int) -> bytes:
    """Make a line."""
    return json.dumps({"n": number}).encode() + b"\n"


def numbers(place: Path) -> list[int]:
    """Read all closed segments, and remove them."""
    found: list[int] = []
    for segment in closed(place, STREAM):
        found += [each["n"] for each in segment.lines()[0]]
        segment.done()
    return found


def test_a_segment_is_read_once_it_is_closed(tmp_path: Path) -> None:
    """While its writer holds it, nobody reads it; afterwards it is read in order, and gone when it is done."""
    segments = Segments(tmp_path)
    for number in range(3):
        segments.append(STREAM, line(number))
    assert numbers(tmp_path) == []
    segments.sync(close=True)
    assert numbers(tmp_path) == [0, 1, 2]
    assert numbers(tmp_path) == []


def test_a_large_or_old_segment_is_closed(tmp_path: Path) -> None:
    """The writer goes on in another file, so that what was written can be read."""
    segments = Segments(tmp_path, max_bytes=10)
    for number in range(2):
        segments.append(STREAM, line(number))
    segments.sync()
    segments.append(STREAM, line(2))
    assert numbers(tmp_path) == [0, 1]
    old = Segments(tmp_path, max_seconds=0)
    old.append(STREAM, line(3))
    old.sync()
    assert numbers(tmp_path) == [3]


def test_two_readers_do_not_share_a_segment(tmp_path: Path) -> None:
    """While one has it, another passes it by."""
    segments = Segments(tmp_path)
    segments.append(STREAM, line(0))
    segments.sync(close=True)
    first = closed(tmp_path, STREAM)
    held = next(first)
    assert list(closed(tmp_path, STREAM)) == []
    held.done()
    assert list(first) == []


def test_a_torn_last_line_is_left_out_and_a_damaged_one_is_kept(tmp_path: Path) -> None:
    """A line without its end was never answered; one in the middle that does not read stays in the folder."""
    folder = tmp_path / STREAM
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(line(1) + b'{"n": 2')
    (folder / "b.jsonl").write_bytes(line(3) + b"\0\0\0\n" + line(4))
    found = {segment.name: segment.lines() for segment in closed(tmp_path, STREAM)}
    assert found == {"a": ([{"n": 1}], 0), "b": ([{"n": 3}, {"n": 4}], 1)}
    for segment in closed(tmp_path, STREAM):
        segment.done(keep=segment.name == "b")
    assert [path.name for path in folder.iterdir()] == ["b.damaged"]


WRITER = """
    import sys
    from pathlib import Path
    from include.ratchet.adapters.segments import Segments

    segments = Segments(Path(sys.argv[1]))
    segments.start()
    for number in range(1_000_000):
        segments.append("predictions/m", b'{"n": %d}\\n' % number)
        print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    """Of a writer that is killed at work, every line whose append returned is there, and its segments can be read."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(500)]
    os.kill(process.pid, signal.SIGKILL)
    said += [int(each) for each in process.stdout.read().split("\n")[:-1]]
    process.wait()
    found = numbers(tmp_path)
    assert len(said) >= 500
    assert found[: len(said)] == said
    assert len(found) - len(said) <= 1


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Lines of several threads are whole, while segments are closed under them."""
    segments = Segments(tmp_path, max_bytes=500)
    segments.start()

    def write(start: int) -> None:
        for number in range(start, start + 300):
            segments.append(STREAM, line(number))
            if number % 50 == 0:
                segments.sync()

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 300, 600)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    segments.stop()
    assert sorted(numbers(tmp_path)) == list(range(900))


def test_a_disk_that_refuses_is_told_at_once(tmp_path: Path) -> None:
    """Who appends must know: it is not written."""
    (tmp_path / "predictions").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(OSError, match="predictions"):
        Segments(tmp_path).append(STREAM, line(0))


FULL = """
    import resource, sys
    from pathlib import Path
    from include.ratchet.adapters.segments import Segments

    segments, most = Segments(Path(sys.argv[1])), resource.getrlimit(resource.RLIMIT_FSIZE)
    segments.append("predictions/m", b'{"n": 0}\\n')
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, most[1]))
    try:
        segments.append("predictions/m", b'{"n": 1,', b' "long": "', b"x" * 100, b'"}\\n')
    except OSError as error:
        print("refused", error.errno)
    resource.setrlimit(resource.RLIMIT_FSIZE, most)
    segments.append("predictions/m", b'{"n":', b" 2}", b'\\n')
    segments.stop()
"""


def test_a_disk_that_was_full_costs_no_other_line(tmp_path: Path) -> None:
    """What it took of a line is cut off: the next one, which is answered, is not glued to it."""
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path)]
    said = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said == f"refused {errno.EFBIG}\n"
    (segment,) = closed(tmp_path, STREAM)
    assert segment.lines() == ([{"n": 0}, {"n": 2}], 0)


def test_where_nothing_can_be_cut_off_another_segment_is_begun(tmp_path: Path) -> None:
    """The torn line stays the last one of its segment, where no reader looks."""
    segments = Segments(tmp_path)
    segments.append(STREAM, line(0))
    stream = segments._streams[STREAM]
    assert stream.fd is not None
    (path,) = (tmp_path / STREAM).iterdir()
    good, stream.fd = stream.fd, os.open(path, os.O_RDONLY)  # neither written nor cut
    stream.ended.append(good)
    with pytest.raises(OSError, match="Bad file descriptor"):
        segments.append(STREAM, line(1))
    os.write(good, b'{"n": 1')
    segments.append(STREAM, line(2))
    segments.stop()
    assert numbers(tmp_path) == [0, 2]


def test_a_sync_that_fails_holds_up_nothing(tmp_path: Path) -> None:
    """It is told; the segment is closed all the same, other streams are synced, and the next sync works."""
    segments = Segments(tmp_path)
    segments.append(STREAM, line(0))
    segments.append("predictions/other", line(1))
    reading, writing = os.pipe()  # which cannot be synced
    segments._streams[STREAM].ended.append(writing)
    with pytest.raises(OSError, match="Invalid argument"):
        segments.sync(close=True)
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""  # closed
    os.close(reading)
    assert numbers(tmp_path) == [0]
    assert [segment.lines() for segment in closed(tmp_path, "predictions/other")] == [([{"n": 1}], 0)]
    segments.append(STREAM, line(2))
    segments.sync(close=True)
    assert numbers(tmp_path) == [2]
