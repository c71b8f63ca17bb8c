#!/usr/bin/env python3
"""Builds images and runs containers where there is no registry and no say over cgroups. Needs root, and Debian's
packages buildah, podman and crun, which it installs where they are missing.

    container_host.py open FOLDER                  gets FOLDER ready for the rest; prints a line when it is; ends all
                                                   containers and empties FOLDER when stdin ends
    container_host.py import FOLDER ROOT NAME      makes an image of the root folder of a Debian, say
    container_host.py build FOLDER ARGUMENT...     `buildah build` with these
    container_host.py podman FOLDER ARGUMENT...    podman with these

All images, containers, volumes and secrets are in FOLDER. Containers share this machine's network, so that servers on
the loopback interface are reached from inside. A build gets pip's settings of this machine, as far as they lead to a
registry, as the secrets pip.conf and ca.pem.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

TOOLS: Final = {
    "buildah": "buildah",
    "podman": "podman",
    "crun": "crun",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
# Where a Containerfile finds the secret ca.pem.
CA: Final = "/run/secrets/ca.pem"
HYBRID: Final = "/sys/fs/cgroup/unified"


def open_(folder: Path) -> NoReturn:
    """Runs `hold` in a mount namespace of its own: whatever podman mounts goes with it."""
    if os.geteuid() != 0:
        sys.exit("container_host: only root can build and run images here: run the tests in tests/deploy as root")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        _call("apt-get", "update", "-q")
        _call("apt-get", "install", "-yq", "--no-install-recommends", *missing)
    folder.mkdir(parents=True, exist_ok=True)
    holding = ["unshare", "--mount", sys.executable, __file__, "hold", str(folder)]
    sys.exit(subprocess.run(holding, check=False).returncode)


def hold(folder: Path) -> None:
    """Until stdin ends."""
    # crun refuses cgroups of both versions side by side, also when it is told to make none.
    if os.path.ismount(HYBRID):
        _call("umount", HYBRID)
    _configure(folder)
    (folder / "holder").write_text(str(os.getpid()), encoding="ascii")
    try:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        subprocess.run(
            [*_podman(), "rm", "--all", "--force", "--time=0"], check=False, env=_environ(folder), capture_output=True
        )
        shutil.rmtree(folder)


def import_(folder: Path, root: Path, name: str) -> NoReturn:
    with subprocess.Popen(
        ["tar", "--directory", str(root), "--one-file-system", "--create", "."], stdout=subprocess.PIPE
    ) as archive:
        assert archive.stdout is not None
        command = _inside(folder, [*_podman(), "import", "--quiet", "-", name])
        done = subprocess.run(command, check=False, env=_environ(folder), stdin=archive.stdout)
    sys.exit(done.returncode or archive.returncode)


def build(folder: Path, arguments: Sequence[str]) -> NoReturn:
    # Without a registry there is nothing to pull, and without a say over cgroups `chroot` is what is left.
    own = ["--isolation=chroot", "--pull-never", *_pip_secrets(folder)]
    _run(folder, ["buildah", "build", *own, *arguments])


def podman(folder: Path, arguments: Sequence[str]) -> NoReturn:
    _run(folder, [*_podman(), *arguments])


def _podman() -> list[str]:
    # Health checks are run by systemd's timers. Without it podman says so at every turn, and does all the same.
    return ["podman", "--log-level=fatal"]


def _configure(folder: Path) -> None:
    """Settings for all of podman and buildah, so that the callers' commands are what anybody would type."""
    storage = {
        "driver": "overlay" if _overlays(folder) else "vfs",
        "graphroot": str(folder / "store"),
        "runroot": str(folder / "run"),
    }
    containers = {
        # Podman and buildah want to raise these beyond what they may here.
        "default_ulimits": ["nofile=1024:1024", "nproc=4096:4096"],
        "cgroups": "disabled",
        "netns": "host",
        "log_driver": "k8s-file",
    }
    engine = {"runtime": "crun", "cgroup_manager": "cgroupfs", "events_logger": "file", "tmp_dir": str(folder / "tmp")}
    _write_toml(folder / "storage.conf", {"storage": storage})
    _write_toml(folder / "containers.conf", {"containers": containers, "engine": engine})


def _overlays(folder: Path) -> bool:
    """Whether folders can be laid over each other, as they cannot inside of some containers. Otherwise each container
    is a copy of its image, which takes seconds.
    """
    place = folder / "overlay"
    parts = {name: place / name for name in ("lowerdir", "upperdir", "workdir")}
    for part in (*parts.values(), place / "merged"):
        part.mkdir(parents=True)
    options = ",".join(f"{name}={part}" for name, part in parts.items())
    mounting = ["mount", "--types=overlay", f"--options={options}", "overlay", str(place / "merged")]
    mounted = subprocess.run(mounting, check=False, capture_output=True).returncode == 0
    if mounted:
        _call("umount", str(place / "merged"))
    return mounted


def _write_toml(file: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    # Strings and lists of them are the same in JSON.
    lines = [
        line
        for table, values in tables.items()
        for line in (f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pip_secrets(folder: Path) -> list[str]:
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True)
    found = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    # `global.index-url` from a file, `:env:.index-url` from the environment, which comes last and wins.
    settings = {key.rpartition(".")[2]: value.strip("'\"") for key, value in found.items()}
    lines = [
        "[global]",
        *(f"{key} = {settings[key]}" for key in ("index-url", "trusted-host", "proxy") if key in settings),
    ]
    secrets = []
    if "cert" in settings:
        lines.append(f"cert = {CA}")
        secrets.append(f"--secret=id=ca.pem,src={settings['cert']}")
    (folder / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*secrets, f"--secret=id=pip.conf,src={folder / 'pip.conf'}"]


def _opened(named: str) -> Path:
    folder = Path(named).absolute()
    if not (folder / "holder").exists():
        sys.exit(f"container_host: {folder} is not open")
    return folder


def _environ(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def _inside(folder: Path, command: Sequence[str]) -> list[str]:
    holder = (folder / "holder").read_text(encoding="ascii")
    return ["nsenter", f"--target={holder}", "--mount", f"--wdns={Path.cwd()}", "--", *command]


def _run(folder: Path, command: Sequence[str]) -> NoReturn:
    sys.exit(subprocess.run(_inside(folder, command), check=False, env=_environ(folder)).returncode)


def _call(*command: str) -> None:
    """What it says goes to stderr: stdout is for who opens."""
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"container_host: containers cannot be had here: {' '.join(command)}: {error}")


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["open", folder]:
            open_(Path(folder).absolute())
        case ["hold", folder]:
            hold(Path(folder))
        case ["import", folder, root, name]:
            import_(_opened(folder), Path(root), name)
        case ["build", folder, *rest] if rest:
            build(_opened(folder), rest)
        case ["podman", folder, *rest] if rest:
            podman(_opened(folder), rest)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
