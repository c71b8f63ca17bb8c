"""New processes of tasksync, without the wait for its imports: each is forked from one that has made them already.

As a program, it is that parent: it reads one request a line from its standard input, `{"arguments", "folder",
"environ", "stdout", "stderr"}`, the last two being files to write to, runs `tasksync` with that in a child of its own,
and answers with the child's exit code, or with minus the number of the signal that ended it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

LONGEST_S = 120


class Nursery:
    """Runs tasksync in processes of their own, several at once if need be."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[str]] = []
        self._all: list[subprocess.Popen[str]] = []
        self._lock = Lock()

    def run(
        self, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` would, with nothing on standard input and both outputs captured as text."""
        parent = self._take()
        with tempfile.TemporaryDirectory() as place:
            outputs = {name: str(Path(place) / name) for name in ("stdout", "stderr")}
            request = {"arguments": [*arguments], "folder": str(folder), "environ": dict(environ), **outputs}
            assert parent.stdin is not None
            assert parent.stdout is not None
            parent.stdin.write(json.dumps(request) + "\n")
            parent.stdin.flush()
            if not select.select([parent.stdout], [], [], LONGEST_S)[0]:
                parent.kill()
                raise subprocess.TimeoutExpired(list(arguments), LONGEST_S)
            code = int(parent.stdout.readline())
            with self._lock:
                self._idle.append(parent)
            stdout, stderr = (Path(one).read_text(encoding="utf-8") for one in outputs.values())
        return subprocess.CompletedProcess(list(arguments), code, stdout, stderr)

    def close(self) -> None:
        for parent in self._all:
            parent.kill()
            parent.communicate()

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            parent = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            self._all.append(parent)
            return parent


NURSERY = Nursery()
atexit.register(NURSERY.close)


def serve() -> None:
    """The parent: until its standard input ends."""
    from tasksync.cli.app import COMMANDS  # noqa: PLC0415 -- only the parent makes the imports, for all its children

    for place in COMMANDS:
        place.load()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_run(json.loads(line)))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _run(request: Mapping[str, object]) -> int:
    """The child. Returns its exit code."""
    from tasksync.cli import main  # noqa: PLC0415

    os.environ.clear()
    os.environ.update(dict(request["environ"]))  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(str(request[name]), os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = ["tasksync", *request["arguments"]]  # type: ignore[misc]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 -- what Python itself would do: a traceback, and 1
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve()
