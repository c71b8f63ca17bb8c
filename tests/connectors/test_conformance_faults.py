"""What every connector has to do when something goes wrong on the way: tell what is certain, send nothing twice that
creates, and never raise anything but our own errors. Listings that break are in `test_conformance_pages`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import NoneType
from typing import Any

import pytest
from account_site import Site, everything
from accounts import Arrangement
from case_accounts import DIALECTS
from mishaps import BROKEN, REFUSED, WORKING

from tasksync.core.record import TASK, Observation
from tasksync.errors import (
    AnswerLost,
    NeedsLogin,
    Refused,
    RetryLater,
    SkipRecord,
    StopConnection,
    TasksyncError,
    Throttled,
)
from tasksync.ports import Connector

ACTIONS = ("open", "poll", "read", "create", "update", "complete", "reopen", "delete")


async def act(action: str, site: Site, connector: Connector, before: Observation) -> object:
    """One call to the connector, on the record that `before` is of."""
    kind, record_id = site.arrangement.kind.name, before.external_id
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "open": connector.open,
        "poll": lambda: everything(connector, kind),
        "read": lambda: connector.read(kind, record_id),
        "create": lambda: connector.create(kind, site.arrangement.base),
        "update": lambda: connector.update(kind, before, {"title": "Ring Zoë"}),
        "complete": lambda: connector.complete(kind, before),
        "reopen": lambda: connector.reopen(kind, before),
        "delete": lambda: connector.delete(kind, record_id),
    }
    return await calls[action]()


async def prepared(action: str, site: Site, connector: Connector) -> Observation:
    """A record in the state that the action changes, freshly read, and no other."""
    for record_id in site.ids():
        site.shelf.remove(record_id)
    made = site.add(done=action == "reopen")
    before = await connector.read(site.arrangement.kind.name, made)
    assert before is not None
    site.crm.requests.clear()
    return before


def is_done(action: str, site: Site, before: Observation) -> bool:
    """Whether the action shows in the CRM."""
    ids = site.ids()
    shown = site.shown(before.external_id) if before.external_id in ids else None
    match action:
        case "create":
            return len(ids) == 2
        case "update":
            return shown is not None and shown["title"] == "Ring Zoë"
        case "complete" | "reopen":
            return shown is not None and shown["done"] is (action == "complete")
        case "delete":
            return shown is None
        case _:
            return True


# How a connector opens does not depend on the kind.
EVERY_ACTION: list[Any] = [
    pytest.param(one, action, id=f"{one.name}-{action}")
    for one in DIALECTS
    for action in ACTIONS
    if one.kind is TASK or action != "open"
]
every_action = pytest.mark.parametrize(("arrangement", "action"), EVERY_ACTION, indirect=["arrangement"])


@pytest.fixture(params=DIALECTS, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """Where faults are concerned, the rest is the same as one of these."""
    chosen: Arrangement = request.param
    return chosen


# --- all that can go wrong, everywhere ---


@pytest.fixture
async def hasty(site: Site) -> Connector:
    """A connector that gives up after the second try: what it makes of a failure does not depend on the number."""
    site.give_up_after(2)
    return await site.opened()


@every_action
async def test_what_is_broken_is_never_blamed_on_a_record(site: Site, hasty: Connector, action: str) -> None:
    """Whatever breaks, and for however long: the call fails as one to be tried again or as a matter of the connection,
    or it succeeds because the work was done and its answer has nothing that matters. Afterwards all is well again.
    """
    for name, fault in BROKEN.items():
        before = await prepared(action, site, hasty)
        site.crm.faults.add(**fault, times=None)
        try:
            await act(action, site, hasty, before)
        except AnswerLost:
            assert action in {"create", "complete", "reopen"}, name
        except (RetryLater, StopConnection):
            assert action != "create" or not is_done(action, site, before), name
        else:
            # An answer that nobody has to read is not missed, and a CRM that says "done" is believed.
            assert name in WORKING or (action == "delete" and name == "200 without a word"), name
            assert name not in WORKING or is_done(action, site, before), name
        site.crm.faults.clear()
        assert site.creates() <= 1, name
        assert len(site.ids()) <= 1 + (action == "create"), name
    await everything(hasty, site.arrangement.kind.name)


@every_action
async def test_a_refusal_is_one_of_ours(site: Site, hasty: Connector, action: str) -> None:
    """Every status with which a CRM says no becomes one of our errors. Only what concerns one record may be blamed on
    it, and only 404 and 410 mean that it is gone. Nothing is done, and afterwards all is well again.
    """
    for name, fault in REFUSED.items():
        before = await prepared(action, site, hasty)
        site.crm.faults.add(**fault, times=None)
        became = await outcome(act(action, site, hasty, before))
        site.crm.faults.clear()
        assert issubclass(became, allowed(action, name)), f"{name} became {became.__name__}"
        assert action in {"open", "poll", "read"} or not is_done(action, site, before), name
    await everything(hasty, site.arrangement.kind.name)


async def outcome(call: Awaitable[object]) -> type[TasksyncError | None]:
    """The class of the error of ours that came of it, NoneType for none; any other error is the test's end."""
    try:
        await call
    except TasksyncError as error:
        return type(error)
    return NoneType


def allowed(action: str, status: str) -> tuple[type[TasksyncError | None], ...]:
    """What a refusal with this status may become. 403 is a matter of one record in ONLYOFFICE, of the account elsewhere
    (protocols/onlyoffice.md, 1.4; protocols/capsule.md, 3.5).
    """
    match status:
        case "401":
            return (NeedsLogin,)
        case "429":
            return (Throttled,)
        case "404" | "410" if action in {"read", "delete"}:
            return (NoneType, RetryLater, StopConnection)
    if action in {"open", "poll"}:
        return (RetryLater, StopConnection)
    if action == "create" and status != "403":
        return (SkipRecord,)
    return (RetryLater, StopConnection, Refused if action in {"read", "delete"} else SkipRecord)


# --- creating ---


@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
async def test_a_create_whose_answer_is_lost_is_not_repeated(
    site: Site, connector: Connector, kind: str, fault: str
) -> None:
    """Nobody knows whether the record was made, so exactly one request goes out and the doubt is told."""
    site.crm.faults.add(fault, method="POST", path=site.arrangement.creating, times=None)
    with pytest.raises(AnswerLost):
        await connector.create(kind, site.arrangement.base)
    assert site.creates() == 1
    assert len(site.ids()) == (fault == "lose_after")


async def test_a_create_that_was_put_off_is_sent_again(site: Site, connector: Connector, kind: str) -> None:
    """Too many requests: nothing was carried out, so the create waits as long as it was told, and makes one record."""
    headers = {"Retry-After": "7"}
    site.crm.faults.add("status", status=429, headers=headers, method="POST", path=site.arrangement.creating)
    asked_at = site.clock.now()
    await connector.create(kind, site.arrangement.base)
    assert site.clock.now() - asked_at >= timedelta(seconds=7)
    assert len(site.ids()) == 1


# --- repeating what is safe ---


@pytest.mark.parametrize("action", ["open", "poll", "read", "delete"])
async def test_a_passing_fault_is_got_over(site: Site, connector: Connector, action: str) -> None:
    """What can be repeated is repeated: after two failures the third try succeeds, and nobody notices."""
    # The answer to a deletion may be empty, and then there is nothing to cut.
    for fault in ["status", "lose_before", "lose_after", "html", *(["cut"] if action != "delete" else [])]:
        before = await prepared(action, site, connector)
        expected = await act("read", site, connector, before)
        site.crm.faults.add(fault, method="DELETE" if action == "delete" else "GET", times=2)
        found = await act(action, site, connector, before)
        assert site.crm.faults.pending() == [], fault
        assert is_done(action, site, before), fault
        assert action != "read" or found == expected, fault


@pytest.mark.parametrize("fault", ["status", "lose_before", "lose_after"])
async def test_an_update_is_repeated(site: Site, connector: Connector, fault: str) -> None:
    """An update is safe to repeat: it arrives in spite of two failures, once, and nothing else is made of it."""
    before = await prepared("update", site, connector)
    site.crm.faults.add(fault, method="PUT", times=2)
    after = await act("update", site, connector, before)
    assert isinstance(after, Observation)
    assert after.values["title"] == "Ring Zoë"
    assert [one["title"] for one in site.shelf.all()] == ["Ring Zoë"]


@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
@pytest.mark.parametrize("action", ["complete", "reopen"])
async def test_a_change_of_state_can_be_taken_up_again(
    site: Site, connector: Connector, kind: str, action: str, fault: str
) -> None:
    """After a lost answer the state is as wanted, or the doubt is told and the same call on a fresh read brings it
    about.
    """
    before = await prepared(action, site, connector)
    site.crm.faults.add(fault, path=re.escape(before.external_id))
    try:
        await act(action, site, connector, before)
    except AnswerLost:
        again = await connector.read(kind, before.external_id)
        assert again is not None
        await act(action, site, connector, again)
    assert is_done(action, site, before)
    assert len(site.ids()) == 1
