"""What a turn of the daemon asks the CRMs, as they see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desk import Desk
from firm import Lines

from tasksync.bootstrap.daemon import DaemonWork
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.config import load_config
from tasksync.ports import Traffic
from tasksync.service.clock import SystemClock
from tasksync.transport.redaction import Redactor

NAMES = ("office", "capsule", "advisers")


class Counted:
    """A meter that adds up."""

    def __init__(self) -> None:
        self.traffic: dict[str, Traffic] = {}

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        self.traffic[connection] = self.traffic.get(connection, Traffic()) + traffic


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def work(desk: Desk, counted: Counted) -> Iterator[DaemonWork]:
    """For the desk's configuration; nothing is open yet."""
    config = load_config(desk.folder / "config.yaml", desk.environ)
    around = Surroundings(clock=SystemClock(), redactor=Redactor(), log=Lines())
    with Tenancy.open(config.database, around) as tenancy:
        yield DaemonWork(config, tenancy, counted)


def paths(desk: Desk, crm: str) -> list[str]:
    """Of the requests to a CRM since the last time."""
    found = [one.path for one in desk.world.crms[crm].requests]
    desk.world.crms[crm].requests.clear()
    return found


async def test_who_is_polled_is_opened_anew(desk: Desk, work: DaemonWork) -> None:
    """Each poll asks first who we are and what we may see, as that decides what absence means (I5); who was only just
    reached is not asked twice, and who is not due is not asked at all.
    """
    try:
        await work.turn(NAMES, ())
        paths(desk, "onlyoffice")
        await work.reach("office")
        opening = paths(desk, "onlyoffice")
        assert opening
        await work.turn(["office"], ())
        assert not set(opening) & set(paths(desk, "onlyoffice"))
        for _ in range(2):
            await work.turn(["office"], ())
            assert set(opening) <= set(paths(desk, "onlyoffice"))
        await work.turn(["capsule"], ())
        assert paths(desk, "onlyoffice") == []
    finally:
        await work.close()


async def test_a_turn_tells_its_own_cost(work: DaemonWork, counted: Counted) -> None:
    """Bytes and rows are those of this turn and not of the ones before, though sessions and mirror stay open."""
    try:
        for _ in range(3):
            await work.turn(NAMES, ())
        before = dict(counted.traffic)
        turn = await work.turn(["office"], ())
    finally:
        await work.close()
    office, capsule, advisers = turn.parts
    assert office.traffic == counted.traffic["office"] - before["office"]
    assert 0 < office.traffic.received_bytes < before["office"].received_bytes
    assert capsule.traffic == advisers.traffic == Traffic()
    assert (turn.cost.rows_written, office.requests) == (1, 5)
