"""A Debian that runs tasksync, seen from outside, and the CRMs that it talks to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

CRMS: Final = ("onlyoffice", "capsule", "plannr")
PATIENCE_S: Final = 45


Seen = TypeVar("Seen")


def wait_for(look: Callable[[], Seen], met: Callable[[Seen], bool]) -> Seen:
    """What was seen when it was as it should be. Fails when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not met(seen := look()):
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s: {seen}"
        time.sleep(0.1)
    return seen


@dataclass(frozen=True)
class Debian:
    """A booted one."""

    script: Path
    leader: str

    def run(self, *command: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, str(self.script), "run", self.leader, *command],
            input=stdin, check=False, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def follow(self, line: str, stdin: str = "") -> str:
        """A line of README.md, in the folder of the project. pip finds its packages in a folder."""
        pip = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/srv/wheels", "PIP_DISABLE_PIP_VERSION_CHECK=1")
        return self.run("env", *pip, "sh", "-ec", f"cd /srv/tasksync\n{line}", stdin=stdin).stdout

    def show(self, unit: str, *names: str) -> list[str]:
        """Properties of a unit."""
        shown = self.run("systemctl", "show", *(f"--property={name}" for name in names), unit).stdout
        known = dict(line.split("=", 1) for line in shown.splitlines())
        return [known[name] for name in names]

    def journal(self, unit: str, *options: str) -> list[dict[str, Any]]:
        """What the unit itself has written since the boot."""
        named = f"_SYSTEMD_UNIT={unit}"
        said = self.run("journalctl", "--output=json", "--no-pager", *options, named).stdout
        return [json.loads(line) for line in said.splitlines()]


@dataclass(frozen=True)
class Crms:
    """The simulated CRMs, as the people see them who work in them."""

    url: str

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = httpx.request(method, f"{self.url}/_admin/{path}", json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def titles(self) -> dict[str, Counter[str]]:
        """How often each title is there, by CRM."""
        return {crm: Counter(task["title"] for task in self.ask("GET", f"{crm}/tasks")) for crm in CRMS}

    def add(self, crm: str, title: str) -> None:
        self.ask("POST", f"{crm}/tasks", {"title": title, "due": "2040-06-01"})

    def arrives(self, title: str) -> None:
        """Wait until a task is in every CRM."""
        wait_for(
            lambda: {crm: titles[title] for crm, titles in self.titles().items()}, lambda seen: 0 not in seen.values()
        )

    def nothing_doubled(self) -> None:
        twice = {crm: [title for title, times in titles.items() if times > 1] for crm, titles in self.titles().items()}
        assert not any(twice.values()), twice
