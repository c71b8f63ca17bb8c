"""What every connector has to do for `ports.Connector`, over HTTP: opening, reading, and what it says of itself.

The rest of the suite: writing in `test_conformance_writing`, values in `test_conformance_values`, what goes wrong on
the way in `test_conformance_faults`.
"""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from account_site import Sandbox, Site, everything
from accounts import ARRANGEMENTS, EMPLOYEE, PROTOCOLS, VARIANTS
from firm import CLIENT

from tasksync.connectors.manifest import discover
from tasksync.core.record import TASK, identical, is_utc
from tasksync.errors import NeedsLogin, RetryLater, StopConnection, Unreachable
from tasksync.ports import Connector

# --- the suite itself ---


def test_every_connector_that_is_installed_takes_part() -> None:
    """A connector without an arrangement here, or one whose ways to sign in are not all tried, is an error."""
    tried = {(one.type, frozenset(one.credentials)) for one in ARRANGEMENTS}
    assert tried == {(one.type, way) for one in discover().values() for way in one.credentials}
    assert len({one.name for one in ARRANGEMENTS}) == len(ARRANGEMENTS)


# --- opening ---


async def test_opening_again_changes_nothing(site: Site) -> None:
    """A second `open` gives the same account."""
    connector = site.connect()
    assert await connector.open() == await connector.open()


async def test_another_process_finds_the_same_identity(site: Site) -> None:
    """Identity and scope come from the CRM: they do not depend on the instance or the connection's name."""
    first, second = await site.connect(name="one").open(), await site.connect(name="two").open()
    assert (first.identity, first.scope) == (second.identity, second.scope)


async def test_the_identity_names_the_user(site: Site) -> None:
    """Two users of one CRM never share an identity, because it holds what the CRM calls the user."""
    account = await site.connect().open()
    assert site.arrangement.user in account.identity
    assert account.label


@pytest.mark.parametrize(
    "arrangement", [one for one in VARIANTS if "second_login" in one.switches], ids=str, indirect=True
)
async def test_two_accounts_of_one_user_differ(site: Site) -> None:
    """Where a token leads to several accounts, each has an identity of its own."""
    options = {**site.arrangement.options, "account_uuid": CLIENT}
    mine, other = await site.connect().open(), await site.connect(options=options).open()
    assert EMPLOYEE in mine.identity
    assert CLIENT in other.identity
    assert mine.identity != other.identity


async def test_the_way_to_sign_in_does_not_change_the_identity(sandbox: Sandbox) -> None:
    """Who exchanges a password for a token stays the same account."""
    identities: dict[str, set[str]] = {}
    for arrangement in ARRANGEMENTS:
        if arrangement.type == "onlyoffice":
            site = Site(arrangement, sandbox)
            identities.setdefault(arrangement.type, set()).add((await site.connect().open()).identity)
            await site.close()
    assert [len(found) for found in identities.values()] == [1]


async def test_the_zone_is_the_accounts(site: Site) -> None:
    """The zone has an IANA name, and is the one in which the CRM thinks of days."""
    account = await site.connect().open()
    assert ZoneInfo(account.zone).key == site.arrangement.zone


async def test_wrong_credentials_need_a_login(site: Site) -> None:
    """Credentials that the CRM does not know are told apart from every other failure, and are not in the message."""
    secret = next(name for name in site.arrangement.credentials if name != "username")
    with pytest.raises(NeedsLogin) as caught:
        await site.connect(credentials={secret: "wr0ng-5ecret"}).open()
    assert "wr0ng-5ecret" not in str(caught.value)


async def test_a_port_without_a_server_is_unreachable(site: Site) -> None:
    """Where nobody listens, certainly nothing was carried out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{site.arrangement.type}"
        with pytest.raises(Unreachable):
            await site.connect(url=url).open()


@pytest.mark.parametrize("arrangement", PROTOCOLS, ids=str, indirect=True)
@pytest.mark.parametrize("path", ["", "/{type}/nowhere", "/_admin", "/onlyoffice", "/capsule", "/plannr"])
async def test_a_wrong_url_stops_the_connection(site: Site, path: str) -> None:
    """A page, somebody else's 404 or another CRM: the connection fails as a whole, no record is blamed."""
    path = path.format(type=site.arrangement.type)
    host = site.url.removesuffix(f"/{site.arrangement.type}")
    if f"{host}{path}" == site.url:
        path += "/api"
    with pytest.raises((RetryLater, StopConnection)):
        await site.connect(url=host + path).open()


# --- what it says of itself ---


async def test_an_unknown_kind_has_nothing(connector: Connector) -> None:
    """A kind that the CRM does not have has no lenses and no defaults."""
    assert connector.lenses("spaceship") == {}
    assert connector.defaults("spaceship", datetime(2026, 3, 10, tzinfo=UTC)) == {}


async def test_it_offers_the_fields_of_its_crm(site: Site, connector: Connector) -> None:
    """There is a lens for each field that the CRM stores, and for no other; what a create needs is required."""
    lenses = connector.lenses("task")
    assert set(lenses) == set(site.arrangement.fields) <= {field.name for field in TASK.fields}
    assert all(lens.field == name for name, lens in lenses.items())
    assert {name for name, lens in lenses.items() if lens.required} == set(site.arrangement.base)


async def test_defaults_are_forms_of_the_crm(site: Site, connector: Connector) -> None:
    """What steps in at a create is what the CRM would show, and it steps in where a value is required."""
    lenses = connector.lenses("task")
    found = connector.defaults("task", site.clock.now())
    assert all(identical(lenses[name].get(value), value) for name, value in found.items())
    assert set(site.arrangement.base) - set(found) <= {"title"}


async def test_the_check_is_content_with_a_whole_config(connector: Connector) -> None:
    """With all that the CRM wants configured, `tasksync check` has findings and no complaint."""
    findings = await connector.check()
    assert findings
    assert [one for one in findings if not one.ok] == []


async def test_the_check_says_what_to_do_about_missing_defaults(site: Site) -> None:
    """Whatever the check complains of comes with advice."""
    bare = {name: value for name, value in site.arrangement.options.items() if name != "defaults"}
    connector = site.connect(options=bare)
    await connector.open()
    complaints = [one for one in await connector.check() if not one.ok]
    assert complaints
    assert all(one.message and one.advice for one in complaints)


async def test_it_knows_whether_finished_tasks_are_listed(site: Site, connector: Connector) -> None:
    """The engine is told whether a task that left the listing may just be finished."""
    assert connector.capabilities.lists_finished is site.arrangement.lists_finished


@pytest.mark.parametrize("hours", [3, -3])
async def test_the_clock_difference_is_measured(site: Site, hours: int) -> None:
    """A CRM whose clock is hours off is noticed, to within two seconds."""
    site.crm.settings.change({"clock_offset_s": hours * 3600})
    connector = site.connect()
    await connector.open()
    assert abs(connector.clock_difference - timedelta(hours=hours)) < timedelta(seconds=2)


async def test_no_clock_difference_is_made_up(connector: Connector) -> None:
    """Between clocks that agree there is none, though stamps come in whole seconds."""
    assert connector.clock_difference == timedelta(0)


async def test_every_request_is_counted(site: Site) -> None:
    """The report's number of requests is the number that the CRM got, repeated ones included."""
    connector = site.connect()
    await connector.open()
    made = await connector.create("task", site.arrangement.base)
    site.crm.faults.add("status", method="GET", status=503, times=2)
    await everything(connector)
    await connector.complete("task", made)
    await connector.delete("task", made.external_id)
    assert connector.requests == len(site.crm.requests)


# --- reading ---


async def test_an_empty_account_is_a_complete_snapshot(site: Site) -> None:
    """Without tasks the poll ends normally and shows none."""
    connector = site.connect()
    await connector.open()
    assert await everything(connector) == []


async def test_a_long_listing_shows_each_task_once(site: Site, connector: Connector) -> None:
    """Open or done, on the first page or the last, each task comes exactly once; where done ones are not listed, each
    can still be read.
    """
    site.crm.fill(site.arrangement.many)
    ids = [task["id"] for task in site.crm.tasks()]
    done = ids[::3]
    for task_id in done:
        site.crm.edit(task_id, done=True)
    found = await everything(connector)
    listed = ids if site.arrangement.lists_finished else sorted(set(ids) - set(done))
    assert Counter(one.external_id for one in found) == Counter(listed)
    assert {one.external_id for one in found if one.values["done"]} == set(done) & set(listed)
    assert await connector.read("task", done[0]) is not None


@pytest.mark.parametrize("done", [False, True])
async def test_a_listing_and_a_read_say_the_same(site: Site, connector: Connector, *, done: bool) -> None:
    """An item of a page equals the direct read of its record. A CRM that does not tell the state of a task tells it by
    listing it, and lists no finished one.
    """
    made = site.arrangement.furnish(site.world)
    site.crm.edit(made, done=done)
    read = await connector.read("task", made)
    listed = {one.external_id: one for one in await everything(connector)}
    assert read is not None
    if site.arrangement.tells_done:
        assert listed[made] == read
    elif done:
        assert made not in listed
        assert "done" not in read.values
    else:
        assert listed[made] == replace(read, values={**read.values, "done": False})


async def test_it_tells_what_a_person_sees(site: Site, connector: Connector) -> None:
    """The values of an observation are those that a person reads in the CRM, and only of fields with a lens."""
    made = site.arrangement.furnish(site.world)
    shown = site.crm.task(made)
    (seen,) = [one for one in await everything(connector) if one.external_id == made]
    assert set(seen.values) == set(site.arrangement.fields)
    assert dict(seen.values) == {name: shown[name] for name in seen.values}
    TASK.check(seen.values)


async def test_a_record_that_is_not_there_reads_as_none(site: Site, connector: Connector) -> None:
    """An id that never was, and one that is no more, both read as None."""
    made = site.crm.add(title="Ring Bob", due="2026-03-20")
    assert await connector.read("task", made) is not None
    site.crm.remove(made)
    assert await connector.read("task", made) is None
    assert await connector.read("task", site.arrangement.unknown_id) is None


async def test_stamps_are_the_crms_own(site: Site, connector: Connector) -> None:
    """Created, modified and completed are by the CRM's clock, in UTC, and absent where the CRM has none."""
    site.crm.settings.change({"clock_offset_s": 600})
    made_at = site.crm.stamp()
    made = site.crm.add(title="Ring Bob", due="2026-03-20")
    site.clock.tick(seconds=90)
    site.crm.edit(made, body="He is back on Monday.")
    (seen,) = await everything(connector)
    stamps = {name: getattr(seen, name) for name in ("created", "modified", "completed")}
    told = {name: stamp for name, stamp in stamps.items() if stamp is not None}
    expected = {"created": made_at, "modified": made_at + timedelta(seconds=90)}
    assert told == {name: stamp for name, stamp in expected.items() if name in site.arrangement.tells}
    assert all(is_utc(stamp) for stamp in told.values())
