"""Promote at random under load: arguments are the seed, how many promotions, and how many kills of a worker.

A second process asks all the time. Every answer is compared with the versions that could be right at that moment: the
champion by the ledger, and inside a recorded change the one before too. Each version answers the same row differently, so that a wrong
label on a right answer would show too. At the end every answer that a client has must be in the log.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benchmarks.inside.deployed import MODEL, Client, made, promote, register, service
from include.ratchet.adapters import open_ledger  # noqa: TID253 - loaded by a proof that runs
from include.ratchet.domain.config import load_config
from include.ratchet.domain.reigns import serving_at

VERSIONS, ROWS, SETTLED = 4, 40, 1.0
WORKERS = 2
PREDICT = f"/v1/models/{MODEL}:predict"


def main() -> None:
    """Serve, ask from another process, promote, kill; write what was found."""
    result, seed, promotions, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    draw, asked = random.Random(seed), load_config().folder / "asked.jsonl"  # noqa: S311 - nothing secret
    pipelines = register(VERSIONS)
    rows = made(ROWS, seed=7)
    records = [{name: None if value != value else value for name, value in row.items()} for row in rows.to_dict("records")]  # noqa: PLR0124
    right = {
        number: [float(pipeline.predict_proba(rows.iloc[[i]])[0, 1]) for i in range(ROWS)] for number, pipeline in enumerate(pipelines, 1)
    }
    (load_config().folder / "rows.json").write_text(json.dumps(records), encoding="utf-8")
    promote(1)
    serves = 1
    with service(WORKERS) as server:
        time.sleep(SETTLED)
        began = time.time()
        loader = subprocess.Popen([sys.executable, "-m", "proofs.inside.changeover", "ask", str(asked)])  # noqa: S603 - ourselves
        killed = 0
        for number in range(promotions):
            time.sleep(draw.uniform(0.2, 1.5))
            version = draw.choice([each for each in right if each != serves])
            promote(version)
            serves = version
            if killed < kills and number >= (killed + 1) * promotions // (kills + 1):
                killed += _kill_one(server.pid)
        time.sleep(SETTLED)
        loader.send_signal(signal.SIGTERM)
        loader.wait(20)
    found = _judged([json.loads(line) for line in asked.read_text(encoding="utf-8").splitlines()], right)
    result.write_text(json.dumps({"promotions": promotions, "kills": killed, "seconds": time.time() - began, **found}), encoding="utf-8")


def ask(place: Path) -> None:
    """Ask one row after the other until told to stop; note each answer."""
    rows = json.loads((load_config().folder / "rows.json").read_text(encoding="utf-8"))
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    client, number = Client(load_config().serving.url), 0
    with place.open("w", encoding="utf-8") as out:
        while not stop:
            row, sent = number % len(rows), time.time()
            note: dict[str, Any] = {"row": row, "sent": sent}
            try:
                status, said = client.post(PREDICT, json.dumps({"records": [rows[row]]}).encode())
                note |= {"status": status, "said": said}
            except (OSError, HTTPException) as error:
                note |= {"status": 0, "said": type(error).__name__}
                client = Client(load_config().serving.url)
            out.write(json.dumps({**note, "came": time.time()}) + "\n")
            number += 1
            if number % 50 == 0:
                client = Client(load_config().serving.url)  # another worker may take this one


def _kill_one(parent: int) -> int:
    """Kill a worker as the kernel would."""
    children = [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()]
    workers = [each for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
    if not workers:
        return 0
    os.kill(workers[0], signal.SIGKILL)
    return 1


def _judged(answers: list[dict[str, Any]], right: dict[int, list[float]]) -> dict[str, float]:
    """Count what must not be: failed, wrong versions outside a change, wrong numbers, answers that are not in the log."""
    good = [each for each in answers if each["status"] == 200]  # noqa: PLR2004 - an answer
    history, stale, wrong = open_ledger().reigns(MODEL), 0, 0
    for each in good:
        said, moments = each["said"], [datetime.fromtimestamp(each[name], UTC) for name in ("sent", "came")]
        allowed = {reign.promotion.version for at in moments for reign in serving_at(history, at)}
        stale += said["version"] not in allowed
        wrong += said["probabilities"][0] != right[said["version"]][each["row"]]
    kept = set()
    for path in (load_config().log_place / "predictions" / MODEL).glob("*.jsonl"):
        kept |= {json.loads(line)["id"] for line in path.read_bytes().rpartition(b"\n")[0].split(b"\n") if line}
    lost = sum(each["said"]["id"] not in kept for each in good)
    refused = sum(each["status"] != 0 for each in answers) - len(good)
    cut = sum(each["status"] == 0 for each in answers)
    slowest = max((each.valid_from - each.promotion.at).total_seconds() for each in history[1:])
    return {"slowest_change": slowest, "answers": len(good), "refused": refused, "cut": cut, "stale": stale, "wrong": wrong, "lost": lost}


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(Path(sys.argv[2]))
    else:
        main()
