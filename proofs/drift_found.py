"""A fault in one of 200 columns is found within two windows; the index of the field fires without one."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.book import Json, Proof

DIAL, COLUMNS = 0.02, 200
FEWEST, THRESHOLD = 0.95, 0.1
FAULTS = ("shift", "swap", "missing")
CHUNK, CHUNKS = 20, 10
UNDRIFTED = {"rows": 100, "columns": 5}


def run(part: int) -> Json:
    """Draw a chunk of models of one fault, and as many undrifted ones for the index."""
    from proofs.inside import planted

    fault = FAULTS[part % len(FAULTS)]
    seeds = range(part * CHUNK, (part + 1) * CHUNK)
    hits = sum(planted.found(fault, COLUMNS, seed, DIAL) for seed in seeds)
    fires = sum(planted.index_fires(**UNDRIFTED, seed=seed, threshold=THRESHOLD) for seed in seeds)
    return {"fault": fault, "models": CHUNK, "found": hits, "psi": fires}


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every fault found often enough; the index stands beside and has no limit."""
    holds, said = True, []
    for fault in dict.fromkeys(part["fault"] for part in parts):
        of = [part for part in parts if part["fault"] == fault]
        count, hits = sum(part["models"] for part in of), sum(part["found"] for part in of)
        holds &= hits >= FEWEST * count
        said.append(f"{fault}: {hits / count:.1%} of {count}")
    fires = sum(part["psi"] for part in parts) / sum(part["models"] for part in parts)
    return holds, "; ".join(said) + f"; PSI > {THRESHOLD:g} on {UNDRIFTED['rows']} undrifted rows x {UNDRIFTED['columns']}: {fires:.0%}"


DRIFT_FOUND = Proof(
    "drift-found",
    f"A number moved by a quarter of its deviation, two of seven categories swapped, 6% gone missing, in one of {COLUMNS} columns: "
    f"found in {FEWEST:.0%} within two windows of 1,000 rows, dialled at {DIAL:.0%}",
    (
        *(f"include/ratchet/steps/{name}.py" for name in ("drift", "dial", "sketch")),
        "proofs/drift_found.py",
        "proofs/inside/drift.py",
        "proofs/inside/planted.py",
    ),
    CHUNKS * len(FAULTS),
    run,
    judge,
)
