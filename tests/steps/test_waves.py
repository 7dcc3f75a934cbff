"""Test rows without time: each wave is new to every verdict and every model, and keeps the whole of alpha."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy.stats import binom, norm

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import next_wave
from include.ratchet.domain.records import Verdict
from include.ratchet.steps.frames import WAVE, split
from include.ratchet.steps.waves import TRAIN, among, copied, dealt, key_columns, remembered, waves_of
from tests.makers import untimed
from tests.steps.test_frames import WINDOW

ALPHA, SPEC = 0.05, untimed()


def table(count: int, first: int = 0) -> pa.Table:
    """Make rows of which every id is another."""
    ids = np.arange(first, first + count)
    return pa.table({"id": ids, "who": ids // 3, "y": ids % 2, "x": ids * 1.0})


def ids(rows: pa.Table, mask: object) -> set[int]:
    """Return the ids of some rows."""
    return set(rows["id"].to_numpy()[mask].tolist())


def test_a_wave_is_of_rows_that_arrived_since() -> None:
    """What was tested is trained on; what was trained on never is a test row; the shares are the split's."""
    first = dealt(table(2000), SPEC, 0)
    second = dealt(table(4000), SPEC, 1, remembered(first, SPEC))
    one, two = split(first, SPEC, WINDOW), split(second, SPEC, WINDOW)
    assert not ids(second, two.test) & (ids(first, one.test) | ids(first, one.train))
    assert ids(first, one.test) <= ids(second, two.train)
    assert 320 < len(ids(first, one.test)) < 480
    assert 320 < len(ids(second, two.test)) < 480


def test_within_a_wave_rows_are_added() -> None:
    """Another look is at the same rows and at those that came since."""
    first = dealt(table(2000), SPEC, 0)
    again = dealt(table(3000), SPEC, 0, remembered(first, SPEC))
    assert ids(first, split(first, SPEC, WINDOW).test) < ids(again, split(again, SPEC, WINDOW).test)


def test_rows_stay_where_they_were_when_the_seed_changes() -> None:
    """The champion was fitted on them; only rows that arrive later are drawn by the new seed."""
    first = dealt(table(2000), SPEC, 0)
    again = dealt(table(2000), untimed(training__seed=8), 0, remembered(first, SPEC))
    assert again[WAVE].equals(first[WAVE])


def test_an_entity_that_was_tested_is_not_tested_again() -> None:
    """A new row of it goes where the others are."""
    spec = untimed(columns__entity=["who"])
    first = dealt(table(2000), spec, 0)
    later = table(2000, first=2000)
    later = later.set_column(1, "who", pa.array(np.arange(2000) // 3))
    second = dealt(pa.concat_tables([table(2000), later]), spec, 1, remembered(first, spec))
    known = np.arange(2000) // 3 < 2000 // 3
    assert (waves_of(second, spec)[2000:][known] < 1).all()


def test_a_snapshot_of_before_has_the_first_wave() -> None:
    """Its test side is what its verdict saw."""
    old = table(2000)
    assert waves_of(dealt(old, SPEC, 1, remembered(old, SPEC)), SPEC).max() == 0


def test_rows_read_again_get_their_waves_back() -> None:
    """In any order; and rows are found among the tested ones."""
    kept = dealt(table(600), SPEC, 0)
    turned = table(600).take(np.arange(600)[::-1])
    assert copied(turned, kept, ["id"])[WAVE].to_pylist() == kept[WAVE].to_pylist()[::-1]
    tested = kept.filter(pa.array(split(kept, SPEC, WINDOW).test))
    assert ids(turned, among(turned, tested, SPEC)) == ids(tested, np.ones(tested.num_rows, dtype=bool))


def after(spec: ModelSpec, then: pa.Table, now: pa.Table, today: ModelSpec | None = None) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the waves of the rows of a first verdict, and of a second one that is on a new wave."""
    first = dealt(then, spec, 0)
    return waves_of(first, spec), waves_of(dealt(now, today or spec, 1, remembered(first, spec)), spec)


TIMES = np.datetime64("2020-01-01") + np.arange(400).astype("timedelta64[D]")


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (pa.array(range(400)), pa.array(np.arange(401.0))),
        (pa.array(range(400)), pa.array([*range(400), None])),
        (pa.array(TIMES), pa.array(np.r_[TIMES.astype("datetime64[us]"), np.datetime64("2040-01-01T12:00:00.5")])),
        (pa.array(TIMES.astype("datetime64[ms]")), pa.array(TIMES.astype("datetime64[ns]"), pa.timestamp("ns", "UTC"))),
    ],
    ids=["float", "null", "noon", "unit"],
)
def test_a_key_is_its_value_not_its_print(then: pa.Array, now: pa.Array) -> None:
    """Another type of the column, or another row in it, moves no row that was there."""
    then = then.cast(pa.timestamp("us")) if pa.types.is_date(then.type) else then
    before, again = after(SPEC, pa.table({"id": then}), pa.table({"id": now}))
    assert (before == again[:400]).all()


def test_a_row_that_was_away_is_not_unseen() -> None:
    """It left the table for a whole verdict, and is known when it comes back."""
    first = remembered(dealt(table(2000), SPEC, 0), SPEC)
    away = dealt(table(1000, first=1000), SPEC, 0, first)
    assert waves_of(dealt(table(2000), SPEC, 1, remembered(away, SPEC, first)), SPEC).max() == 0


def test_another_key_tests_no_row_that_was_trained_on() -> None:
    """Rows keep their wave by the old key, also where it is named no more; an entity of which one was trained on is trained on."""
    by_who = untimed(columns__entity=["who"])
    before, now = after(SPEC, table(2000), table(2000), by_who)
    assert now.max() == 0
    assert not ((now == 0) & (before == TRAIN)).any()
    before, now = after(by_who, table(2000), table(2000))
    assert (before == now).all()
    memory = remembered(dealt(table(2000), by_who, 0), by_who)
    twice = remembered(dealt(table(2000), SPEC, 0, memory), SPEC, memory)
    assert key_columns(twice) == ["id", "who"]


def test_a_key_that_is_gone_is_said() -> None:
    """Nothing is drawn anew; the message names the column and what to do."""
    by_who = untimed(columns__entity=["who"])
    with pytest.raises(DataError, match=r"known by who; not returned any more: who.* or give the model a new name"):
        after(by_who, table(100), table(100).drop_columns(["who"]), SPEC)


def promoted(years: int, looks: int, *, waves: bool) -> npt.NDArray[np.bool_]:
    """Let somebody climb: every challenger keeps half of what the last one said of each row, when that one looked good.

    No challenger is better than the champion in truth. 300 test rows arrive before each of 9 verdicts.

    Returns:
        Per year and verdict whether the challenger was shown to be better.
    """
    draw, found = np.random.default_rng([11, looks, waves]), np.zeros((years, 9), dtype=bool)
    for year in range(years):
        seen: list[Verdict] = []
        liked = np.zeros(0)
        wave_of = np.zeros(0, dtype=int)
        for each in range(9):
            wave = next_wave(seen, looks) if waves else 0
            wave_of = np.r_[wave_of, np.full(300, wave)]
            before = np.r_[liked, draw.normal(size=len(wave_of) - len(liked))]
            mine = np.where(draw.uniform(size=len(wave_of)) < 0.5, before, draw.normal(size=len(wave_of)))
            tested = mine[wave_of == wave]
            shown = tested.mean() / (tested.std(ddof=1) / np.sqrt(len(tested)))
            found[year, each] = shown > norm.isf(ALPHA / (looks if waves else 1))
            liked = mine if shown > 0 else -mine
            seen.insert(0, Verdict("m", each, f"run {each}", "refuse", "", (), {"test_window": {"wave": wave}}))
    return found


@pytest.mark.parametrize("looks", [1, 3])
def test_who_learns_from_verdicts_gains_nothing(looks: int) -> None:
    """With waves a wave promotes an equal challenger at most at alpha, all its looks together; on the same rows luck adds up."""
    made, same = (int(promoted(120, looks, waves=waves).reshape(-1, looks).any(axis=1).sum()) for waves in (True, False))
    most = binom.ppf(0.999, 120 * 9 // looks, ALPHA)
    assert made <= most < same
