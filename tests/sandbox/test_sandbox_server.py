"""The sandbox on real sockets: starting, stopping, and answers that never arrive."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tasksync.errors import ConfigError
from tasksync.sandbox.server import Server, serve
from tasksync.sandbox.world import World

BEARER = {"Authorization": "Bearer sandbox"}
TASK = {"task": {"description": "x", "dueOn": "2026-06-10"}}


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    """Talks to a server that runs for one test."""
    with Server(world) as server, httpx.Client(base_url=server.url, headers=BEARER, timeout=10) as client:
        yield client


def test_serves_from_start_to_end(world: World) -> None:
    """The url answers within the block, and nobody listens on the port afterwards."""
    with Server(world) as server:
        response = httpx.get(f"{server.url}/capsule/api/v2/tasks", headers=BEARER)
        assert response.json() == {"tasks": []}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/_admin")


def test_a_port_that_is_taken(world: World) -> None:
    """It is said in a sentence, with exit code 2."""
    with Server(world) as server, pytest.raises(ConfigError, match="cannot listen on") as caught:
        Server(world, int(server.url.rpartition(":")[2])).__enter__()
    assert caught.value.exit_code == 2


def test_headers_are_the_crms_own(client: httpx.Client, clock: Any) -> None:
    """One Date header, by the clock that was passed in, and no trace of the server's software."""
    response = client.get("/capsule/api/v2/tasks")
    assert response.headers.get_list("date") == ["Thu, 04 Jun 2026 07:15:00 GMT"]
    assert "server" not in response.headers


def test_lost_before_the_work(world: World, client: httpx.Client) -> None:
    """The client sees a broken connection, and nothing was done."""
    world.capsule.faults.add("lose_before")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/capsule/api/v2/tasks", json=TASK)
    assert world.capsule.tasks() == []
    assert client.post("/capsule/api/v2/tasks", json=TASK).status_code == 201


def test_lost_after_the_work(world: World, client: httpx.Client) -> None:
    """The client sees the same, but the task is there."""
    world.capsule.faults.add("lose_after")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/capsule/api/v2/tasks", json=TASK)
    assert len(world.capsule.tasks()) == 1
    assert world.capsule.requests == [("POST", "/capsule/api/v2/tasks", 0)]


def test_cut_in_the_middle(world: World, client: httpx.Client) -> None:
    """Fewer bytes arrive than were promised."""
    world.capsule.fill(50)
    world.capsule.faults.add("cut")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        client.get("/capsule/api/v2/tasks")
    assert len(client.get("/capsule/api/v2/tasks").json()["tasks"]) == 50


def test_slow_outlasts_the_clients_patience(world: World, client: httpx.Client) -> None:
    """A client that gives up does not hinder the others, nor the server from stopping."""
    world.capsule.faults.add("slow", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/capsule/api/v2/tasks", timeout=0.05)
    assert client.get("/capsule/api/v2/tasks").status_code == 200


def test_faults_leave_no_traceback(world: World, client: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed for an answer that was taken away on purpose."""
    for fault in ("lose_before", "lose_after", "cut"):
        world.capsule.faults.add(fault)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/capsule/api/v2/tasks")
    assert capfd.readouterr() == ("", "")


def test_a_thousand_tasks(world: World, client: httpx.Client) -> None:
    """All pages of each CRM add up to what was filled in."""
    for crm in world.crms.values():
        crm.fill(1000)
    office = {"Authorization": "sandbox"}
    plannr = {"X-PLANNR-ACCOUNT-UUID": "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"}
    crawled = client.get("/onlyoffice/api/2.0/crm/task/filter", headers=office).json()["response"]
    assert len(crawled) == 1000
    url, seen = "/capsule/api/v2/tasks?perPage=100", 0
    while url:
        page = client.get(url)
        seen += len(page.json()["tasks"])
        url = page.links.get("next", {}).get("url", "")
    assert seen == 1000
    pages = [client.get(f"/plannr/api/v1/task?per_page=500&page={n}", headers=plannr).json() for n in (1, 2)]
    assert len({task["uuid"] for page in pages for task in page["data"]}) == 1000


def test_serve_returns_on_a_signal(world: World) -> None:
    """SIGTERM ends the blocking form, which says when it has started, without ending the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = signal.getsignal(signal.SIGTERM)
    serve(world, port, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert signal.getsignal(signal.SIGTERM) == before
