"""What the other proofs make of their parts."""

from __future__ import annotations

from proofs import demo_ten, kills, promotions, replays


def test_one_lost_row_breaks_the_claim() -> None:
    """Kills add up over the parts; a row lost or doubled anywhere is enough."""
    part = {"kills": 10, "rows": 400, "quarantined": 5, "lost": 0, "doubled": 0, "where": {"land": 4, "merge": 6}}
    assert kills.judge([part, part])[0]
    assert "20 kills (land 8, merge 12)" in kills.judge([part, part])[1]
    assert not kills.judge([part, part | {"doubled": 1}])[0]


def test_a_process_left_behind_breaks_the_claim() -> None:
    """A demo must end with status 0 and leave nothing that runs."""
    part = {"status": 0, "seconds": 100.0, "left": []}
    assert demo_ten.judge([part])[0]
    assert not demo_ten.judge([part, part | {"left": ["airflow scheduler"]}])[0]
    assert not demo_ten.judge([part, part | {"status": 1}])[0]


def test_a_second_champion_breaks_the_claim() -> None:
    """Every kill must strike and leave nothing wrong; one fault of the random changes is enough."""
    kill = {"killed": True, "wrong": []}
    part = {"kills": [kill, kill], "changes": 50, "looks": 900, "lost": 7, "faults": []}
    assert promotions.judge([part, part])[0]
    assert "4 of 4 kills struck" in promotions.judge([part, part])[1]
    breaking: tuple[dict[str, object], ...] = (
        {"kills": [kill | {"wrong": ["two champions"]}]},
        {"kills": [kill | {"killed": False}]},
        {"kills": []},
        {"faults": ["x"]},
    )
    for bad in breaking:
        assert not promotions.judge([part | bad])[0]


def test_a_stage_that_differs_breaks_the_claim() -> None:
    """Every replay is of a version that lies far enough back, and repeats every stage."""
    same: dict[str, object] = {"first": None, "notes": []}
    part = {"back": {"21": same, "20": same}, "table_versions": 21}
    assert replays.judge([part])[0]
    for bad in ({"20": same | {"first": "model"}}, {"20": same | {"notes": ["x"]}}, {"3": same}):
        assert not replays.judge([part | {"back": bad}])[0]
