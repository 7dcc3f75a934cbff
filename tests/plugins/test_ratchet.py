"""The plugin as Airflow loads it, in every one of its processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from include.ratchet.domain.specs import PROJECT

LOAD = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("plugin", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
ours = [name for name in sys.modules if name.split(".")[0] == "include"]
heavy = sorted({"pandas", "mlflow", "sklearn", "alembic", "numpy"} & set(sys.modules))
print([type(each).__name__ for each in module.RatchetPlugin.listeners], ours, heavy)
"""


def _loaded(path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", LOAD, str(path)], cwd=path.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_it_registers_the_listener_and_loads_nothing_of_ours() -> None:
    """A worker is a fork of the scheduler: a package that a plugin imported would shadow the bundle's."""
    assert _loaded(PROJECT / "plugins" / "ratchet.py") == "['RunEnds'] [] []"


def test_alone_it_registers_nothing(tmp_path: Path) -> None:
    """A plugins folder that was copied without the project does no harm."""
    copy = tmp_path / "plugins" / "ratchet.py"
    copy.parent.mkdir()
    copy.write_bytes((PROJECT / "plugins" / "ratchet.py").read_bytes())
    assert _loaded(copy) == "[] [] []"
