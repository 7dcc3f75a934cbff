"""The three ports of the embedded stack: which they are, and who sits on one that is taken."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import psutil

from include.ratchet.domain.errors import SpecError

HOST = "127.0.0.1"
"""The stack has no passwords: it answers on this machine only."""
_VARIABLES = {"airflow": "AIRFLOW_PORT", "mlflow": "MLFLOW_PORT", "serving": "SERVING_PORT"}


@dataclass(frozen=True)
class Ports:
    """Where each server of the stack answers."""

    airflow: int = 8080
    mlflow: int = 5000
    serving: int = 8090

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Ports:
        """Read AIRFLOW_PORT, MLFLOW_PORT and SERVING_PORT, as `make demo AIRFLOW_PORT=8081` sets them.

        Raises:
            SpecError: A value is not a port, or two are the same.
        """
        faults, found = [], {}
        for name, variable in _VARIABLES.items():
            text = env.get(variable) or str(getattr(cls, name))
            if text.isdecimal() and 0 < int(text) < 65536:  # noqa: PLR2004 - the highest port
                found[name] = int(text)
            else:
                faults.append(f"{variable}: found {text!r}; allowed is a port, 1 to 65535")
        if not faults and len(set(found.values())) < len(found):
            faults.append(f"two of {', '.join(_VARIABLES.values())} are the same; found {sorted(found.values())}")
        if faults:
            raise SpecError("the ports of the stack", faults)
        return cls(**found)

    def to_json(self) -> dict[str, int]:
        """Write the three ports."""
        return asdict(self)

    def url(self, name: str) -> str:
        """Return the address of one server."""
        return f"http://{HOST}:{getattr(self, name)}"


def require_free(ports: Ports) -> None:
    """Make sure that nothing listens on the ports.

    Raises:
        SpecError: A port is busy; says by whom, where that can be known, and how to choose another.
    """
    faults = [_busy(name, port) for name, port in ports.to_json().items() if not _is_free(port)]
    if faults:
        raise SpecError("cannot start: a port is busy", faults, "Stop that process, or choose another port as shown.")


def _is_free(port: int) -> bool:
    # SO_REUSEADDR, as servers set it: a port that only waits in TIME_WAIT counts as free.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _busy(name: str, port: int) -> str:
    return f"port {port}, for {name}, is taken by {_owner(port)}; another: make demo {_VARIABLES[name]}={_next_free(port)}"


def _owner(port: int) -> str:
    """Name the process that listens, as far as this user may know."""
    try:
        listening = (c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port)
        pid = next((c.pid for c in listening if c.pid), None)
        if pid:
            return f"process {pid} ({' '.join(psutil.Process(pid).cmdline())[:80]})"
    except (psutil.Error, OSError):
        pass
    return "a process of another user, or one that cannot be seen"


def _next_free(port: int) -> int:
    return next((p for p in range(port + 1, port + 100) if p < 65536 and _is_free(p)), port + 1)  # noqa: PLR2004 - the highest port
