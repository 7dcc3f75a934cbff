"""The landing on disk, when its process dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from include.ratchet.adapters.landing import ContentStore
from include.ratchet.domain.specs import PROJECT

DYING = """
    import io, os, signal, sys
    from include.ratchet.adapters.landing import CHUNK, ContentStore

    class Deadly(io.RawIOBase):
        calls = 0
        def read(self, size=-1):
            self.calls += 1
            if self.calls == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return b"x" * size

    ContentStore(sys.argv[1]).put("f", Deadly())
"""


def test_a_killed_put_leaves_no_object(tmp_path: Path) -> None:
    """A process that is killed in the middle leaves only what is named as a part; the same bytes land whole afterwards."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(DYING), str(tmp_path)], cwd=PROJECT, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left
    assert all(name.startswith(".part-") for name in left)
    with (tmp_path / "again").open("wb+") as stream:
        stream.write(b"x")
        stream.seek(0)
        sha, _ = ContentStore(str(tmp_path)).put("f", stream)
    assert (tmp_path / "f" / sha[:2] / sha).read_bytes() == b"x"


def test_a_failed_put_cleans_up(tmp_path: Path) -> None:
    """A put that fails and lives removes its part: a source that breaks off every minute does not fill the disk."""

    class Failing:
        def read(self, _: int) -> bytes:
            raise TimeoutError

    store = ContentStore(str(tmp_path))
    with pytest.raises(TimeoutError):
        store.put("f", Failing())  # type: ignore[arg-type]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
