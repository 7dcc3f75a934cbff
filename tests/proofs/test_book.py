"""The record of proofs: resumable, and about one code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofs import book, table
from proofs.book import Json, Proof


def _proof(done: list[int], code: tuple[str, ...]) -> Proof:
    def run(part: int) -> Json:
        done.append(part)
        return {"part": part}

    def judge(parts: Sequence[Json]) -> tuple[bool, str]:
        return len(parts) < 3, f"{len(parts)} done"

    return Proof("sample", "a claim", code, 3, run, judge)


def test_a_stopped_proof_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Parts that are done for this code are not done again."""
    done: list[int] = []
    proof = _proof(done, ("proofs/book.py",))
    book.run(proof, 2, tell=lambda _: None, results=tmp_path)
    page = book.run(proof, tell=lambda _: None, results=tmp_path)
    book.run(proof, tell=lambda _: None, results=tmp_path)
    assert done == [0, 1, 2]
    assert page.done


def test_another_code_starts_anew(tmp_path: Path) -> None:
    """What was proved of other code is not taken over."""
    done: list[int] = []
    book.run(_proof(done, ("proofs/book.py",)), 1, tell=lambda _: None, results=tmp_path)
    book.run(_proof(done, ("proofs/table.py",)), 1, tell=lambda _: None, results=tmp_path)
    assert done == [0, 0]


def test_the_digest_sees_contents_and_names(tmp_path: Path) -> None:
    """A changed or renamed file is another code; byte code is not looked at."""
    (tmp_path / "a.py").write_text("1")
    first = book.digest(["."], tmp_path)
    (tmp_path / "a.pyc").write_text("x")
    assert book.digest(["."], tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert book.digest(["."], tmp_path) != first


def test_the_table_says_no_when_a_claim_does_not_hold(tmp_path: Path) -> None:
    """A finished proof whose claim fails stands as NO, an unfinished one as not finished."""
    proof = _proof([], ("proofs/book.py",))
    unfinished = book.run(proof, 1, tell=lambda _: None, results=tmp_path)
    assert "| not finished | 1/3 |" in table.markdown([unfinished])
    assert "| NO | 3/3 |" in table.markdown([book.run(proof, tell=lambda _: None, results=tmp_path)])
