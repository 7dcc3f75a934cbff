"""The Dockerfile, checked without Docker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploy.reading import ROOT, image_env, instructions

ASTRO = "ARG BASE=astrocrpublic.azurecr.io/runtime:"


def _arguments(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def test_the_base_is_one_argument() -> None:
    """Another base image is one line: the official one, pinned, by default; the Astro Runtime as the comment shows."""
    assert [word for word, _ in instructions()][:2] == ["ARG", "FROM"]
    assert _arguments("FROM") == ["${BASE}"]
    assert re.fullmatch(r"BASE=apache/airflow:slim-\d+\.\d+\.\d+-python3\.\d+", _arguments("ARG")[0])
    assert ASTRO in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_base_carries_the_locked_airflow() -> None:
    """The image's Airflow is the version of the lock, on a Python that the lock resolves for."""
    found = re.search(r"slim-(?P<airflow>[\d.]+)-python(?P<python>3\.\d+)", _arguments("ARG")[0])
    assert found is not None
    assert f"apache-airflow=={found['airflow']} " in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert found["python"] in {"3.11", "3.12", "3.13"}


def test_packages_come_from_the_lock_with_hashes() -> None:
    """The build installs exactly what the lock names, byte-compiled, checked by hash, and a contradiction ends the build."""
    installs = [run for run in _arguments("RUN") if "pip install" in run]
    assert len(installs) == 1
    for option in ("--require-hashes", "--no-deps", "--compile", "--no-cache-dir", "-r /tmp/requirements.lock", "&& pip check"):
        assert option in installs[0]


def test_astro_keeps_its_own_airflow() -> None:
    """On another base than the official one the lock is left alone: there, ONBUILD installed requirements.txt."""
    install = next(run for run in _arguments("RUN") if "pip install" in run)
    assert install.startswith('if [ "${AIRFLOW_HOME}" = /opt/airflow ]; then')


def test_our_code_is_byte_compiled() -> None:
    """Byte code is written when the image is built: a read-only container could not write it."""
    assert any("python -m compileall -q" in run and "{config,dags,include,plugins}" in run for run in _arguments("RUN"))
    assert "PYTHONDONTWRITEBYTECODE" not in image_env()


def test_the_image_does_not_run_as_root() -> None:
    """The last user is a number that is not 0, so that Kubernetes can check it."""
    user = _arguments("USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:0", user)


def test_our_code_is_not_the_users() -> None:
    """Copied files stay root's: no --chown, and the last COPY is before the switch to the user."""
    words = [word for word, _ in instructions()]
    assert not [rest for rest in _arguments("COPY") if "--chown" in rest]
    assert len(words) - 1 - words[::-1].index("COPY") < len(words) - 1 - words[::-1].index("USER")


def test_python_path_is_left_to_the_services() -> None:
    """PYTHONPATH is not set for all: a copy on a worker's path would shadow the DAG bundle's."""
    assert "PYTHONPATH" not in image_env()


@pytest.mark.parametrize("name", ["dags", "include", "plugins", "config", "ratchet.yaml", ".airflowignore"])
def test_the_image_has_the_layout_of_the_root(name: str) -> None:
    """What a bundle's root holds lies in AIRFLOW_HOME under the same name, and the build context lets it in."""
    assert (ROOT / name).exists()
    copied = [rest.split()[:-1] for rest in _arguments("COPY")]
    assert any(name in (source.rstrip("/") for source in sources) for sources in copied)
    assert f"!{name}" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_the_context_is_an_allow_list() -> None:
    """Secrets, state and history do not reach the builder: everything is out until it is named, and what is named exists."""
    lines = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert not let_in & {".", ".env", ".git", ".venv", ".ratchet", "tests"}
    for sources in (rest.split()[:-1] for rest in _arguments("COPY")):
        assert {source.rstrip("/") for source in sources} <= let_in


def test_astro_finds_its_files() -> None:
    """The Runtime's ONBUILD copies packages.txt and requirements.txt: they exist, pass the context, and name no Airflow."""
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert (ROOT / "packages.txt").read_text(encoding="utf-8") == "", "comments in it are not known to be allowed"
    assert "!packages.txt" in allowed
    assert "!requirements.txt" in allowed
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in requirements if re.match(r"apache-airflow\s*[=<>~\[]|apache-airflow$", line)]


def test_the_state_folder_is_made_for_the_user() -> None:
    """The mount points belong to the user of the image; a new named volume takes that over."""
    made = next(run for run in _arguments("RUN") if "install -d" in run)
    assert "-o 50000 -g 0" in made
    for folder in (image_env()["RATCHET__HOME"], "/var/lib/objects", '"${AIRFLOW_HOME}/logs"'):
        assert folder in made
    assert Path(image_env()["RATCHET__HOME"]).is_absolute()
