"""Every command that README.md and deploy/ give does what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from desk import ROOT, Desk

from tasksync.errors import ExitCode

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = f"{shlex.quote(sys.executable)} -m tasksync"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def test_the_first_commands_set_up_and_run_the_main_job_and_the_tests() -> None:
    """README opens with one command that shows the main job and one that runs the tests; .ci/run calls both."""
    demo, tests, *_ = (block.strip() for block in blocks())
    assert demo.endswith("tasksync demo")
    assert tests.endswith("-m pytest -n auto")
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in gate
    assert all(command.startswith("python3 -m venv .venv && ") for command in (demo, tests))


def test_the_commands_of_the_tour_work_as_they_stand(desk: Desk) -> None:
    """What README has people type beside the sandbox works, and the second sync writes nothing."""
    (desk.folder / "config.yaml").unlink()
    shutil.copy(ROOT / "config.example.yaml", desk.folder)
    sandbox, tour = blocks()[2:4]
    assert sandbox.strip() == ".venv/bin/tasksync sandbox"
    for line in tour.splitlines():
        command = line.replace(".venv/bin/tasksync", PROGRAM)
        done = _shell(desk, command)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout or line.startswith("cp ")
    desk.forget_requests()
    desk.sync()
    assert desk.writes() == []


def test_every_command_that_the_readme_names_exists(desk: Desk) -> None:
    """No command or option of README is made up."""
    named = re.findall(r"`(?:tasksync|…) ([a-z]+(?: (?:list|approve|drop|retry))?)?([^`]*)`", README)
    assert len(named) > 10
    for command, rest in named:
        done = desk.run(*(command or "sync").split(), "--help")
        assert done.returncode == 0, command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in done.stdout, (command, option)


def test_the_table_of_exit_codes_is_the_programs() -> None:
    """README's table lists exactly the codes that the program ends with."""
    listed = [int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)]
    assert listed == [int(code) for code in ExitCode]


def test_the_crontab_syncs_and_stays_silent(desk: Desk) -> None:
    """deploy/cron.d/tasksync runs a sync, prints nothing when all is well, and the log when not."""
    (line,) = [
        one for one in (ROOT / "deploy/cron.d/tasksync").read_text(encoding="utf-8").splitlines() if one[:1] == "*"
    ]
    command = line.split(maxsplit=6)[6]
    here = command.replace("/opt/tasksync/bin/tasksync", PROGRAM).replace("/etc/tasksync", ".")
    here = here.replace("/var/lib/tasksync", ".")
    assert _shell(desk, here).stdout == ""
    assert (desk.folder / "tasksync.db").exists()
    failed = _shell(desk, here, PLANNR_TOKEN="wrong")
    assert "advisers" in failed.stdout


def _shell(desk: Desk, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), desk.environ["PATH"]))
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=desk.folder,
        env={**desk.environ, "PATH": path, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
