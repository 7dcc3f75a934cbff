"""Names of deliveries."""

from __future__ import annotations

from include.ratchet.adapters.fingerprints import numbered, same, shortened


def test_what_is_too_long_is_hashed() -> None:
    """A text up to the limit is itself; longer ones are told apart by their hashes."""
    assert shortened("a" * 9, 9) == "a" * 9
    long = {shortened(text, 9) for text in ("a" * 10, "a" * 11)}
    assert len(long) == 2
    assert all(len(each) == len("sha256:") + 64 for each in long)


def test_a_state_that_came_back_has_a_name_of_its_own() -> None:
    """Each time that a state is landed again it is counted, and all of its names are of the same state."""
    seen: list[str] = []
    for _ in range(3):
        seen.append(numbered("a|1|x", seen))
    assert len(set(seen)) == 3
    assert all(same(each, "a|1|x") for each in seen)
    assert not same("a|1|xy", "a|1|x")
    assert not same(None, "a|1|x")
