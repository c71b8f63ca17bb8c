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
from tasksync.service.clock import SystemClock
from tasksync.transport.redaction import Redactor

NAMES = ("office", "capsule", "advisers")


class Counted:
    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float) -> None:
        """Of no interest here."""


@pytest.fixture
def work(desk: Desk) -> Iterator[DaemonWork]:
    """For the desk's configuration; nothing is open yet."""
    config = load_config(desk.folder / "config.yaml", desk.environ)
    around = Surroundings(clock=SystemClock(), redactor=Redactor(), log=Lines())
    with Tenancy.open(config.database, around) as tenancy:
        yield DaemonWork(config, tenancy, Counted())


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
