"""Log lines of the libraries that the daemon runs on: the same form as ours, and the same redaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import httpx
import pytest
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from tasksync.ports import Log
from tasksync.service.logs import Level, configure
from tasksync.transport.redaction import Redactor

SECRET = "hunter2-s3cret"


class Told(StringIO):
    """A stream that one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.something = asyncio.Event()

    def flush(self) -> None:
        self.something.set()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
async def told() -> Told:
    """Where the log goes."""
    return Told()


@pytest.fixture
def start(told: Told) -> Callable[..., Log]:
    """Sets the log up, which knows the secret."""
    redactor = Redactor()
    redactor.conceal(SECRET)

    def configured(level: Level = "info") -> Log:
        return configure(level, "json", redact=redactor.redact_data, stream=told)

    return configured


async def test_scheduler(start: Callable[..., Log], told: Told) -> None:
    """What APScheduler tells of a job that failed has our form, and is redacted; what it chats is not heard."""
    start()
    scheduler = AsyncIOScheduler(timezone=UTC)

    async def job() -> None:
        raise RuntimeError(f"refused {SECRET}")

    scheduler.add_job(job, next_run_time=datetime.now(UTC))
    scheduler.start()
    await told.something.wait()
    scheduler.shutdown(wait=False)
    (event,) = told.events()
    assert (event["logger"], event["level"]) == ("apscheduler.executors.default", "error")
    assert event["event"].startswith('Job "')
    assert "RuntimeError: refused ***" in event["exception"]
    assert SECRET not in told.getvalue()


async def test_scheduler_warns(start: Callable[..., Log], told: Told) -> None:
    """So has what it warns of: a job that would run twice at a time."""
    start()
    scheduler = AsyncIOScheduler(timezone=UTC)

    async def job() -> None:
        await asyncio.sleep(60)

    scheduler.add_job(job, "interval", seconds=0.02, id="office", max_instances=1)
    scheduler.start()
    await told.something.wait()
    scheduler.shutdown(wait=False)
    event = told.events()[0]
    assert (event["logger"], event["level"]) == ("apscheduler.scheduler", "warning")
    assert "maximum number of running instances reached" in event["event"]


class Server(uvicorn.Server):
    """Tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()


async def test_web_server(start: Callable[..., Log], told: Told) -> None:
    """What uvicorn tells of a page that failed has our form, and is redacted."""
    start()

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError(f"broken by {SECRET} at {scope['path']}")

    server = Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/status.json?token={SECRET}")).status_code == 500
    server.should_exit = True
    await serving
    events = told.events()
    assert {event["logger"] for event in events} == {"uvicorn.error"}
    (failed,) = [event for event in events if event["level"] == "error"]
    assert "RuntimeError: broken by *** at /status.json" in failed["exception"]
    assert SECRET not in told.getvalue()


async def test_http_client(start: Callable[..., Log], told: Told) -> None:
    """What httpx and httpcore tell are whole addresses and headers: it is not heard, even when we debug."""
    start("debug")
    transport = httpx.MockTransport(lambda _request: httpx.Response(204))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://crm.example/tasks?page=2", headers={"Authorization": "Bearer x1y2z3a4"})
    assert [event for event in told.events() if event.get("logger", "").startswith("http")] == []
