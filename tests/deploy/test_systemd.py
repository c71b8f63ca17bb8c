"""tasksync under a real systemd, installed line by line as README.md says, against simulated CRMs outside."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from booted import CRMS, Crms, Debian, wait_for

from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock

SECRETS: Final = {
    "office": ("onlyoffice", "s3cret-of-office-71c0"),
    "capsule": ("capsule", "s3cret-of-capsule-52aa"),
    "advisers": ("plannr", "s3cret-of-advisers-90de"),
}
UNITS: Final = ("tasksync.service", "tasksync-once.service", "tasksync-once.timer")
SERVICES: Final = UNITS[:2]
SHOWN: Final = "In step: 3 connections, last polled [0-9:]{8}Z; 0 to send, 0 held"
GRACE_S: Final = 20
CONFIG: Final = "/etc/tasksync/config.yaml"


def section(readme: str) -> list[str]:
    """The lines to run of `Install as a service`."""
    text = re.search(r"^## Install as a service\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert text is not None, "README.md has no section 'Install as a service'"
    blocks = re.findall(r"^```sh\n(.*?)^```", text[1], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def debian(debian_root: Path, wheelhouse: Path, project: Path) -> Iterator[Debian]:
    """Booted, with nothing of tasksync but its folder."""
    script = Path(__file__).with_name("systemd_host.py")
    binds = (f"{project}:/srv/tasksync", f"{wheelhouse}:/srv/wheels")
    command = [sys.executable, str(script), "boot", str(debian_root), *binds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        leader = host.stdout.readline().strip()
        assert leader, "Debian did not boot; what systemd_host.py says is above"
        yield Debian(script, leader)


@pytest.fixture(scope="module")
def crms() -> Iterator[Crms]:
    """With sample tasks, each with a token of its own, and with quotas that a poll every second does not use up."""
    with Server(World(SystemClock())) as server:
        found = Crms(server.url)
        give_tokens(found)
        for crm in CRMS:
            found.ask("PATCH", f"{crm}/settings", {"limit_requests": 1_000_000})
        yield found


def give_tokens(crms: Crms, suffix: str = "") -> None:
    for crm, token in SECRETS.values():
        crms.ask("PATCH", f"{crm}/settings", {"token": token + suffix})


@pytest.fixture(scope="module")
def port() -> int:
    """A free one, for the daemon to listen on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        number: int = held.getsockname()[1]
    return number


@pytest.fixture(scope="module")
def config(project: Path, crms: Crms, port: int) -> str:
    """The example, as README.md wants it changed, and in a hurry."""
    text = (project / "config.example.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^ +(token|poll_every): .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^( +)(type: \w+)$", r"\1\2\n\1poll_every: 1s", text, flags=re.MULTILINE)
    text = text.replace("database: tasksync.db", "database: /var/lib/tasksync/tasksync.db")
    return text.replace("http://127.0.0.1:8800", crms.url) + f"\nhttp: {{listen: 127.0.0.1:{port}}}\n"


@pytest.fixture(scope="module")
def installed(debian: Debian, crms: Crms, config: str, project: Path) -> dict[str, str]:
    """All lines of the section, each run with success, in their order: what each printed."""
    printed = {}
    for line in section((project / "README.md").read_text(encoding="utf-8")):
        secret = next((token for name, (_, token) in SECRETS.items() if f"{name}.token" in line), "")
        printed[line] = debian.follow(line, stdin=f"{secret}\n")
        if CONFIG in line and line.startswith("install "):
            write_config(debian, config)
    return printed


def write_config(debian: Debian, text: str) -> None:
    debian.run("tee", CONFIG, stdin=text)


@pytest.fixture
def service(debian: Debian, installed: dict[str, str], config: str, crms: Crms) -> Debian:
    """The host, with the service running and in step."""
    give_tokens(crms)
    write_config(debian, config)
    debian.run("systemctl", "disable", "--now", "--quiet", "tasksync-once.timer")
    debian.run("systemctl", "reset-failed")
    debian.run("systemctl", "enable", "--now", "--quiet", "tasksync")
    in_step(debian)
    return debian


def in_step(debian: Debian) -> None:
    """Wait until systemd shows the service as running, and in step."""
    wait_for(
        lambda: debian.show("tasksync", "ActiveState", "SubState", "StatusText"),
        lambda seen: seen[:2] == ["active", "running"] and re.fullmatch(SHOWN, seen[2]) is not None,
    )


def test_installation(installed: dict[str, str]) -> None:
    """The lines of README.md lead to a service that runs, and `systemctl status` says how it fares."""
    status = installed["systemctl status tasksync"]
    assert "Active: active (running)" in status
    assert re.search(f'Status: "{SHOWN}"', status)
    assert "tasksync-once.timer" in installed["systemctl list-timers tasksync-once"]


def test_in_step(service: Debian, crms: Crms, port: int) -> None:
    """What is typed into one CRM appears in the others, once, and the health page is served."""
    for crm in CRMS:
        crms.add(crm, f"Typed into {crm}")
    for crm in CRMS:
        crms.arrives(f"Typed into {crm}")
    crms.nothing_doubled()
    in_step(service)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200


def test_reload(service: Debian, crms: Crms, config: str) -> None:
    """A reload takes the new configuration, in the same process, which stays active."""
    before = service.show("tasksync", "MainPID")
    write_config(service, config.replace("log: {level: info", "log: {level: debug"))
    service.run("systemctl", "reload", "tasksync")
    wait_for(lambda: priorities(service), lambda seen: 7 in seen)
    in_step(service)
    assert service.show("tasksync", "MainPID", "NRestarts") == [*before, "0"]
    crms.add("capsule", "After the reload")
    crms.arrives("After the reload")


def test_refused_reload(service: Debian, crms: Crms, config: str) -> None:
    """A faulty configuration is refused, with an error in the journal, and the service goes on with the old one."""
    before = service.show("tasksync", "MainPID")
    write_config(service, config.replace("type: capsule", "type: kapsel"))
    errors = len(service.journal("tasksync.service", "--priority=err"))
    service.run("systemctl", "reload", "tasksync")
    now = wait_for(lambda: service.journal("tasksync.service", "--priority=err"), lambda seen: len(seen) > errors)
    assert "connections.capsule.type" in now[-1]["MESSAGE"]
    in_step(service)
    assert service.show("tasksync", "MainPID") == before
    crms.add("capsule", "After the refused reload")
    crms.arrives("After the refused reload")


def test_killed(service: Debian, crms: Crms) -> None:
    """Killed in the midst of its work it is started again by systemd, and nothing is lost or doubled."""
    (before,) = service.show("tasksync", "MainPID")
    titles = [f"Around the kill {number}" for number in range(20)]
    for title in titles:
        crms.add("capsule", title)
    wait_for(lambda: crms.titles()["onlyoffice"], lambda seen: seen[titles[0]] > 0)
    service.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "tasksync")
    for title in titles:
        crms.arrives(title)
    in_step(service)
    after, restarts = service.show("tasksync", "MainPID", "NRestarts")
    assert (after != before, restarts) == (True, "1")
    crms.nothing_doubled()


def test_hanging(service: Debian, crms: Crms) -> None:
    """When it hangs, systemd notices, ends it, and starts it again. The unit is made impatient for that."""
    dropped_in = "/run/systemd/system/tasksync.service.d/impatient.conf"
    impatient = "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms\n"
    service.run("install", "-D", "/dev/stdin", dropped_in, stdin=impatient)
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", "tasksync")
    service.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "tasksync")
    wait_for(lambda: service.show("tasksync", "NRestarts"), lambda seen: seen == ["1"])
    service.run("rm", dropped_in)
    service.run("systemctl", "daemon-reload")
    said = service.run("journalctl", "--no-pager", "--unit=tasksync", "--lines=20").stdout
    assert "Failed with result 'watchdog'" in said
    crms.add("plannr", "After it hung")
    crms.arrives("After it hung")


def test_stop(service: Debian) -> None:
    """A stop is clean, and within the grace."""
    begun = time.monotonic()
    service.run("systemctl", "stop", "tasksync")
    assert time.monotonic() - begun < GRACE_S
    shown = service.show("tasksync", "ActiveState", "Result", "ExecMainCode", "ExecMainStatus")
    assert shown == ["inactive", "success", "1", "0"]


@pytest.mark.parametrize("wrong", ["config", "tokens"])
def test_no_use_to_restart(service: Debian, crms: Crms, config: str, wrong: str) -> None:
    """What only a person can mend, a faulty configuration or refused credentials, ends it for good."""
    service.run("systemctl", "stop", "tasksync")
    if wrong == "config":
        write_config(service, config.replace("type: capsule", "type: kapsel"))
    else:
        give_tokens(crms, suffix="-changed")
    assert service.run("systemctl", "start", "tasksync", check=False).returncode == 1
    code = "2" if wrong == "config" else "5"
    assert service.show("tasksync", "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", code, "0"]


def test_timer(service: Debian, crms: Crms) -> None:
    """In place of the service, the timer syncs with the same mirror; and the service goes on with it afterwards."""
    service.run("systemctl", "stop", "tasksync")
    crms.add("plannr", "For the timer")
    service.run("systemctl", "start", "tasksync-once.timer")
    service.run("systemctl", "start", "tasksync-once.service")
    assert service.show("tasksync-once.service", "ActiveState", "Result", "ExecMainStatus") == [
        "inactive",
        "success",
        "0",
    ]
    crms.arrives("For the timer")
    assert service.show("tasksync-once.timer", "ActiveState", "Unit") == ["active", "tasksync-once.service"]
    service.run("systemctl", "stop", "tasksync-once.timer")
    service.run("systemctl", "start", "tasksync")
    in_step(service)
    crms.nothing_doubled()


def test_beside_the_service(service: Debian) -> None:
    """A second sync leaves the mirror to the service: exit code 3."""
    service.run("systemctl", "start", "tasksync-once.service", check=False)
    assert service.show("tasksync-once.service", "Result", "ExecMainStatus") == ["exit-code", "3"]
    in_step(service)


def test_desk(service: Debian, installed: dict[str, str], crms: Crms) -> None:
    """Commands of the desk work as root, with the service and without, and take nothing from its user."""
    (status,) = [line for line in installed if line.endswith(" status")]
    service.follow(status)
    service.run("systemctl", "stop", "tasksync")
    service.follow(status)
    service.run("systemctl", "start", "tasksync")
    crms.add("onlyoffice", "After the desk")
    crms.arrives("After the desk")


def test_priorities(service: Debian) -> None:
    """Every line in the journal has the priority of its event, and no sign of it in its text."""
    entries = service.journal("tasksync.service")
    assert {6} <= priorities(service) <= {2, 3, 4, 6, 7}
    assert [entry["MESSAGE"] for entry in entries if re.match(r"<\d>|\d{4}-\d\d-\d\dT", entry["MESSAGE"])] == []
    told = {"info": "6", "warning": "4", "error": "3", "debug": "7", "critical": "2"}
    marked = [(re.match(r"\[(\w+) *\]", entry["MESSAGE"]), entry["PRIORITY"]) for entry in entries]
    assert [found[1] for found, priority in marked if found and told[found[1]] != priority] == []
    assert any(found for found, _ in marked)


def priorities(debian: Debian) -> set[int]:
    return {int(entry["PRIORITY"]) for entry in debian.journal("tasksync.service")}


def test_secrets(service: Debian) -> None:
    """No token is in the journal, nor where other users could see it of the process (I12), nor in the mirror."""
    (main,) = service.show("tasksync", "MainPID")
    seen = service.run("journalctl", "--no-pager", "--output=verbose").stdout
    seen += service.run("cat", f"/proc/{main}/environ", f"/proc/{main}/cmdline", CONFIG).stdout
    seen += service.run("systemctl", "show", "tasksync").stdout
    seen += service.run("sh", "-c", "strings=$(cat /var/lib/tasksync/* | tr -dc '[:print:]'); echo \"$strings\"").stdout
    assert [token for _, token in SECRETS.values() if token in seen] == []
    assert "CREDENTIALS_DIRECTORY=" in seen


def test_files(service: Debian) -> None:
    """What the service keeps only its user can read, and it is nobody whom the machine knows otherwise."""
    kept = service.run("sh", "-c", "stat --format='%a %U %n' /var/lib/private/tasksync /var/lib/tasksync/*").stdout
    modes = {line.rsplit("/", 1)[1]: line.split()[0] for line in kept.splitlines()}
    assert modes.pop("tasksync") == "700"
    assert "tasksync.db" in modes
    assert set(modes.values()) == {"600"}
    assert service.run("grep", "tasksync", "/etc/passwd", check=False).returncode == 1


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("unit", SERVICES)
def test_exposure(debian: Debian, unit: str) -> None:
    """`systemd-analyze security` finds an exposure of 1.5 at most."""
    found = debian.run("systemd-analyze", "security", "--no-pager", "--threshold=15", unit).stdout
    assert re.search(rf"Overall exposure level for {unit}: (0\.\d|1\.[0-5]) ", found)


@pytest.mark.usefixtures("installed")
def test_verified(debian: Debian) -> None:
    """There is nothing that systemd remarks on the units."""
    done = debian.run("systemd-analyze", "verify", "--man=no", *UNITS)
    assert (done.stdout, done.stderr) == ("", "")


def test_same_hardening(project: Path) -> None:
    """What the one service may not do, the other may not either."""

    def restrictions(unit: str) -> list[str]:
        text = (project / "deploy/systemd" / unit).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return lines[lines.index("DynamicUser=yes") : lines.index("LimitCORE=0") + 1]

    service, once = (restrictions(unit) for unit in SERVICES)
    assert service == once
    assert len(service) > 30
