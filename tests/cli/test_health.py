"""`tasksync status --health`, as a container's health check calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from desk import Desk

from tasksync.service.clock import SystemClock
from tasksync.store.lock import DAEMON, DaemonLock


def listening(desk: Desk, port: int) -> None:
    config = desk.folder / "config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8") + f"\nhttp: {{listen: '127.0.0.1:{port}'}}\n", encoding="utf-8"
    )


@pytest.fixture(params=[True, False], ids=["well", "not well"])
def well(request: pytest.FixtureRequest, desk: Desk) -> Iterator[bool]:
    """Something that answers as a daemon that is well, or not; the config leads to it."""
    well: bool = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"alive": well}).encode()
            self.send_response(200 if well else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    listening(desk, server.server_port)
    yield well
    server.shutdown()
    server.server_close()


def test_the_daemon_is_asked(desk: Desk, *, well: bool) -> None:
    """Where it listens, its own answer decides."""
    done = desk.run("status", "--health")
    assert done.returncode == int(not well), done.stderr
    assert ("is well" in done.stdout) is well
    assert done.stderr == ""


def test_nobody_answers(desk: Desk) -> None:
    """A daemon that should listen and does not is not well, for scripts too."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as free:
        port = free.server_port
    listening(desk, port)
    done = desk.run("status", "--health", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["healthy"] is False
    assert f"No daemon answers on 127.0.0.1:{port}" in done.stdout


@pytest.mark.parametrize(("command", "code"), [(DAEMON, 0), ("tasksync sync --once", 1), (None, 1)])
def test_without_http_the_lock_tells(desk: Desk, command: str | None, code: int) -> None:
    """Where the daemon does not listen, it is well if it runs; a sync that runs once is no daemon."""
    if command is None:
        done = desk.run("status", "--health")
    else:
        with DaemonLock(Path(desk.folder, "tasksync.db"), SystemClock(), command=command):
            done = desk.run("status", "--health")
    assert done.returncode == code, done.stdout
    assert done.stdout.startswith("A daemon works" if code == 0 else "No daemon works")
