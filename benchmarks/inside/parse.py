"""Parse DAG files as the DAG processor does; argument: the folder. Its imports are there before the clock starts.

Counted is what `BundleDagBag` does with the files in one process that already holds what Airflow's DAG
processor holds when it forks for a file (`airflow.sdk`, its manager and processor, and the parsing of one empty
DAG); then the serialising of all DAGs; and each file once more in a fork of its own, as the DAG processor does it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Parse the folder of the first argument after the result's place; write what was found."""
    result, folder, empty = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    import airflow.dag_processing.manager
    import airflow.sdk  # noqa: F401
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.serialization.serialized_objects import DagSerialization

    BundleDagBag(dag_folder=empty, bundle_path=empty)
    held = len(sys.modules)
    alone = {path.name: _forked(path, folder.parent) for path in sorted(folder.glob("*.py"))}
    began = time.perf_counter()
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder.parent)
    parsed = time.perf_counter()
    for dag in bag.dags.values():
        DagSerialization.to_dict(dag)
    done = time.perf_counter()
    found: dict[str, Any] = {"parse": parsed - began, "serialise": done - parsed, "alone": alone}
    found |= {"dags": len(bag.dags), "errors": bag.import_errors, "modules": len(sys.modules) - held}
    result.write_text(json.dumps(found), encoding="utf-8")


def _forked(path: Path, bundle: Path) -> float:
    """Return how long one file takes in a process that has loaded none of our modules [s]."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        from airflow.dag_processing.dagbag import BundleDagBag

        began = time.perf_counter()
        BundleDagBag(dag_folder=path, bundle_path=bundle)
        os.write(writer, str(time.perf_counter() - began).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    os.wait()
    return float(text)


if __name__ == "__main__":
    main()
