"""What both versions share: manifest and options, the dial, defaults, the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tasksync.connectors.capsule import manifest
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.lens import KEEP
from tasksync.errors import ConfigError
from tasksync.ports import Connector, RateLimit

BOTH = pytest.mark.parametrize("api", ["v1", "v2"])


@pytest.fixture(params=["v1", "v2"])
def connector(request: pytest.FixtureRequest) -> Connector:
    """An opened connection in each version; its default category is written in another case than the account's."""
    found: Connector = request.getfixturevalue(request.param)
    return found


def test_v2_is_the_default() -> None:
    """An empty stanza is a valid one."""
    options = manifest.options.model_validate({})
    assert options.model_dump() == {"api": "v2", "defaults": {"category": None, "due": None}}


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"api": "v3"}, ("api",), "'v1' or 'v2'"),
        ({"api": 1}, ("api",), "'v1' or 'v2'"),
        ({"subdomain": "acme"}, ("subdomain",), "not permitted"),
        ({"defaults": {"due": "7d"}}, ("defaults", "due"), "such as [+]7d"),
        ({"defaults": {"due": "+1w"}}, ("defaults", "due"), "such as [+]7d"),
        ({"defaults": {"due": "+\u0667d"}}, ("defaults", "due"), "such as [+]7d"),
        ({"defaults": {"due": 7}}, ("defaults", "due"), "such as [+]7d"),
        ({"defaults": {"category": ""}}, ("defaults", "category"), "at least 1 character"),
        ({"defaults": {"category": ["Call"]}}, ("defaults", "category"), "valid string"),
        ({"defaults": {"status": "To do"}}, ("defaults", "status"), "not permitted"),
        ({"defaults": "Call"}, ("defaults",), "valid dictionary"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], key: tuple[str, ...], words: str) -> None:
    """Each wrong value is one error at its key, in plain words."""
    with pytest.raises(ValidationError, match=words) as caught:
        manifest.options.model_validate(options)
    assert [error["loc"] for error in caught.value.errors()] == [key]


def test_v1_signs_in_with_the_token_as_user(connect: Callable[..., Connector], dial: Any) -> None:
    """Basic auth, XML, the hourly quota; token and header value are both secret."""
    connect(api="v1")
    assert dial.arguments == {
        "connection": "capsule",
        "base_url": "https://acme.capsulecrm.com",
        "limit": RateLimit(requests=4000, per_s=3600, by_quota=True),
        "expects": "xml",
        "headers": {"Authorization": "Basic dDBrZW46eA==", "Accept": "application/xml"},
        "secrets": ("t0ken", "dDBrZW46eA=="),
    }


def test_v2_signs_in_with_a_bearer_token(connect: Callable[..., Connector], dial: Any) -> None:
    """JSON, the hourly quota; the token is secret."""
    connect()
    assert dial.arguments["headers"] == {"Authorization": "Bearer t0ken", "Accept": "application/json"}
    assert (dial.arguments["expects"], dial.arguments["secrets"]) == ("json", ("t0ken",))
    assert dial.arguments["limit"] == RateLimit(requests=4000, per_s=3600, by_quota=True)


def test_a_connection_needs_a_token(dial: Any) -> None:
    """And the manifest says so to the config."""
    settings = ConnectionSettings(name="capsule", type="capsule", url="https://api.capsulecrm.com")
    assert frozenset({"token"}) in manifest.credentials
    with pytest.raises(ConfigError, match="needs a token"):
        manifest.build(settings, dial)
    with pytest.raises(ConfigError, match="not those of Capsule"):
        manifest.build(replace(settings, token="t", options=object()), dial)


@BOTH
async def test_the_identity_does_not_depend_on_how_the_url_is_written(
    crm: Any, connect: Callable[..., Connector], api: str
) -> None:
    """Case, a closing slash and a user in the url make no other account; the path does."""
    identities = set()
    for url in ("http://127.0.0.1:8800/capsule", "http://u@127.0.0.1:8800/capsule/", "HTTP://127.0.0.1:8800/capsule"):
        connector = connect(api=api, url=url, timezone="Europe/London")
        if api == "v1":
            crm.expect(
                "GET",
                "/api/users",
                "<users><user><id>7</id><username>a</username><loggedIn>true</loggedIn></user></users>",
            )
            crm.expect("GET", "/api/task/categories", "<taskCategories/>")
        else:
            crm.expect("GET", "/api/v2/users/current", {"user": {"id": 7}})
            crm.expect("GET", "/api/v2/categories", {"categories": []})
        identities.add((await connector.open()).identity)
    assert identities == {"127.0.0.1:8800/capsule 7"}


def test_tasks_and_cases_have_lenses(connector: Connector) -> None:
    """And no other kind has; only tasks have fields with defaults."""
    assert connector.lenses("plan") == {}
    assert connector.defaults("case", datetime(2025, 6, 2, tzinfo=UTC)) == {}
    assert set(connector.lenses("case")) == {"title", "closed", "members"}
    assert set(connector.lenses("task")) == {"title", "body", "due", "done", "category", "assignees", "links"}


async def test_other_kinds_cannot_be_read_or_written(connector: Connector) -> None:
    """Asking for one is a fault of the program."""
    with pytest.raises(ValueError, match="no kind 'plan'"):
        await connector.read("plan", "1")
    with pytest.raises(ValueError, match="no kind 'plan'"):
        async for _ in connector.poll("plan"):
            pass


def test_what_a_create_needs(connector: Connector) -> None:
    """A title and a due date have no form when they are missing; all other fields do."""
    lenses = connector.lenses("task")
    assert {name for name, lens in lenses.items() if lens.required} == {"title", "due"}
    assert lenses["title"].get("") is KEEP
    assert lenses["due"].get(None) is KEEP
    assert lenses["category"].get(None) is None
    assert lenses["category"].get("Lunch") is KEEP


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2025, 6, 2, 22, 59, tzinfo=UTC), date(2025, 6, 9)),
        (datetime(2025, 6, 2, 23, 1, tzinfo=UTC), date(2025, 6, 10)),
        (datetime(2025, 10, 25, 22, 59, tzinfo=UTC), date(2025, 11, 1)),
    ],
)
def test_defaults_are_remote_forms(connector: Connector, now: datetime, due: date) -> None:
    """The category in the account's spelling, the token's user, and an all-day date counted from today in London."""
    values = connector.defaults("task", now)
    assert values["due"] == due
    assert values["category"] in {"Send", "Call"}
    assert values["assignees"] in {("capsule:person:77",), ("capsule:person:a.singh",)}
    lenses = connector.lenses("task")
    assert {name: lenses[name].get(value) for name, value in values.items()} == values


@BOTH
def test_without_defaults_there_are_none(connect: Callable[..., Connector], api: str) -> None:
    """Nor is a category that the account does not have made up."""
    now = datetime(2025, 6, 2, tzinfo=UTC)
    assert connect(api=api).defaults("task", now) == {}
    assert connect(api=api, defaults={"category": "Lunch"}).defaults("task", now) == {}


async def test_check_finds_nothing_wrong(connector: Connector) -> None:
    """Zone, category and due date, each with what was found."""
    findings = await connector.check()
    assert [(finding.subject, finding.ok) for finding in findings] == [
        ("time zone", True),
        ("default category", True),
        ("default due date", True),
    ]
    assert findings[0].message == "Europe/London, told by Capsule."


@BOTH
async def test_check_says_what_to_do(crm: Any, connect: Callable[..., Connector], api: str) -> None:
    """Each failure comes with advice."""
    connector = connect(api=api, defaults={"category": "Lunch"})
    if api == "v1":
        crm.expect(
            "GET",
            "/api/users",
            "<users><user><username>a</username><timezone>Mars</timezone><loggedIn>true</loggedIn></user></users>",
        )
        crm.expect("GET", "/api/task/categories", "<taskCategories><taskCategory>Call</taskCategory></taskCategories>")
    else:
        crm.expect("GET", "/api/v2/users/current", {"user": {"id": 7}})
        crm.expect("GET", "/api/v2/categories", {"categories": [{"id": 1, "name": "Call"}]})
        crm.expect("GET", "/api/v2/users", {"users": []})
    assert (await connector.open()).zone == "UTC"
    findings = await connector.check()
    assert [finding.ok for finding in findings] == [False, False, False]
    assert "`timezone` of connection capsule" in findings[0].advice
    assert "one of: Call" in findings[1].advice
    assert "{due: +7d}" in findings[2].advice


@BOTH
async def test_check_takes_a_configured_zone_and_no_category(connect: Callable[..., Connector], api: str) -> None:
    """Capsule needs no category, and the config may know the zone better."""
    findings = await connect(api=api, timezone="Europe/Paris", defaults={"due": "+0d"}).check()
    assert [finding.ok for finding in findings] == [True, True, True]
    assert findings[0].message == "Europe/Paris, configured."


async def test_close_gives_the_sockets_back(crm: Any, connector: Connector) -> None:
    """And the connection tells requests and clock difference from its http."""
    await connector.close()
    assert crm.closed
    assert connector.clock_difference == crm.clock_difference


def test_a_category_that_the_config_calls_otherwise(connector: Connector) -> None:
    """What the config says a category is called here is shown for it, in both versions."""
    assert connector.lenses("task")["category"].get("Phone Call") == "Call"
