"""Random promotions under load: no request fails, no wrong version answers outside of a change, a killed worker loses nothing."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.project import copy
from proofs.book import Json, Proof

PROMOTIONS, PARTS, KILLS = 20, 10, 1


def run(part: int) -> Json:
    """Promote at random, kill one worker, in a fresh home; return what was asked and what was wrong."""
    found: Json = copy("changeover").run("proofs.inside.changeover", str(part), str(PROMOTIONS), str(KILLS))
    return found


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every answer right, the champion's of its moment, and logged; only a killed worker may cut a connection."""
    keys = ("promotions", "kills", "answers", "refused", "cut", "stale", "wrong", "lost")
    promotions, kills, answers, refused, cut, stale, wrong, lost = (sum(part[key] for part in parts) for key in keys)
    said = (
        f"{promotions} promotions, {kills} kills of a worker; {answers} answers, {refused} refused, {cut} cut by a kill, "
        f"{stale} by a version outside of its reign, {wrong} with a wrong number, {lost} not in the log; "
        f"the slowest change took {max(part['slowest_change'] for part in parts):.1f} s"
    )
    return answers > 0 and refused == stale == wrong == lost == 0 and cut <= kills and kills == KILLS * len(parts), said


CHANGEOVER = Proof(
    "changeover",
    f"{PROMOTIONS * PARTS} random promotions under load on two workers, one of which is killed in each part: no failed request, "
    "never a version outside of its recorded reign, every answer logged",
    (
        "include/ratchet/serving",
        "include/ratchet/adapters",
        "benchmarks/inside/deployed.py",
        "proofs/changeover.py",
        "proofs/inside/changeover.py",
    ),
    PARTS,
    run,
    judge,
)
