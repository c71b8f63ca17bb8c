"""The soak in its short form: README's command, for fewer minutes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOAK_S = float(os.environ.get("TASKSYNC_SOAK_S", "60"))


def test_after_unrest_all_is_in_step_and_nothing_has_grown(table: list[str]) -> None:
    """People work in three CRMs that lie and fail, and a daemon polls them every second. Once it is quiet, all CRMs
    show the same tasks, each once, nothing is missing that nobody deleted, nothing waits, nothing is in doubt, and
    neither memory nor descriptors have grown.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\.venv/bin/python (-m tests\.soak --minutes) 10$", readme, re.MULTILINE)
    command = [sys.executable, *shlex.split(line), str(SOAK_S / 60)]
    if seed := os.environ.get("TASKSYNC_SOAK_SEED"):
        command += ["--seed", seed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SOAK_S + 240)
    table += done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
