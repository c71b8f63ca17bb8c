"""Cases, with the sandbox on the other side, in both versions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from account_site import Site, everything
from accounts import PROTOCOLS, Arrangement

from tasksync.core.record import Observation, Value
from tasksync.errors import Refused, Vanished
from tasksync.ports import Connector
from tasksync.sandbox.capsule.account import Capsule

ALL = [one for one in PROTOCOLS if one.type == "capsule"]
V2 = [one for one in ALL if one.options["api"] == "v2"]
TELLING = [one for one in ALL if one.tells_done]
ONLY_V2 = pytest.mark.parametrize("arrangement", V2, ids=str, indirect=True)
# A server of 2012 does not let anybody tell tasks of a closed case from completed ones.
ONLY_TELLING = pytest.mark.parametrize("arrangement", TELLING, ids=str, indirect=True)
OWEN, ZOE = "office:contact:302", "office:contact:305"
TRANSFER = "640"


@pytest.fixture(params=ALL, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """Capsule in both versions, the first one in both of its generations."""
    chosen: Arrangement = request.param
    return chosen


def row(site: Site, number: str) -> dict[str, Any]:
    """The whole row of a case, as the CRM's database has it."""
    assert isinstance(site.crm, Capsule)
    found = site.crm.kase(int(number))
    assert found is not None
    return asdict(found)


def changed(site: Site, number: str, before: dict[str, Any]) -> set[str]:
    """The columns that differ from `before` by now."""
    return {name for name, value in row(site, number).items() if value != before[name]}


async def cases(connector: Connector) -> dict[str, Observation]:
    return {found.external_id: found.read() async for page in connector.poll("case") for found in page}


async def fresh(connector: Connector, number: str) -> Observation:
    found = await connector.read("case", number)
    assert found is not None
    return found


async def test_what_people_made_is_read(site: Site, connector: Connector) -> None:
    """Title, state and party, alike in the listing and in a direct read, with the stamps."""
    made = site.crm.shelf("case").add(title="Refit <2>", done=True, links={"contact": "311", "opportunity": "88"})
    listed = await cases(connector)
    assert dict(listed[TRANSFER].values) == {
        "title": "Price pension transfer",
        "closed": False,
        "members": (OWEN,),
    }
    assert dict(listed[made].values) == {"title": "Refit <2>", "closed": True, "members": ("office:contact:311",)}
    shown = site.crm.shelf("case").one(made)
    assert (listed[made].created, listed[made].modified) == (shown["created"], shown["modified"])
    assert await fresh(connector, made) == listed[made]
    assert await connector.read("case", "99999") is None


async def test_all_pages_are_read(site: Site, connector: Connector) -> None:
    """More cases than fit onto one."""
    made = {site.crm.shelf("case").add(title=f"c{number}", links={"contact": "311"}) for number in range(205)}
    assert set(await cases(connector)) == {*made, TRANSFER}


async def test_a_case_is_made_for_its_member(site: Site, connector: Connector) -> None:
    """Open, with the token's user as its owner, as the CRM itself does it."""
    made = await connector.create("case", {"title": "Refit", "members": (ZOE,)})
    assert dict(made.values) == {"title": "Refit", "closed": False, "members": (ZOE,)}
    shown = site.crm.shelf("case").one(made.external_id)
    assert (shown["title"], shown["done"], shown["assignees"]) == ("Refit", False, ["77"])
    assert (await cases(connector))[made.external_id] == made


async def test_a_member_who_is_not_there_is_refused(site: Site, connector: Connector) -> None:
    """In the CRM's words, and nothing is made."""
    with pytest.raises(Refused):
        await connector.create("case", {"title": "Refit", "members": ("office:contact:99999",)})
    assert set(await cases(connector)) == {TRANSFER}


async def test_a_change_leaves_the_rest(site: Site, connector: Connector) -> None:
    """I9: description, opportunity, owner and team stay, each change on its own and both at once."""
    assert isinstance(site.crm, Capsule)
    site.crm.shelf("case").edit(TRANSFER, body="By post.", links={"opportunity": "88"})
    kase = site.crm.kase(int(TRANSFER))
    assert kase is not None
    site.crm.change_kase(kase, {"team": 12})
    edits: list[tuple[dict[str, Value], set[str]]] = [
        ({"title": "Price SIPP"}, {"name"}),
        ({"members": (ZOE,)}, {"party"}),
        ({"title": "Price transfer", "members": (OWEN,)}, {"name", "party"}),
    ]
    for changes, columns in edits:
        site.clock.tick(seconds=5)
        before = row(site, TRANSFER)
        after = await connector.update("case", await fresh(connector, TRANSFER), changes)
        assert {name: after.values[name] for name in changes} == changes
        assert changed(site, TRANSFER, before) == {*columns, "updated"}


async def test_closing_and_opening(site: Site, connector: Connector) -> None:
    """On the day that it is, without a change of anything else; doing it again changes nothing."""
    before = row(site, TRANSFER)
    closed = await connector.complete("case", await fresh(connector, TRANSFER))
    assert closed.values["closed"] is True
    assert changed(site, TRANSFER, before) <= {"status", "closed", "updated"}
    assert row(site, TRANSFER)["closed"] == site.clock.now().date()
    again = row(site, TRANSFER)
    site.clock.tick(seconds=5)
    assert await connector.complete("case", closed) is closed
    assert row(site, TRANSFER) == again
    assert (await connector.reopen("case", closed)).values["closed"] is False
    assert changed(site, TRANSFER, before) == {"updated"}


@ONLY_TELLING
async def test_tasks_of_a_closed_case_are_not_done(site: Site, connector: Connector) -> None:
    """They turn PENDING, which nobody wrote; the listing still shows all of them, and they can be finished."""
    open_, done = (
        site.crm.add(title=title, due=date(2026, 3, 20), links={"case": TRANSFER}, done=title == "done")
        for title in ("open", "done")
    )
    await connector.complete("case", await fresh(connector, TRANSFER))
    assert [site.crm.task(one)["status"] for one in (open_, done)] == ["PENDING", "COMPLETED"]
    listed = {one.external_id: one for one in await everything(connector)}
    assert {number: one.values["done"] for number, one in listed.items()} == {open_: False, done: True}
    assert await connector.reopen("task", listed[open_]) is listed[open_]
    assert (await connector.complete("task", listed[open_])).values["done"] is True
    await connector.reopen("case", await fresh(connector, TRANSFER))
    assert site.crm.task(open_)["status"] == "COMPLETED"


async def test_a_case_that_is_gone(site: Site, connector: Connector) -> None:
    """Deleting it twice is a success, and writing to it is not."""
    before = await fresh(connector, TRANSFER)
    for _ in range(2):
        await connector.delete("case", TRANSFER)
    assert await cases(connector) == {}
    with pytest.raises(Vanished):
        await connector.update("case", before, {"title": "x"})
    with pytest.raises(Vanished):
        await connector.complete("case", before)


@ONLY_V2
async def test_what_changed_since_is_less_than_everything(site: Site, connector: Connector) -> None:
    """A case made, renamed or closed since then, and no other."""
    site.clock.tick(hours=1)
    moment = site.clock.now() - timedelta(minutes=1)
    made = site.crm.shelf("case").add(title="Refit", links={"contact": "311"})
    assert [one.read().external_id async for page in connector.poll("case", moment) for one in page] == [made]
    site.crm.shelf("case").edit(TRANSFER, done=True)
    found = {one.read().external_id async for page in connector.poll("case", moment) for one in page}
    assert found == {made, TRANSFER}
