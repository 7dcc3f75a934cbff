"""An undrifted model is in drift alarm as often as the dial says, whatever its rows, columns and autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.book import Json, Proof

DIAL = 0.02
CHUNK, CHUNKS = 100, 40
CASES = (
    {"rows": 100, "columns": 5, "phi": 0.0},
    {"rows": 100, "columns": 5, "phi": 0.7},
    {"rows": 100, "columns": 50, "phi": 0.0},
    {"rows": 1000, "columns": 20, "phi": 0.7},
    {"rows": 1000, "columns": 200, "phi": 0.0, "counted": True},
    {"rows": 10_000, "columns": 5, "phi": 0.0},
    {"rows": 10_000, "columns": 5, "phi": 0.0, "counted": True},
    {"rows": 1_000_000, "columns": 50, "phi": 0.0, "counted": True},
)
LOWER, UPPER = 0.5, 2.0


def run(part: int) -> Json:
    """Draw a chunk of undrifted models of one case; return how many are in alarm."""
    from proofs.inside import drift

    case = CASES[part % len(CASES)]
    seeds = range(part * CHUNK, (part + 1) * CHUNK)
    alarms = sum(drift.null_alarms(**case, seed=seed, dial=DIAL) for seed in seeds)  # type: ignore[arg-type]
    return {"case": _name(case), "models": CHUNK, "alarms": alarms}


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every case within half and twice the dial."""
    holds, said = True, []
    for case in dict.fromkeys(part["case"] for part in parts):
        of = [part for part in parts if part["case"] == case]
        count, alarms = sum(part["models"] for part in of), sum(part["alarms"] for part in of)
        holds &= LOWER * DIAL <= alarms / count <= UPPER * DIAL
        said.append(f"{case}: {alarms / count:.2%} of {count}")
    return holds, "; ".join(said)


def _name(case: dict[str, float]) -> str:
    how = ", counts drawn" if case.get("counted") else ""
    return f"{case['rows']:,} rows x {case['columns']}, AR {case['phi']}{how}"


DRIFT_NULL = Proof(
    "drift-null",
    f"Windows of an undrifted model are in drift alarm {LOWER:g} to {UPPER:g} times as often as dialled ({DIAL:.0%}), 2 of 3",
    (
        "include/ratchet/steps/drift.py",
        "include/ratchet/steps/dial.py",
        "include/ratchet/steps/sketch.py",
        "proofs/drift_null.py",
        "proofs/inside/drift.py",
    ),
    CHUNKS * len(CASES),
    run,
    judge,
)
