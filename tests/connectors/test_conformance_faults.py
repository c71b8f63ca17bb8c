"""What every connector has to do when something goes wrong on the way: tell what is certain, send nothing twice that
creates, take no broken listing for a whole one, and never raise anything but our own errors.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import NoneType
from typing import Any

import pytest
from account_site import Site, everything
from accounts import DIALECTS, PROTOCOLS, Arrangement

from tasksync.core.record import Observation
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

every_protocol = pytest.mark.parametrize("arrangement", PROTOCOLS, ids=str, indirect=True)

BROKEN: Mapping[str, Mapping[str, Any]] = {
    "500": {"do": "status", "status": 500},
    "503": {"do": "status", "status": 503},
    "504 after the work": {"do": "status", "status": 504, "work": True},
    "lost before": {"do": "lose_before"},
    "lost after": {"do": "lose_after"},
    "cut": {"do": "cut"},
    "garbage": {"do": "garbage"},
    "html": {"do": "html"},
    "200 without a word": {"do": "status", "status": 200},
    "a teapot": {"do": "status", "status": 418},
}
"""Faults that say nothing about a record."""
WORKING = {"504 after the work", "lost after", "cut", "garbage"}
"""Those after which the request may have been carried out."""
REFUSED: Mapping[str, Mapping[str, Any]] = {
    str(status): {"do": "status", "status": status} for status in (400, 401, 403, 404, 409, 410, 413, 422, 429)
}
"""What a CRM says no with."""
ACTIONS = ("open", "poll", "read", "create", "update", "complete", "reopen", "delete")


async def act(action: str, site: Site, connector: Connector, before: Observation) -> object:
    """One call to the connector, on the task that `before` is of."""
    task_id = before.external_id
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "open": connector.open,
        "poll": lambda: everything(connector),
        "read": lambda: connector.read("task", task_id),
        "create": lambda: connector.create("task", site.arrangement.base),
        "update": lambda: connector.update("task", before, {"title": "Ring Zoë"}),
        "complete": lambda: connector.complete("task", before),
        "reopen": lambda: connector.reopen("task", before),
        "delete": lambda: connector.delete("task", task_id),
    }
    return await calls[action]()


async def prepared(action: str, site: Site, connector: Connector) -> Observation:
    """A task in the state that the action changes, freshly read, and no other."""
    for task in site.crm.tasks():
        site.crm.remove(task["id"])
    made = site.crm.add(title="Ring Bob", due="2026-03-20", done=action == "reopen")
    before = await connector.read("task", made)
    assert before is not None
    site.crm.requests.clear()
    return before


def is_done(action: str, site: Site, before: Observation) -> bool:
    """Whether the action shows in the CRM."""
    tasks = {task["id"]: task for task in site.crm.tasks()}
    task = tasks.get(before.external_id)
    match action:
        case "create":
            return len(tasks) == 2
        case "update":
            return task is not None and task["title"] == "Ring Zoë"
        case "complete" | "reopen":
            return task is not None and task["done"] is (action == "complete")
        case "delete":
            return task is None
        case _:
            return True


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


@pytest.mark.parametrize("action", ACTIONS)
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
        assert len(site.crm.tasks()) <= 1 + (action == "create"), name
    await everything(hasty)


@pytest.mark.parametrize("action", ACTIONS)
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
    await everything(hasty)


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
async def test_a_create_whose_answer_is_lost_is_not_repeated(site: Site, connector: Connector, fault: str) -> None:
    """Nobody knows whether the task was made, so exactly one request goes out and the doubt is told."""
    site.crm.faults.add(fault, method="POST", path=site.arrangement.creating, times=None)
    with pytest.raises(AnswerLost):
        await connector.create("task", site.arrangement.base)
    assert site.creates() == 1
    assert len(site.crm.tasks()) == (fault == "lose_after")


async def test_a_create_that_was_put_off_is_sent_again(site: Site, connector: Connector) -> None:
    """Too many requests: nothing was carried out, so the create waits as long as it was told, and makes one task."""
    headers = {"Retry-After": "7"}
    site.crm.faults.add("status", status=429, headers=headers, method="POST", path=site.arrangement.creating)
    asked_at = site.clock.now()
    await connector.create("task", site.arrangement.base)
    assert site.clock.now() - asked_at >= timedelta(seconds=7)
    assert len(site.crm.tasks()) == 1


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
    assert [task["title"] for task in site.crm.tasks()] == ["Ring Zoë"]


@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
@pytest.mark.parametrize("action", ["complete", "reopen"])
async def test_a_change_of_state_can_be_taken_up_again(
    site: Site, connector: Connector, action: str, fault: str
) -> None:
    """After a lost answer the state is as wanted, or the doubt is told and the same call on a fresh read brings it
    about.
    """
    before = await prepared(action, site, connector)
    site.crm.faults.add(fault, path=re.escape(before.external_id))
    try:
        await act(action, site, connector, before)
    except AnswerLost:
        again = await connector.read("task", before.external_id)
        assert again is not None
        await act(action, site, connector, again)
    assert is_done(action, site, before)
    assert len(site.crm.tasks()) == 1


# --- listings ---


@every_protocol
async def test_a_broken_page_is_never_the_end(site: Site, hasty: Connector) -> None:
    """When a page in the middle fails for good, what came before has been told, and then the poll raises: it never
    passes for a whole snapshot. The next one is whole again.
    """
    site.crm.fill(site.arrangement.first_page)
    expected = {one.external_id for one in await everything(hasty)}
    for name, fault in {**BROKEN, **REFUSED}.items():
        site.crm.faults.add(**fault, path=site.arrangement.listing, after=1, times=None)
        seen = list[str]()
        error = NeedsLogin if name == "401" else (RetryLater, StopConnection)
        with pytest.raises(error):  # noqa: PT012 - what came before the error counts
            async for page in hasty.poll("task"):
                seen += [one.external_id for one in page]
        assert seen, name
        assert set(seen) <= expected, name
        site.crm.faults.clear()
    assert {one.external_id for one in await everything(hasty)} == expected


@every_protocol
async def test_a_token_that_ends_in_the_middle(site: Site, connector: Connector) -> None:
    """A token that is not accepted any more needs a person; a connector that has a password gets itself a new one, and
    goes on where it was.
    """
    site.crm.fill(site.arrangement.first_page)
    expected = len(await everything(connector))
    site.crm.faults.add("status", status=401, path=site.arrangement.listing, after=1)
    if "password" in site.arrangement.credentials:
        assert len(await everything(connector)) == expected
    else:
        with pytest.raises(NeedsLogin):
            await everything(connector)


# --- waiting ---


@every_protocol
async def test_a_crm_that_enforces_its_limit_is_waited_for(site: Site) -> None:
    """A CRM that lets two requests through in twenty seconds slows a sync down, and nothing else."""
    site.crm.fill(3)
    site.crm.settings.change({"enforce_limits": True, "limit_requests": 2, "limit_per_s": 20})
    connector, begun_at = site.connect(), site.clock.now()
    await connector.open()
    assert len(await everything(connector)) == 3
    assert site.clock.now() - begun_at >= timedelta(seconds=15)


async def test_a_long_wait_is_left_to_the_next_cycle(site: Site, connector: Connector) -> None:
    """A wait that is longer than the patience of a request is told with its end, and not begun; until then nothing is
    sent.
    """
    site.crm.faults.add("status", status=429, headers={"Retry-After": "7200"})
    asked_at = site.clock.now()
    with pytest.raises(Throttled) as caught:
        await everything(connector)
    assert caught.value.retry_at == asked_at + timedelta(hours=2)
    site.crm.requests.clear()
    with pytest.raises(Throttled):
        await connector.create("task", site.arrangement.base)
    assert (site.crm.requests, site.clock.now()) == ([], asked_at)
