"""Options of a Plannr connection, and signing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from tasksync.connectors.manifest import discover
from tasksync.connectors.plannr import manifest
from tasksync.connectors.plannr.options import PlannrOptions
from tasksync.errors import Misconnected, NeedsLogin, ServerFault
from tasksync.ports import Connector, RateLimit

# The fixtures of conftest.py, which no test can import: the scripted server, payload makers, the connector's builder.
Script = Any
Make = Callable[..., dict[str, Any]]
Connect = Callable[..., Connector]

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
OTHER = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c22"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"


def with_logins(script: Script, *logins: dict[str, Any], **beside: Any) -> None:
    script.answers[("GET", "/api/v1/logins")].clear()
    script.on("GET", "/api/v1/logins", 200, {"data": list(logins), **beside})


@pytest.mark.parametrize(
    ("options", "where", "why"),
    [
        ({"account_uuid": "ana"}, ("account_uuid",), "not a uuid"),
        ({"account": ANA}, ("account",), "not permitted"),
        ({"defaults": {"status": 1}}, ("defaults", "status"), "valid string"),
        ({"defaults": {"status": ""}}, ("defaults", "status"), "at least 1 character"),
        ({"defaults": {"due": "+7d"}}, ("defaults", "due"), "not permitted"),
        ({"defaults": {"link": {"type": "deal", "id": PRICE}}}, ("defaults", "link", "type"), "'client', 'employee'"),
        ({"defaults": {"link": {"type": "case", "id": "42"}}}, ("defaults", "link", "id"), "not a uuid"),
        ({"defaults": {"link": {"type": "case"}}}, ("defaults", "link", "id"), "required"),
        ({"defaults": {"link": PRICE}}, ("defaults", "link"), "dictionary"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], where: tuple[str, ...], why: str) -> None:
    """Each mistake in the config is one error, at its key."""
    with pytest.raises(ValidationError) as caught:
        PlannrOptions.model_validate(options)
    (error,) = caught.value.errors()
    assert error["loc"] == where
    assert why in error["msg"]


def test_options_are_optional() -> None:
    """A connection without any is valid: the account is found out, and creating says what it lacks."""
    options = PlannrOptions()
    assert (options.account_uuid, options.defaults.link, options.defaults.status) == (None, None, None)


def test_the_connector_is_found_by_entry_point() -> None:
    """`type: plannr` in a config leads here."""
    assert manifest.type == "plannr"
    assert discover()["plannr"] is manifest


def test_the_connection_is_dialled_with_what_plannr_asks_for(connect: Connect, script: Script) -> None:
    """Bearer token, Accept and Content-Type with every request, and 500 requests a minute."""
    connector = connect()
    assert connector.connection == "advisers"
    assert script.dialled == {
        "connection": "advisers",
        "base_url": "https://plannr.example",
        "limit": RateLimit(requests=500, per_s=60),
        "expects": "json",
        "headers": {
            "Authorization": "Bearer plnr_pat_x",
            "Accept": "application/json",
            "Content-Type": "application/json",
        },
        "secrets": ["plnr_pat_x"],
    }


async def test_opening_finds_the_only_employee_account(connect: Connect, script: Script, login: Make) -> None:
    """E1 and E2: the account comes from /logins, asked without account header; an account as a client is no choice."""
    with_logins(script, login({"uuid": OTHER, "type": "client", "role": "individual"}), login())
    connector = connect()
    account = await connector.open()
    assert account.identity == f"aa100000-0000-4000-8000-000000000001/{ANA}/77e10000-0000-4000-8000-000000000001"
    assert account.label == "Ana Reid at Hill FA"
    assert account.zone == "Europe/London"
    assert account.scope == "role=admin write=yes"
    assert [(request.path, request.account) for request in script.sent] == [
        ("/api/v1/logins", None),
        ("/api/v1/task-status", ANA),
    ]
    assert connector.requests == 2
    assert connector.clock_difference == script.clock_difference
    assert not connector.capabilities.hides_finished
    await connector.close()
    assert script.closed


async def test_opening_again_in_vain_leaves_the_account(connect: Connect, script: Script, gone: dict[str, Any]) -> None:
    """Logins are asked for without account each time; what is asked otherwise goes on to be asked as it."""
    connector = connect()
    await connector.open()
    with_logins(script)
    with pytest.raises(NeedsLogin):
        await connector.open()
    script.on("GET", f"/api/v1/task/{PRICE}", 404, gone)
    assert await connector.read("task", PRICE) is None
    assert [(request.path, request.account) for request in script.sent[2:]] == [
        ("/api/v1/logins", None),
        (f"/api/v1/task/{PRICE}", ANA),
    ]


async def test_role_and_right_to_write_are_the_scope(connect: Connect, script: Script, login: Make) -> None:
    """A login that sees less than last time shows so: what its listing lacks then means nothing."""
    with_logins(script, login({"role": "member"}, has_write_permission=False))
    assert (await connect().open()).scope == "role=member write=no"


async def test_a_login_without_names_still_has_a_label(connect: Connect, script: Script) -> None:
    """All that is needed of a login is its account's uuid and type; permissions not mentioned count as given."""
    with_logins(script, {"email": "ana@hillfa.example", "account": {"uuid": ANA, "type": "employee"}, "firm": None})
    account = await connect().open()
    assert account.identity == f"/{ANA}/ana@hillfa.example"
    assert account.label == "ana@hillfa.example at Plannr"
    assert account.scope == "role= write=yes"


@pytest.mark.parametrize("beside", [True, False])
async def test_the_preferred_account_wins(connect: Connect, script: Script, login: Make, beside: Any) -> None:
    """preferred_account_uuid decides among several, wherever it stands."""
    preferred = {"preferred_account_uuid": OTHER}
    if beside:
        with_logins(script, login(), login({"uuid": OTHER}), **preferred)
    else:
        with_logins(script, login(**preferred), login({"uuid": OTHER}, **preferred))
    assert f"/{OTHER}/" in (await connect().open()).identity


async def test_the_configured_account_wins_over_the_preferred(connect: Connect, script: Script, login: Make) -> None:
    """What a person wrote into the config is what happens."""
    with_logins(script, login(), login({"uuid": OTHER}), preferred_account_uuid=ANA)
    assert f"/{OTHER}/" in (await connect(account_uuid=OTHER.upper()).open()).identity


@pytest.mark.parametrize("preferred", [None, {"example": "x"}, "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c99"])
async def test_a_preference_that_leads_nowhere_is_none(
    connect: Connect, script: Script, login: Make, preferred: Any
) -> None:
    """Then the only employee account is taken after all."""
    with_logins(script, login(preferred_account_uuid=preferred))
    assert f"/{ANA}/" in (await connect().open()).identity


async def test_several_employee_accounts_are_listed(connect: Connect, script: Script, login: Make) -> None:
    """The error names each account and the key that decides."""
    with_logins(script, login(), login({"uuid": OTHER, "name": "Ana R."}))
    with pytest.raises(NeedsLogin) as caught:
        await connect().open()
    for part in (ANA, OTHER, "Ana R. at Hill FA", "Set account_uuid to one of"):
        assert part in str(caught.value)


async def test_preferences_that_disagree_decide_nothing(connect: Connect, script: Script, login: Make) -> None:
    """Two logins that each prefer another account leave it to a person."""
    both = (login(preferred_account_uuid=ANA), login({"uuid": OTHER}, preferred_account_uuid=OTHER))
    with_logins(script, *both)
    with pytest.raises(NeedsLogin, match="exactly one account of an employee"):
        await connect().open()


async def test_a_configured_account_that_is_not_there_is_named(connect: Connect, script: Script) -> None:
    """No other account is taken in its place."""
    with pytest.raises(NeedsLogin, match=f"the configured account {OTHER}.*{ANA}"):
        await connect(account_uuid=OTHER).open()


async def test_no_login_at_all(connect: Connect, script: Script) -> None:
    """A token that leads nowhere says so."""
    with_logins(script)
    with pytest.raises(NeedsLogin, match="leads to: none"):
        await connect().open()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"message": "Unauthenticated."}, NeedsLogin, "Unauthenticated"),
        (403, {"message": "This action is unauthorized."}, NeedsLogin, "unauthorized"),
        (404, b"<h1>Not Found</h1>", Misconnected, "HTTP 404. Check the connection's url"),
        (404, {"message": "The route api/v1/logins could not be found."}, Misconnected, "The route"),
        (500, {"message": "Server Error"}, ServerFault, "Server Error"),
        (200, b"<html>", ServerFault, "no JSON"),
        (200, [], ServerFault, "no list"),
        (200, {"data": {}}, ServerFault, "no list"),
        (200, {"data": ["x"]}, ServerFault, "no list"),
        (200, {"data": [{"account": "App\\Http\\Resources\\AccountResource"}]}, ServerFault, "account of a login"),
        (200, {"data": [{"account": {"uuid": {"example": "x"}}}]}, ServerFault, "no uuid"),
    ],
)
async def test_what_is_no_answer_to_logins(
    connect: Connect, script: Script, status: int, body: Any, error: type[Exception], words: str
) -> None:
    """Wrong token, wrong url, a page of another program: each is an error of its own consequence."""
    script.answers[("GET", "/api/v1/logins")] = []
    script.on("GET", "/api/v1/logins", status, body)
    with pytest.raises(error, match=words):
        await connect().open()


async def test_statuses_come_in_pages_or_not(
    connect: Connect, script: Script, status_payloads: list[dict[str, Any]], ready: dict[str, Any]
) -> None:
    """All pages are read; a list without page numbers is complete as it is."""
    script.answers[("GET", "/api/v1/task-status")] = []
    script.on_pages("/api/v1/task-status", status_payloads[2:], status_payloads[:2])
    script.on("GET", "/api/v1/task-status", 200, {"data": status_payloads})
    script.on("GET", f"/api/v1/account/{PRICE}", 200, {"uuid": PRICE})
    connector = connect(**ready)
    for pages in (["1", "2"], ["1"]):
        script.sent.clear()
        await connector.open()
        assert [dict(request.params)["page"] for request in script.sent[1:]] == pages
        assert all(finding.ok for finding in await connector.check())


@pytest.mark.parametrize("changes", [{"uuid": None}, {"is_archived": "no"}, {"is_type_completed": None}])
async def test_a_status_that_is_none(
    connect: Connect, script: Script, status_payloads: list[dict[str, Any]], changes: dict[str, Any]
) -> None:
    """Statuses decide what is finished: one that is not understood is no small matter."""
    script.answers[("GET", "/api/v1/task-status")] = []
    script.on_pages("/api/v1/task-status", [{**status_payloads[0], **changes}])
    with pytest.raises(ServerFault, match="cannot be understood"):
        await connect().open()
