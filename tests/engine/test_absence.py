"""Absence in listings that move while they are read: rows on two pages, twice on one, and new ones among them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime

import pytest
from firm import Firm

from tasksync.connectors.capsule.connector import CapsuleConnector
from tasksync.ports import Sighting

A, B, C, D, NEW = "Ask Ann", "Brief Bob", "Call Cy", "Dun Dee", "Note Ned"
OTHERS = ("onlyoffice", "plannr")

Show = Callable[[str], None]
"""Sets what pages Capsule's listing has: words are pages, letters the tasks on them by the first of their title."""


@pytest.fixture
def api() -> str:
    return "v2"


@pytest.fixture
async def four(firm: Firm) -> Firm:
    """Four tasks in step everywhere."""
    for title in (A, B, C, D):
        firm.world.capsule.add(title=title, due=date(2026, 3, 20))
    for _ in range(2):
        assert (await firm.sync()).exit_code == 0
    firm.forget_requests()
    return firm


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    shown: list[str] = []
    listing = CapsuleConnector.poll

    async def poll(
        self: CapsuleConnector, kind: str, since: datetime | None = None
    ) -> AsyncIterator[Sequence[Sighting]]:
        rows = {str(row.read().values["title"])[0]: row async for page in listing(self, kind, since) for row in page}
        for word in shown:
            yield [rows[letter] for letter in word]

    monkeypatch.setattr(CapsuleConnector, "poll", poll)
    return lambda words: shown.extend(words.split())


def direct_reads(firm: Firm) -> int:
    return sum(one.method == "GET" and "/api/v2/tasks/" in one.path for one in firm.crms["capsule"].requests)


@pytest.mark.parametrize(
    ("pages", "read"),
    [
        pytest.param("AB C", 3, id="each once"),
        pytest.param("AB BC", 3, id="as many rows as there are tasks, one on two pages"),
        pytest.param("AAB C", 3, id="as many rows, one twice on a page"),
        pytest.param("A A A C B", 3, id="more rows than tasks"),
        pytest.param("ABC ABC", 3, id="all of it twice"),
        pytest.param("AB CN", 4, id="as many tasks as before, one of them new"),
        pytest.param("ABN NC", 4, id="a new one on two pages"),
        pytest.param("AB BCN", 4, id="as many rows as there are tasks, a new one among them"),
    ],
)
async def test_what_is_not_listed_is_missed(four: Firm, show: Show, pages: str, read: int) -> None:
    """A deleted task is deleted elsewhere, and no other is, whatever stands on the pages in its place."""
    four.crms["capsule"].remove(four.task("capsule", D)["id"])
    left = [A, B, C]
    if "N" in pages:
        four.world.capsule.add(title=NEW, due=date(2026, 3, 20))
        left.append(NEW)
    show(pages)
    report = await four.sync()
    assert {other: four.titles(other) for other in OTHERS} == dict.fromkeys(OTHERS, left)
    assert {one.tally.read for one in report.members if one.name == "capsule"} == {read}


@pytest.mark.parametrize("pages", ["ABCD", "AB BCD", "ABCDD", "ABCD ABCD", "D C B A"])
async def test_what_is_listed_is_not_missed(four: Firm, show: Show, pages: str) -> None:
    """As long as every task is listed, once or more than once, none is asked for, and nothing is written."""
    show(pages)
    report = await four.sync()
    assert (direct_reads(four), four.writes(), report.exit_code) == (0, [], 0)
    assert {one.tally.read for one in report.members if one.name == "capsule"} == {4}


@pytest.mark.parametrize("pages", ["ABC", "AB BC"])
async def test_what_is_not_listed_but_there_is_left_alone(four: Firm, show: Show, pages: str) -> None:
    """A listing that skips a task makes us ask for it, and it stays."""
    show(pages)
    await four.sync()
    assert direct_reads(four) > 0
    assert [four.titles(crm) for crm in four.crms] == [[A, B, C, D]] * 3
    assert four.writes() == []
