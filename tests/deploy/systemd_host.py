#!/usr/bin/env python3
"""A Debian 12 with a real systemd as its process 1, for the tests of what is in deploy/. Needs root, and Debian's
packages debootstrap and systemd-container, which it installs where they are missing.

    systemd_host.py make FOLDER                makes its root folder, once: FOLDER is left alone if it is there
    systemd_host.py boot FOLDER [FROM:TO]...   boots it, with folders of this machine in it, read-only; prints the
                                               number of its process 1 once it is up, and ends it when stdin ends
    systemd_host.py run PID COMMAND...         runs a command in it

What a booted one writes goes to memory and is gone with it: FOLDER stays as it is, and can be booted several times at
once. It shares this machine's network, so that servers on the loopback interface are reached from inside.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

SUITE: Final = "bookworm"
# Beyond what Debian calls essential: an init, the bus that systemctl speaks, and a Python to install with.
PACKAGES: Final = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "python3-pip", "ca-certificates")
TOOLS: Final = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
BOOT_S: Final = 60
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def make(folder: Path) -> None:
    """The root folder. Two at once make it once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return
        _need_tools()
        half_made = folder.with_name(folder.name + ".making")
        shutil.rmtree(half_made, ignore_errors=True)
        included = f"--include={','.join(PACKAGES)}"
        _call("debootstrap", "--variant=minbase", included, SUITE, str(half_made), *mirror(Path("/etc/apt")))
        (half_made / "etc/hostname").write_text("tasksync-test\n", encoding="utf-8")
        # The archives of the packages are half of its size, and nobody installs them again.
        for archive in (half_made / "var/cache/apt/archives").glob("*.deb"):
            archive.unlink()
        half_made.rename(folder)


def mirror(apt: Path) -> list[str]:
    """The mirror of Debian that this machine installs from, if its settings in `apt` name one. None: debootstrap has
    one of its own.
    """
    for source in (*sorted((apt / "sources.list.d").glob("*.sources")), *apt.rglob("*.list")):
        lines = [line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        found = re.search(r"https?://\S+/debian/?(?=\s|$)", "\n".join(lines))
        if found:
            return [found[0]]
    return []


def boot(folder: Path, binds: Sequence[str]) -> None:
    """Runs until stdin ends, or the booted one does."""
    _need_tools()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with tempfile.NamedTemporaryFile(prefix="systemd-host-", suffix=".log") as console:
        command = [
            "systemd-nspawn", "--quiet", f"--directory={folder}", "--volatile=overlay", "--register=no", "--keep-unit",
            "--resolv-conf=copy-host", "--console=pipe", *(f"--bind-ro={bind}" for bind in binds), "--boot",
        ]  # fmt: skip
        nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        leader = 0
        try:
            leader = _booted(nspawn, Path(console.name))
            sys.stdout.write(f"{leader}\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            # Nothing that it wrote is kept, so nothing is lost by ending it at once.
            for child in [leader] if leader else _children(nspawn.pid):
                os.kill(child, signal.SIGKILL)
            nspawn.wait()


def run(leader: int, command: Sequence[str]) -> NoReturn:
    """Ends with the exit code of the command."""
    environ = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
    entering = [shutil.which("nsenter") or "nsenter", f"--target={leader}", "--all", "--", *command]
    sys.exit(subprocess.run(entering, check=False, env=environ).returncode)


def _need_tools() -> None:
    if os.geteuid() != 0:
        sys.exit("systemd_host: only root can boot a Debian with systemd: run the tests in tests/deploy as root")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        _call("apt-get", "update", "-q")
        _call("apt-get", "install", "-yq", "--no-install-recommends", *missing)


def _call(*command: str) -> None:
    """What it says goes to stderr: stdout is for who boots."""
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"systemd_host: a Debian with systemd cannot be had here: {' '.join(command)}: {error}")


def _booted(nspawn: subprocess.Popen[bytes], console: Path) -> int:
    deadline = time.monotonic() + BOOT_S
    while nspawn.poll() is None and time.monotonic() < deadline:
        for child in filter(_is_inside, _children(nspawn.pid)):
            asked = [sys.executable, __file__, "run", str(child), "systemctl", "is-system-running"]
            state = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()
            if state in {"running", "degraded"}:
                return child
        time.sleep(0.1)
    said = "\n".join(console.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
    sys.exit(f"systemd_host: Debian was not up after {BOOT_S} s:\n{said}")


def _children(parent: int) -> list[int]:
    try:
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]


def _is_inside(process: int) -> bool:
    """Not so for what systemd-nspawn starts on the way: to enter that would be to stay on this machine."""
    try:
        return Path(f"/proc/{process}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except FileNotFoundError:
        return False


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(f"systemd_host: ended by signal {number}")


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["make", folder]:
            make(Path(folder).absolute())
        case ["boot", folder, *binds]:
            boot(Path(folder).absolute(), binds)
        case ["run", leader, *command] if leader.isdigit() and command:
            run(int(leader), command)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
