"""The program as a process of its own, beside a sandbox on a real socket."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nursery import NURSERY

from tasksync.sandbox.world import World

ROOT = Path(__file__).parents[2]


def example_without_waiting() -> str:
    """config.example.yaml, but for the hour that may pass until a deletion is noticed."""
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert "full_sweep: 1h" in text
    return text.replace("full_sweep: 1h", "full_sweep: 0s")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A person's working directory, with config.example.yaml, without waiting, as config.yaml and the variables that
    lead to the sandbox.
    """

    folder: Path
    world: World
    environ: Mapping[str, str]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `tasksync` with these arguments; no terminal, no standard input."""
        return NURSERY.run(arguments, self.folder, {**self.environ, **environ})

    def sync(self, *arguments: str) -> dict[str, Any]:
        """One `sync --once --json`; what it printed."""
        done = self.run("sync", "--once", "--json", *arguments)
        printed: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == printed["exit_code"], done.stderr
        return printed

    def files(self) -> dict[str, bytes]:
        """Everything in the directory."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def forget_requests(self) -> None:
        for crm in self.world.crms.values():
            crm.requests.clear()

    def writes(self) -> list[Any]:
        return [one for crm in self.world.crms.values() for one in crm.requests if one.method != "GET"]
