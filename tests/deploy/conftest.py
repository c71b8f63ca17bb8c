"""What the tests of a real installation share. Each of them needs root and Debian's packages; without, they fail."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HOST_SCRIPT = Path(__file__).with_name("systemd_host.py")
# What Debian 12 has.
PYTHON = "3.11"
GLIBC = 36


@pytest.fixture(scope="session")
def project() -> Path:
    """The root folder of the repository."""
    return PROJECT


@pytest.fixture(scope="session")
def debian_root() -> Path:
    """The root folder of a Debian 12 with systemd, python3, python3-venv and pip. It is kept for later runs, in
    `$TASKSYNC_DEPLOY_CACHE`, else in the user's cache folder, and is not to be written to.
    """
    # Another script makes another folder.
    version = sha256(HOST_SCRIPT.read_bytes()).hexdigest()[:12]
    folder = _cache() / f"debian-12-{platform.machine()}-{version}"
    _run([sys.executable, str(HOST_SCRIPT), "make", str(folder)])
    return folder


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """A folder with all that `pip install .` needs on a Debian 12, in the locked versions: inside, no registry is
    configured. For pip: PIP_NO_INDEX=1 and PIP_FIND_LINKS.
    """
    lock = (PROJECT / "requirements-lock.txt").read_text(encoding="utf-8")
    pins = [line.removesuffix(" \\") for line in lock.splitlines() if line[:1].isalnum()]
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*declared["project"]["dependencies"], *declared["build-system"]["requires"]]
    version = sha256("\n".join([*pins, *wanted]).encode()).hexdigest()[:12]
    folder = _cache() / f"wheels-{platform.machine()}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    constraints = folder.with_suffix(".txt")
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    machine = platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)] + [f"manylinux2014_{machine}"]
    _run(
        [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", f"--python-version={PYTHON}"]
        + [f"--platform={tag}" for tag in tags]
        + [f"--constraint={constraints}", f"--dest={folder}", *wanted]
    )
    return folder


def _cache() -> Path:
    named = os.environ.get("TASKSYNC_DEPLOY_CACHE")
    if named:
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tasksync"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command)[:200]}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}", pytrace=False)
