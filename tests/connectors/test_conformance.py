"""What every connector has to do for `ports.Connector`, over HTTP: opening, and what it says of itself.

The rest of the suite: reading in `test_conformance_reading`, writing in `test_conformance_writing`, values in
`test_conformance_values`, what goes wrong on the way in `test_conformance_faults`. What is about records is tried for
each kind of them.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from account_site import Sandbox, Site, everything
from accounts import PROTOCOLS, TASKS, VARIANTS
from case_accounts import ARRANGEMENTS
from firm import CLIENT

from tasksync.connectors.manifest import discover
from tasksync.core.record import KINDS, identical
from tasksync.errors import NeedsLogin, RetryLater, StopConnection, Unreachable
from tasksync.ports import Connector
from tasksync.sandbox.plannr.initial import EMPLOYEE

every_kind = pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=str, indirect=True)

# --- the suite itself ---


def test_every_connector_that_is_installed_takes_part() -> None:
    """A connector without an arrangement here, or one whose ways to sign in are not all tried, is an error. OAuth2 is
    no way of a connector's own: what comes of it is a token in every request, whoever puts it there.
    """
    tried = {(one.type, frozenset(one.credentials)) for one in ARRANGEMENTS}
    ways = {(one.type, way) for one in discover().values() for way in one.credentials if "client_id" not in way}
    assert tried == ways
    assert len({one.name for one in ARRANGEMENTS}) == len(ARRANGEMENTS)


def test_every_connector_takes_part_with_every_kind() -> None:
    """Tasks and cases: a connector that lacks a kind, or a kind that nobody tries, is an error."""
    assert {(one.type, one.kind.name) for one in ARRANGEMENTS} == {(one, kind) for one in discover() for kind in KINDS}


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
    for arrangement in TASKS:
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


@every_kind
async def test_it_offers_the_fields_of_its_crm(site: Site, connector: Connector) -> None:
    """There is a lens for each field that the CRM stores, and for no other; what a create needs is required, and what
    only a create can set is fixed.
    """
    one = site.arrangement
    lenses = connector.lenses(one.kind.name)
    assert set(lenses) == set(one.fields) <= {field.name for field in one.kind.fields}
    assert all(lens.field == name for name, lens in lenses.items())
    assert {name for name, lens in lenses.items() if lens.required} == set(one.base)
    assert {name for name, lens in lenses.items() if lens.fixed} == one.fixed


@every_kind
async def test_defaults_are_forms_of_the_crm(site: Site, connector: Connector) -> None:
    """What steps in at a create is what the CRM would show, and it steps in where a value is required."""
    kind = site.arrangement.kind.name
    lenses, found = connector.lenses(kind), connector.defaults(kind, site.clock.now())
    assert all(identical(lenses[name].get(value), value) for name, value in found.items())
    assert set(site.arrangement.base) - set(found) == site.arrangement.no_default


@every_kind
async def test_every_kind_can_be_created(site: Site, connector: Connector) -> None:
    """What the engine is told not to create is not tried here; a connector that cannot create says so."""
    assert site.arrangement.kind.name not in connector.capabilities.uncreatable


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
    hidden = site.arrangement.kind.name in connector.capabilities.hides_finished
    assert hidden is not site.arrangement.lists_finished


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
