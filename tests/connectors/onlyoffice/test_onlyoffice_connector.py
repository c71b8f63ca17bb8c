"""What a connection is: its account, zone, options, defaults and findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from tasksync.connectors.onlyoffice import OnlyofficeConnector, manifest
from tasksync.errors import Misconnected, ServerFault
from tasksync.ports import Account, Capabilities, RateLimit

Make = Callable[..., Any]
WINDOWS = {"timezone": "GMT Standard Time;0;(UTC+00:00) London;GMT;BST;;", "utcHoursOffset": 1.0}
OURS = ("office:person:b1f50000-1111-4222-8333-444444444444",)
SUMMER = {"date": "Wed, 01 Jul 2026 12:00:00 GMT"}


def test_the_manifest_offers_both_ways_to_sign_in() -> None:
    """A token, or user name and password; the type is the word in the config."""
    assert manifest.type == "onlyoffice"
    assert set(manifest.credentials) == {frozenset({"token"}), frozenset({"username", "password"})}


def test_the_connection_is_dialed_within_the_documented_limit(http: Any, connect: Make) -> None:
    """500 requests in 10 seconds, JSON, no header that every request would carry."""
    office = connect()
    assert http.dialed == {
        "connection": "office",
        "base_url": "https://crm.example.org",
        "limit": RateLimit(requests=500, per_s=10),
        "expects": "json",
        "headers": {},
        "secrets": ["t0ken"],
    }
    assert (office.connection, office.requests, office.clock_difference) == ("office", 0, timedelta(seconds=2))
    assert office.capabilities == Capabilities()


@pytest.mark.parametrize(
    ("user", "scope"),
    [
        ({"isAdmin": True}, "administrator"),
        ({"isAdmin": False, "listAdminModules": ["crm"]}, "administrator"),
        ({"isAdmin": False}, "own tasks"),
    ],
)
async def test_the_account_is_portal_and_user(connect: Make, says_open: Make, user: Any, scope: str) -> None:
    """The identity is host and user id, the zone the portal's, and the scope what the rights let us see."""
    says_open(user={"id": "u-1", "displayName": "Ann Lee", **user})
    assert await connect().open() == Account(
        identity="crm.example.org/u-1", label="Ann Lee at crm.example.org", zone="Europe/Moscow", scope=scope
    )


async def test_somebody_without_an_id_is_no_account(http: Any, connect: Make) -> None:
    """An answer that does not say who we are comes from something else than a portal."""
    http.says({"displayName": "Ann Lee"}, count=1)
    with pytest.raises(Misconnected):
        await connect().open()


async def test_categories_that_make_no_sense_are_a_fault(http: Any, connect: Make) -> None:
    """Without the list of categories no task could be written."""
    http.says({"id": "u-1"})
    http.says({"timezone": "UTC"})
    http.says([{"title": "Call", "id": "thirty"}])
    with pytest.raises(ServerFault, match="categories"):
        await connect().open()


async def test_a_windows_zone_asks_for_the_configs(connect: Make, says_open: Make) -> None:
    """A portal whose zone has no IANA name needs `timezone:`, because an offset alone knows no daylight saving."""
    says_open(settings=WINDOWS)
    with pytest.raises(Misconnected, match=r"GMT Standard Time.*`timezone:`"):
        await connect().open()


@pytest.mark.parametrize("headers", [SUMMER, {}, {"date": "yesterday"}])
async def test_the_configured_zone_steps_in(connect: Make, says_open: Make, headers: dict[str, str]) -> None:
    """The configured zone is used where the portal gives no usable one, whether or not it can be checked."""
    says_open(settings=WINDOWS, headers=headers)
    assert (await connect(timezone=ZoneInfo("Europe/London")).open()).zone == "Europe/London"


async def test_a_configured_zone_that_cannot_be_right_is_refused(connect: Make, says_open: Make) -> None:
    """The portal's present offset shows that the zone is another, which would shift every all-day date."""
    says_open(settings=WINDOWS, headers=SUMMER)
    with pytest.raises(Misconnected, match=r"Europe/Moscow.*1:00:00"):
        await connect(timezone=ZoneInfo("Europe/Moscow")).open()


async def test_the_portals_own_zone_wins(connect: Make, says_open: Make) -> None:
    """What the portal says of its zone is not overruled by the config."""
    says_open()
    assert (await connect(timezone=ZoneInfo("Europe/London")).open()).zone == "Europe/Moscow"


async def test_tasks_and_cases_are_kept_in_step(http: Any, connector: OnlyofficeConnector) -> None:
    """For any other kind there are no lenses and no defaults, and reading or writing one is a mistake of the caller."""
    known = {"title", "body", "due", "done", "category", "assignees", "links", "reminder"}
    assert set(connector.lenses("task")) == known
    assert set(connector.lenses("case")) == {"title", "closed", "members"}
    assert connector.defaults("case", datetime(2026, 1, 1, tzinfo=UTC)) == {}
    assert connector.lenses("deal") == connector.defaults("deal", datetime(2026, 1, 1, tzinfo=UTC)) == {}
    with pytest.raises(ValueError, match="deal"):
        connector.poll("deal")
    with pytest.raises(ValueError, match="deal"):
        await connector.read("deal", "1")
    assert http.requests == 0


def test_nothing_works_before_open(connect: Make) -> None:
    """Lenses depend on the portal, so they cannot be had before it was asked."""
    with pytest.raises(RuntimeError, match="open"):
        connect().lenses("task")


async def test_closing_gives_the_sockets_back(http: Any, connector: OnlyofficeConnector) -> None:
    """Closing the connector closes its HTTP."""
    await connector.close()
    assert http.closed


@pytest.mark.parametrize(
    ("due", "now", "day"),
    [
        ("+7d", datetime(2026, 3, 9, 20, 59, tzinfo=UTC), date(2026, 3, 16)),
        ("+7d", datetime(2026, 3, 9, 21, 0, tzinfo=UTC), date(2026, 3, 17)),
        ("+0d", datetime(2026, 3, 9, 12, 0, tzinfo=UTC), date(2026, 3, 9)),
    ],
)
async def test_the_default_due_day_is_counted_in_the_portals_zone(
    connect: Make, says_open: Make, due: str, now: datetime, day: date
) -> None:
    """A relative due day starts from the day it is at the portal, and is all-day."""
    says_open()
    office = connect(options={"defaults": {"due": due, "category": "CALL"}})
    await office.open()
    assert office.defaults("task", now) == {"assignees": OURS, "category": "Call", "due": day}


async def test_a_category_that_the_config_calls_otherwise(connect: Make, says_open: Make) -> None:
    """What the config says a category is called here is shown for it."""
    says_open()
    office = connect(categories={"phone call": "Meeting"})
    await office.open()
    assert office.lenses("task")["category"].get("Phone call") == "Meeting"


async def test_an_unknown_default_category_is_passed_on_to_be_refused_by_name(connect: Make, says_open: Make) -> None:
    """The create, not the default, tells which category is missing and which there are."""
    says_open()
    office = connect(options={"defaults": {"category": "Lunch"}})
    await office.open()
    assert office.defaults("task", datetime(2026, 1, 1, tzinfo=UTC)) == {"assignees": OURS, "category": "Lunch"}


async def test_without_defaults_only_we_step_in(connector: OnlyofficeConnector) -> None:
    """No default is made up, but a task has to be somebody's: this account's."""
    assert connector.defaults("task", datetime(2026, 1, 1, tzinfo=UTC)) == {"assignees": OURS}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"defaults": {}},
        {"defaults": {"category": None, "due": None}},
        {"defaults": {"due": "+9999d"}},
        {"defaults": {"due": "+1d", "category": "Call"}},
    ],
)
def test_good_options_are_accepted(options: Any) -> None:
    """Every default may be absent or null."""
    assert isinstance(manifest.options.model_validate(options), manifest.options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"defaults": {"due": "7d"}}, "such as"),
        ({"defaults": {"due": "tomorrow"}}, "such as"),
        ({"defaults": {"due": "-1d"}}, "such as"),
        ({"defaults": {"due": "+1w"}}, "such as"),
        ({"defaults": {"due": 7}}, "such as"),
        ({"defaults": {"category": ""}}, "at least 1 character"),
        ({"defaults": {"category": 30}}, "valid string"),
        ({"defaults": {"status": "To do"}}, "not permitted"),
        ({"default": {}}, "not permitted"),
        ({"defaults": []}, "valid dictionary"),
    ],
)
def test_bad_options_are_refused_with_a_reason(options: Any, message: str) -> None:
    """Unknown keys and values that make no sense are refused in words."""
    with pytest.raises(ValidationError, match=message):
        manifest.options.model_validate(options)


async def findings(office: OnlyofficeConnector) -> dict[str, tuple[bool, str]]:
    found = await office.check()
    assert all(one.advice for one in found if not one.ok)
    return {one.subject: (one.ok, f"{one.message} {one.advice}") for one in found}


async def test_check_is_content_with_a_good_connection(connect: Make, says_open: Make) -> None:
    """Administrator, the portal's own zone, both defaults usable: nothing to do."""
    says_open()
    office = connect(options={"defaults": {"category": "call", "due": "+7d"}})
    await office.open()
    found = await findings(office)
    assert {subject: ok for subject, (ok, _) in found.items()} == dict.fromkeys(
        ["rights", "timezone", "defaults.category", "defaults.due"], True
    )
    assert "Europe/Moscow (the portal says so)" in found["timezone"][1]


async def test_check_says_what_to_do_about_each_lack(connect: Make, says_open: Make) -> None:
    """No administrator, a category that the portal lacks, no due day: each with advice."""
    says_open(user={"id": "u-1"}, settings=WINDOWS)
    office = connect(options={"defaults": {"category": "Lunch"}}, timezone=ZoneInfo("Europe/London"))
    await office.open()
    found = await findings(office)
    assert [ok for ok, _ in found.values()] == [False, True, False, False]
    assert "administrator" in found["rights"][1]
    assert "Europe/London (as configured" in found["timezone"][1]
    assert "'Lunch'" in found["defaults.category"][1]
    assert "Call, Deal, Meeting" in found["defaults.category"][1]
    assert "+7d" in found["defaults.due"][1]


async def test_check_offers_the_categories_when_none_is_chosen(connector: OnlyofficeConnector) -> None:
    """Without a default category the finding lists those of the portal."""
    ok, words = (await findings(connector))["defaults.category"]
    assert not ok
    assert "Call, Deal, Meeting" in words
