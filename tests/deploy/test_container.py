"""The image, built and run as people do it: locked down, as a user that nobody knows, with secrets as files."""

from __future__ import annotations

import json
import re
import shlex
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasksync import __version__
from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock

HOST_SCRIPT = Path(__file__).with_name("container_host.py")
BASE = "localhost/debian-python:12"
IMAGE = "localhost/tasksync"
README = Path(__file__).parents[2] / "README.md"
USER = 12345
TOKEN = "canary-4f1c9b7e2d"
CRMS = {"office": "onlyoffice", "capsule": "capsule", "advisers": "plannr"}
HARDENED = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m", "--cap-drop=all",
            "--security-opt=no-new-privileges", f"--user={USER}")  # fmt: skip
LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class ContainerHost:
    """A place for images, containers, volumes and secrets; see container_host.py."""

    folder: Path

    def call(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HOST_SCRIPT), verb, str(self.folder), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)

    def must(self, verb: str, *arguments: str) -> str:
        """Its stdout. Fails the test when it ends with another exit code than 0."""
        done = self.call(verb, *arguments)
        if done.returncode:
            pytest.fail(
                f"{verb} {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"[-6000:]
            )
        return done.stdout

    def inspect(self, what: str) -> dict[str, Any]:
        (found,) = json.loads(self.must("podman", "inspect", what))
        return dict(found)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    folder = tmp_path_factory.mktemp("containers")
    command = [sys.executable, str(HOST_SCRIPT), "open", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as opened:
        assert opened.stdout is not None
        if opened.stdout.readline() != "ready\n":
            pytest.fail("no containers can be had here; stderr says why")
        yield ContainerHost(folder)


@pytest.fixture(scope="module")
def image(host: ContainerHost, debian_root: Path, project: Path) -> str:
    """Built from the repository as README says, but for the base."""
    host.must("import", str(debian_root), BASE)
    podman, build, *options, context = commands_of_the_readme()[0]
    assert (podman, build, context) == ("podman", "build", ".")
    here = [str(project / one) if one.startswith("deploy/") else one for one in options]
    host.must("build", *here, f"--build-arg=BASE_IMAGE={BASE}", str(project))
    return IMAGE


def commands_of_the_readme() -> list[list[str]]:
    """Those of the section about containers."""
    section = README.read_text(encoding="utf-8").split("## In a container\n", 1)[1]
    block = section.split("```sh\n", 1)[1].split("```", 1)[0]
    return [shlex.split(line) for line in block.splitlines()]


class Firm:
    """The sandbox as its people see it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/_admin", timeout=30)
        for crm in CRMS.values():
            self._client.patch(f"/{crm}/settings", json={"token": TOKEN}).raise_for_status()

    def add(self, crm: str, **task: object) -> None:
        self._client.post(f"/{crm}/tasks", json=task).raise_for_status()

    def titles(self, crm: str) -> set[str]:
        return {task["title"] for task in self._client.get(f"/{crm}/tasks").raise_for_status().json()}

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def firm() -> Iterator[Firm]:
    """Outside of the container, on the loopback interface."""
    with Server(World(SystemClock(), seed=True)) as server:
        firm = Firm(server.url)
        yield firm
        firm.close()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a container of tasksync gets; `options` are those of `podman run`."""

    host: ContainerHost
    image: str
    options: tuple[str, ...]
    mirror: str
    port: int

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.host.call("podman", "run", "--rm", *HARDENED, *self.options, self.image, *command)


def write_config(project: Path, firm: Firm, config: Path, port: int) -> None:
    """The configuration of compose.yaml, for the sandbox."""
    text = (project / "deploy/container/config.yaml").read_text(encoding="utf-8")
    for connection, crm in CRMS.items():
        text, replaced = re.subn(rf"(  {connection}:\n    type: \w+\n    url: )\S+", rf"\g<1>{firm.url}/{crm}", text)
        assert replaced == 1
    text = text.replace("poll_every: 60s", "poll_every: 1s").replace(":9460", f":{port}")
    config.write_text(text, encoding="utf-8")
    config.chmod(0o644)


@pytest.fixture
def clean(host: ContainerHost) -> Iterator[None]:
    """Nothing of one test is left for the next."""
    yield
    host.must("podman", "rm", "--all", "--force", "--time=0")
    host.must("podman", "volume", "rm", "--all", "--force")
    host.must("podman", "secret", "rm", "--all")


@pytest.fixture
def setting(host: ContainerHost, image: str, firm: Firm, project: Path, tmp_path: Path, clean: None) -> Setting:
    """A configuration for the sandbox; its secrets, readable by the user alone; a new volume."""
    port = free_port()
    config = tmp_path / "config.yaml"
    write_config(project, firm, config, port)
    options = [f"--volume={config}:/etc/tasksync/config.yaml:ro", "--volume=mirror:/var/lib/tasksync"]
    for connection in CRMS:
        name = f"{connection}.token"
        (tmp_path / name).write_text(TOKEN, encoding="utf-8")
        host.must("podman", "secret", "create", name, str(tmp_path / name))
        options.append(f"--secret={name},uid={USER},mode=0400")
    return Setting(host, image, tuple(options), "mirror", port)


def logs_of(host: ContainerHost, container: str = "tasksync") -> str:
    logs = host.call("podman", "logs", container)
    return logs.stdout + logs.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {LIMIT_S} s: {what}")
        time.sleep(0.2)


def test_settings_of_the_image(host: ContainerHost, image: str) -> None:
    """The daemon is what it runs, without a shell and not as root; it has one volume, a health check and labels."""
    found = host.inspect(image)
    config: Mapping[str, Any] = found["Config"]
    assert config["User"] == "65532:65532"
    assert (config["Entrypoint"], config["Cmd"]) == (["/opt/tasksync/bin/tasksync"], ["sync"])
    assert config["StopSignal"] == "SIGTERM"
    assert config["Volumes"] == {"/var/lib/tasksync": {}}
    assert found["Healthcheck"]["Test"] == ["CMD", "/opt/tasksync/bin/tasksync", "status", "--health"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert labels["version"] == __version__
    assert labels.keys() >= {"title", "description", "licenses", "base.name"}
    variables = dict(one.split("=", 1) for one in config["Env"])
    assert {name for name in variables if name.startswith("PYTHON")} == {
        "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER",
    }  # fmt: skip


def test_content_of_the_image(host: ContainerHost, image: str, project: Path) -> None:
    """What it adds to its base is the program with what that needs, compiled, and nothing of the tests, of the build or
    of this folder.
    """
    difference = json.loads(host.must("podman", "diff", "--format=json", image, BASE))
    added = set(difference["added"])
    ours = {path for path in added if path.startswith("/opt/tasksync/")}
    # The rest: the folder of the mirror, and the standard library's bytecode.
    assert {path for path in added - ours if "/__pycache__" not in path} == {"/opt/tasksync", "/var/lib/tasksync"}
    assert set(difference["changed"]) <= {"/etc", "/opt", "/tmp", "/usr", "/var", "/var/lib"} | {  # noqa: S108
        path for path in difference["changed"] if re.match(r"/usr/(local/)?lib\b", path)
    }
    assert "deleted" not in difference
    packages = {found[1].lower() for path in ours if (found := re.search(r"/site-packages/([^/]+)\.dist-info$", path))}
    names = {package.rpartition("-")[0].replace("_", "-") for package in packages}
    assert {"tasksync", "httpx", "sqlmodel"} <= names
    assert not names & {"pip", "setuptools", "pytest", "hypothesis", "mypy", "ruff", "coverage", "hatchling"}
    package = re.compile(r"/opt/tasksync/lib/python[\d.]+/site-packages/tasksync/(.+)")
    inside = {found[1] for path in ours if (found := package.fullmatch(path))}
    compiled = {path for path in inside if path.endswith(".pyc")}
    source = project / "src/tasksync"
    files = {str(one.relative_to(source)) for one in source.rglob("*") if "__pycache__" not in one.parts}
    assert {path for path in inside - compiled if "__pycache__" not in path} == files
    assert len(compiled) == len({path for path in files if path.endswith(".py")})


def test_nothing_of_the_build_is_left(host: ContainerHost, image: str) -> None:
    """No compiler, no cache of pip, and none of the settings that were lent to the build."""
    script = (
        "import os, shutil, sys\n"
        "tools = [tool for tool in ('gcc', 'cc', 'g++', 'c++', 'clang', 'make', 'ld') if shutil.which(tool)]\n"
        "left = [p for p in ('/build', '/root/.cache', '/etc/pip.conf', '/run/secrets/ca.pem') if os.path.lexists(p)]\n"
        "sys.exit(repr(tools + left) if tools + left else 0)"
    )
    # As root, so that no file is hidden.
    host.must("podman", "run", "--rm", "--user=0", "--entrypoint=/opt/tasksync/bin/python", image, "-c", script)
    assert "BEGIN CERTIFICATE" not in host.must("podman", "history", "--no-trunc", image)


def test_once(setting: Setting, firm: Firm) -> None:
    """`sync --once` keeps the sandbox in step: read-only, without capabilities, as a user nobody knows. The mirror is
    left in the volume, for that user alone.
    """
    firm.add("onlyoffice", title="From the office", due="2026-06-10")
    first = setting.run("sync", "--once", "--json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert {name: one["state"] for name, one in report["connections"].items()} == dict.fromkeys(CRMS, "ok")
    everywhere = firm.titles("capsule") & firm.titles("plannr") & firm.titles("onlyoffice")
    assert "From the office" in everywhere
    second = json.loads(setting.run("sync", "--once", "--json").stdout)
    written = ("created", "updated", "completed", "reopened", "deleted")
    assert {one[count] for one in second["connections"].values() for count in written} == {0}
    volume = Path(setting.host.must("podman", "volume", "inspect", "--format={{.Mountpoint}}", setting.mirror).strip())
    mirror = (volume / "tasksync.db").stat()
    assert (stat.S_IMODE(mirror.st_mode), mirror.st_uid) == (0o600, USER)


def test_the_configuration_is_looked_for_in_its_place(setting: Setting) -> None:
    """Without one there is a sentence and exit code 2, and no traceback."""
    bare = setting.host.call("podman", "run", "--rm", *HARDENED, setting.image, "sync", "--once")
    assert bare.returncode == 2
    assert bare.stderr.startswith("tasksync: /etc/tasksync/config.yaml: there is no such file")


def test_the_daemon(setting: Setting, firm: Firm) -> None:
    """It becomes healthy, keeps tasks in step, and ends with exit code 0 well within the grace when it is stopped.
    What is known of it from outside has no secret in it.
    """
    host = setting.host
    container = host.must(
        "podman", "run", "--detach", "--name=sidecar", *HARDENED, *setting.options, setting.image
    ).strip()
    wait_until(lambda: host.call("podman", "healthcheck", "run", "sidecar").returncode == 0, "healthy")
    firm.add("plannr", title="From the advisers", due="2026-06-10")
    wait_until(lambda: "From the advisers" in firm.titles("onlyoffice") & firm.titles("capsule"), "in step")
    assert httpx.get(f"http://127.0.0.1:{setting.port}/healthz").json() == {"alive": True}
    began = time.monotonic()
    host.must("podman", "stop", "--time=30", "sidecar")
    assert time.monotonic() - began < 20
    found = host.inspect(container)
    assert (found["State"]["Status"], found["State"]["ExitCode"]) == ("exited", 0)
    logs = logs_of(host, "sidecar")
    events = [json.loads(line) for line in logs.splitlines()]
    assert {event["level"] for event in events} <= {"info", "warning"}
    assert TOKEN not in logs + json.dumps(found)


def test_unhealthy(setting: Setting) -> None:
    """The health check fails where no daemon is."""
    asked = setting.run("status", "--health")
    assert asked.returncode == 1
    assert "Traceback" not in asked.stderr


def test_the_commands_of_the_readme(
    host: ContainerHost, image: str, firm: Firm, project: Path, tmp_path: Path, clean: None
) -> None:
    """What README has people type gives a daemon that keeps tasks in step, heeds its signals and stops in order."""
    _, *secrets, run, status, reload_, stop = commands_of_the_readme()
    (tmp_path / "deploy/container").mkdir(parents=True)
    write_config(project, firm, tmp_path / "deploy/container/config.yaml", free_port())
    for connection in CRMS:
        (tmp_path / f"{connection}.token").write_text(TOKEN, encoding="utf-8")
    for *create, file in secrets:
        host.must(*create, str(tmp_path / file))
    host.must(*(one.replace("./deploy/", f"{tmp_path}/deploy/") for one in run))
    firm.add("plannr", title="Typed in", due="2026-06-10")
    wait_until(lambda: "Typed in" in firm.titles("onlyoffice") & firm.titles("capsule"), "in step")
    assert "Last sync" in host.must(*status)
    host.must(*reload_)
    wait_until(lambda: "reloaded" in logs_of(host), "reloaded")
    host.must(*stop)
    assert host.inspect("tasksync")["State"]["ExitCode"] == 0
