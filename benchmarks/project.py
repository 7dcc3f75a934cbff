"""Copies of the project to measure in: with other models, a home of their own, and byte code."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.specs import PROJECT
from include.ratchet.domain.viewspec import JOINED_BY
from include.ratchet.local import environment, stack
from include.ratchet.local.ports import HOST, Ports

FOLDER = PROJECT / ".ratchet-bench"
_PARTS = ("dags", "include", "config", "plugins", "benchmarks", "proofs", "ratchet.yaml", ".airflowignore")
_TEMPLATE, _FEED = "flight_delay", "flights"


class InsideError(RuntimeError):
    """A measured process failed; the message holds the end of its output."""


class Project:
    """One copy of the project; it is also the root of its own DAG bundle."""

    def __init__(self, root: Path) -> None:
        """Use the copy at `root`, with the ports that are free now."""
        self.root, self.ports = root, free_ports()

    @property
    def config(self) -> Config:
        """The copy's deployment: its home is inside it."""
        return load_config(home=str(self.root / ".ratchet"))

    def run(self, module: str, *words: str, timeout: float = 600, **env: str) -> Any:
        """Run a module in the copy, with the stack's environment; return the JSON that it wrote to its first argument.

        Raises:
            InsideError: It failed.
        """
        environment.folders(self.config)
        found = self.root / ".ratchet" / f"{module.rpartition('.')[2]}.json"
        found.unlink(missing_ok=True)
        whole = environment.base(self.config, self.ports) | {f"{k.upper()}_PORT": str(v) for k, v in self.ports.to_json().items()} | env
        command = (sys.executable, "-m", module, str(found), *words)
        try:
            done = subprocess.run(command, cwd=self.root, env=whole, timeout=timeout, capture_output=True, text=True, check=False)  # noqa: S603
        finally:
            stack.down(self.config)  # nothing to do, unless the process died before it took its stack down
        if done.returncode or not found.exists():
            raise InsideError(f"{module} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        return json.loads(found.read_text(encoding="utf-8"))


def copy(name: str, models: int | None = None, dags: Sequence[str] = ()) -> Project:
    """Make a fresh copy of the project under `.ratchet-bench/`.

    Args:
        name: Folder of the copy; what was there is removed.
        models: Replace the bundled models by this many copies of `flight_delay`, each with a feed of its
            own besides the shared ones, so that a model stands for six DAGs; None keeps the bundle as it is.
        dags: Files of `benchmarks/dags/` to add to the DAGs.
    """
    root = FOLDER / name
    if root.exists():
        stack.down(Project(root).config)
        shutil.rmtree(root)
    root.mkdir(parents=True)
    for part in _PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy2(source, root / part)
    if models is not None:
        _replace_models(root / "include", models)
    for each in dags:
        shutil.copy2(root / "benchmarks" / "dags" / each, root / "dags" / each)
    compiled = (sys.executable, "-m", "compileall", "-q", *(str(root / part) for part in _PARTS if (root / part).is_dir()))
    subprocess.run(compiled, check=True, env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"})  # noqa: S603
    return Project(root)


def _replace_models(include: Path, count: int) -> None:
    spec = yaml.safe_load((include / "models" / _TEMPLATE / "model.yaml").read_text(encoding="utf-8"))
    feed = yaml.safe_load((include / "feeds" / _FEED / "feed.yaml").read_text(encoding="utf-8"))
    transform = (include / "models" / _TEMPLATE / "transform.sql").read_text(encoding="utf-8")
    for each in (include / "models").iterdir():
        shutil.rmtree(each)
    shutil.rmtree(include / "feeds" / _FEED)
    shutil.rmtree(include / "views")  # which reads that feed
    columns = spec["columns"] | {"numeric": [name for name in spec["columns"]["numeric"] if JOINED_BY not in name]}
    spec |= {"views": [], "columns": columns}
    for number in range(1, count + 1):
        name, source = f"model_{number:03}", f"{_FEED}_{number:03}"
        (include / "models" / name).mkdir()
        (include / "feeds" / source).mkdir()
        _write(include / "models" / name / "model.yaml", spec | {"name": name, "feeds": [source, "weather", "planes"]})
        (include / "models" / name / "transform.sql").write_text(transform.replace("FROM flights", f"FROM {source}"), encoding="utf-8")
        _write(include / "feeds" / source / "feed.yaml", feed | {"name": source})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=140), encoding="utf-8")


def free_ports() -> Ports:
    """Return three ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(3)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return Ports(*(each.getsockname()[1] for each in sockets))
    finally:
        for each in sockets:
            each.close()
