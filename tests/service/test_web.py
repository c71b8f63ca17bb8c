"""What the daemon's pages say, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from standings import NOON, part_of, standing_of, turn_of
from web import Daemon, asking

from tasksync import __version__
from tasksync.service.turn import State


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(daemon) as made:
        yield made


async def test_health_is_whether_the_loop_turns(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """200 while it does, 503 when it does not, whatever the CRMs do."""
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    daemon.alive = False
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"alive": False})


async def test_ready_when_all_were_polled_in_time(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """Three intervals are in time, and a second more is not."""
    daemon.standing.take(turn_of(part_of(), part_of("advisers")))
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "reasons": [],
        "first_cycle_over": True,
        "mirror_writable": True,
        "connections": {
            "office": {"ready": True, "state": "ok", "polled_at": "2026-06-04T11:59:58Z"},
            "advisers": {"ready": True, "state": "ok", "polled_at": "2026-06-04T11:59:58Z"},
        },
    }
    daemon.clock.moment = NOON + timedelta(minutes=3, seconds=-2)
    assert (await client.get("/readyz")).status_code == 200
    daemon.clock.forward(seconds=1)
    assert (await client.get("/readyz")).status_code == 503


async def test_not_ready_says_which_and_why(client: httpx.AsyncClient) -> None:
    """The connection that failed is named with its error, the one that is well is ready."""
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    said = answer.json()
    (reason,) = said["reasons"]
    assert reason == (
        "advisers has not been polled with success since 2026-06-04T11:00:00Z, which is longer than 3 times its "
        "interval of 60 s. advisers: the CRM answered 503."
    )
    assert said["connections"]["office"]["ready"]
    assert not said["connections"]["advisers"]["ready"]
    assert said["connections"]["advisers"]["state"] == "failed"


async def test_not_ready_before_the_first_cycle(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """However young the daemon is."""
    daemon.standing.last_turn = None
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["first_cycle_over"]
    assert "The first cycle is not over yet." in answer.json()["reasons"]


async def test_not_ready_while_the_mirror_fails(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """Until a turn went through again."""
    daemon.standing.take(turn_of(part_of(), part_of("advisers")))
    daemon.standing.mirror_fault = "The disk is full."
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["mirror_writable"]
    assert answer.json()["reasons"] == ["The mirror cannot be used: The disk is full."]


async def test_metrics_in_the_format_that_is_asked_for(client: httpx.AsyncClient) -> None:
    """OpenMetrics with the run as an exemplar for who accepts it, the old text format for everybody else."""
    plain = await client.get("/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in text_string_to_metric_families(plain.text)}
    assert {"tasksync_polls", "tasksync_up", "process_open_fds"} <= names
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    modern = await client.get("/metrics", headers={"Accept": accept})
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert 'run="5f0c0ffee0ddba11"' in modern.text


async def test_status_tells_all(client: httpx.AsyncClient) -> None:
    """The last cycle, and of each connection how it stands and what its last part came to; times end in Z."""
    said: dict[str, Any] = (await client.get("/status.json")).json()
    assert said["version"] == __version__
    assert said["now"] == "2026-06-04T12:00:00Z"
    assert said["started_at"] == "2026-06-04T11:00:00Z"
    assert said["cycles"] == 1
    assert said["mirror_fault"] is None
    assert said["last_cycle"] == {
        "run": "5f0c0ffee0ddba11",
        "started_at": "2026-06-04T11:59:58Z",
        "finished_at": "2026-06-04T12:00:00Z",
        "exit_code": 4,
        "conflicts": 1,
        "holds": 1,
        "cost": {"wall_s": 2.0, "cpu_s": 0.5, "rows_written": 30, "peak_rss_bytes": 60_000_000},
    }
    office, advisers = said["connections"]["office"], said["connections"]["advisers"]
    part = office.pop("last_part")
    assert office == {
        "state": "ok",
        "error": None,
        "poll_every_s": 60.0,
        "tried_at": "2026-06-04T11:59:58Z",
        "polled_at": "2026-06-04T11:59:58Z",
        "failures": 0,
        "failing_since": None,
        "next_poll_at": "2026-06-04T12:01:00Z",
    }
    assert part["written"] == {"create": 2, "update": 1}
    assert part["outbox"] == {"pending": 3, "held": 1}
    assert part["outbox_oldest_at"] == "2026-06-04T11:50:00Z"
    assert part["quota"] == {"left": 900, "limit": 1000, "reset_at": "2026-06-04T12:05:00Z"}
    assert part["clock_difference_s"] == -1.25
    assert (part["read"], part["requests"], part["held"], part["failed"]) == (120, 7, 1, 1)
    assert (part["received_bytes"], part["sent_bytes"]) == (40_000, 900)
    assert advisers["state"] == "failed"
    assert advisers["error"] == "advisers: the CRM answered 503."
    assert advisers["failures"] == 1
    assert advisers["failing_since"] == "2026-06-04T11:59:58Z"
    assert advisers["polled_at"] is None


async def test_status_before_anything_happened() -> None:
    """Nulls, not errors."""
    async with asking(Daemon(standing=standing_of("office"))) as client:
        said = (await client.get("/status.json")).json()
        assert said["last_cycle"] is None
        assert said["connections"]["office"]["state"] == "unknown"
        assert said["connections"]["office"]["last_part"] is None
        assert (await client.get("/")).status_code == 200


async def test_sync_now(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """Of all connections, or of those that are named; it is accepted, not waited for."""
    answer = await client.post("/sync")
    assert (answer.status_code, answer.json()) == (202, {"connections": ["office", "advisers"]})
    answer = await client.post("/sync?connection=advisers")
    assert (answer.status_code, answer.json()) == (202, {"connections": ["advisers"]})
    await client.post("/sync?connection=advisers&connection=office&connection=advisers")
    assert daemon.synced == [["office", "advisers"], ["advisers"], ["office", "advisers"]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sync?connection=office&connection=nobody", 404),
        ("POST", "/sync?conection=office", 400),
        ("GET", "/sync", 405),
        ("PUT", "/sync", 405),
        ("POST", "/healthz", 405),
        ("POST", "/sync/", 404),
        ("GET", "/sync/../etc", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/favicon.ico", 404),
    ],
)
async def test_what_is_not_there(
    daemon: Daemon, client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """A refusal says why, in JSON, and nothing is synced."""
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert not daemon.synced
    if status == 405:
        assert "allow" in answer.headers


async def test_a_wrong_name_gets_the_right_ones(client: httpx.AsyncClient) -> None:
    """Whoever mistypes a connection reads which there are."""
    answer = await client.post("/sync?connection=ofice")
    assert answer.json() == {"error": "There is no connection ofice. There are: office, advisers."}


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    """As load balancers ask."""
    answer = await client.head("/readyz")
    assert (answer.status_code, answer.content) == (503, b"")


class Page(HTMLParser):
    """Which elements and addresses there are, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_the_page_for_people(client: httpx.AsyncClient) -> None:
    """A table of the connections and links to the rest; no script, and nothing from elsewhere."""
    answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.addresses == {"/status.json", "/readyz", "/healthz", "/metrics"}
    assert not page.tags & {"script", "img", "link", "iframe", "form", "object"}
    assert "style" not in page.attributes
    assert "office" in page.text
    assert "advisers: the CRM answered 503." in page.text
    assert "2 s ago" in page.text
    assert "in 60 s" in page.text
    assert "Something is held for a person to decide." in page.text


async def test_the_page_escapes_what_it_shows() -> None:
    """A CRM's words and a connection's name are text, never markup."""
    standing = standing_of("<b>office</b>")
    error = '<script>alert("1")</script>'
    standing.take(replace(turn_of(part_of("<b>office</b>", state=State.FAILED, error=error)), run="<i>"))
    standing.mirror_fault = "<u>full</u>"
    async with asking(Daemon(standing=standing)) as client:
        page = Page((await client.get("/")).text)
    assert not page.tags & {"script", "b", "i", "u"}
    assert error in page.text
    assert "<b>office</b>" in page.text


async def test_each_page_answers_in_its_own_words_after_a_reload(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """A connection that is gone from the config is gone from every page, and cannot be synced."""
    daemon.standing.configure({"office": timedelta(minutes=1)}, NOON)
    for path in ("/", "/readyz", "/status.json"):
        assert "advisers" not in (await client.get(path)).text
    assert (await client.post("/sync?connection=advisers")).status_code == 404


async def test_the_answers_are_plain_json(client: httpx.AsyncClient) -> None:
    """What a program reads needs no more than a JSON parser: UTF-8, one object."""
    for path in ("/healthz", "/readyz", "/status.json"):
        answer = await client.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert isinstance(json.loads(answer.content), dict)
