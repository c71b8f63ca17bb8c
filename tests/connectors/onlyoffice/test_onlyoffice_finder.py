"""Who works at the portal, and what is called how there, request by request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasksync.connectors.onlyoffice import OnlyofficeConnector
from tasksync.connectors.onlyoffice.client import MOST_PAGES, PAGE_ROWS
from tasksync.core.directory import Referent
from tasksync.errors import Misconnected, Refused, RetryLater, ServerFault

Make = Callable[..., Any]
CRM = "/api/2.0/crm"
PAGE = b"<!DOCTYPE html><html>not here</html>"
BOB = {"displayName": "Bob Ray", "isCompany": False, "id": 17}
LOOKED_FOR = {"count": "500", "startIndex": "0"}


def asked(http: Any) -> list[tuple[str, dict[str, str]]]:
    assert {sent.method for sent in http.sent} <= {"GET"}
    return [(sent.path, sent.params) for sent in http.sent]


def users(start: int, count: int) -> list[dict[str, Any]]:
    return [{"id": f"u-{number}", "displayName": f"User {number}"} for number in range(start, start + count)]


# --- people ---


async def test_people_are_listed_to_the_last_page(http: Any, connector: OnlyofficeConnector) -> None:
    """Page by page, by the rows received, until a page is not full."""
    http.says(users(0, 500), count=500, total=502)
    http.says([{"id": "U-500", "email": "last@example.org"}, {"id": "gone", "status": 2}], count=2, startIndex=500)
    found = await connector.people()
    assert [one.reference for one in found] == [f"office:person:u-{number}" for number in range(501)]
    assert found[-1].emails == ("last@example.org",)
    assert asked(http) == [("/api/2.0/people/filter", {"count": "500", "startIndex": start}) for start in ("0", "500")]


async def test_a_list_of_people_that_stands_still_is_given_up(http: Any, connector: OnlyofficeConnector) -> None:
    """The same page twice is a fault, whether ids are numbers or not."""
    http.says(users(0, 500), count=500)
    http.says(users(0, 500), count=500)
    with pytest.raises(ServerFault, match="startIndex"):
        await connector.people()


async def test_people_who_make_no_sense_are_a_fault(http: Any, connector: OnlyofficeConnector) -> None:
    """A list that cannot be understood is not taken for a short one."""
    http.says([{"displayName": "Nobody"}], count=1)
    with pytest.raises(ServerFault, match="people"):
        await connector.people()


# --- one by one ---


@pytest.mark.parametrize(
    ("reference", "payload", "expected"),
    [
        ("office:contact:17", BOB, Referent(reference="office:contact:17", name="Bob Ray")),
        (
            "office:opportunity:4",
            {"id": 4, "title": "Offer", "contact": BOB},
            Referent(reference="office:opportunity:4", name="Offer", parent="office:contact:17"),
        ),
        (
            "office:case:8",
            {"id": 8, "title": "Renewal 2026", "members": [BOB]},
            Referent(reference="office:case:8", name="Renewal 2026", parent="office:contact:17"),
        ),
    ],
)
async def test_what_a_task_is_linked_to_is_looked_up(
    http: Any, connector: OnlyofficeConnector, reference: str, payload: Any, expected: Referent
) -> None:
    """One request to the path of its type."""
    http.says(payload, count=1)
    assert await connector.look_up(reference) == expected
    _, type_, number = reference.split(":")
    assert asked(http) == [(f"{CRM}/{type_}/{number}", {})]


@pytest.mark.parametrize(("status", "message"), [(404, "Not found"), (403, "Access Denied")])
async def test_what_is_missing_or_hidden_is_nothing(
    http: Any, connector: OnlyofficeConnector, status: int, message: str
) -> None:
    """By the portal's own word a contact is not there, or none of our business."""
    http.says_error(status, message)
    assert await connector.look_up("office:contact:17") is None


@pytest.mark.parametrize(("status", "error"), [(404, ServerFault), (403, Refused), (200, ServerFault)])
async def test_a_page_says_nothing_of_a_contact(
    http: Any, connector: OnlyofficeConnector, status: int, error: type[Exception]
) -> None:
    """A proxy's page is no word of the portal, whatever its status."""
    http.says_raw(PAGE, status=status)
    with pytest.raises(error):
        await connector.look_up("office:contact:17")


async def test_a_case_that_makes_no_sense_is_a_fault(http: Any, connector: OnlyofficeConnector) -> None:
    """It is neither there nor gone."""
    http.says({"id": 8, "members": [17]}, count=1)
    with pytest.raises(ServerFault, match="case"):
        await connector.look_up("office:case:8")


@pytest.mark.parametrize(
    "reference", ["office:plan:1", "office:person:b1f5", "office:contact:x", "office:contact:0", "office:case:../1"]
)
async def test_what_the_portal_cannot_have_is_not_asked_for(
    http: Any, connector: OnlyofficeConnector, reference: str
) -> None:
    """Types that ONLYOFFICE does not have, and ids that are no numbers, cost no request."""
    assert await connector.look_up(reference) is None
    assert http.requests == 0


async def test_others_references_are_a_mistake(connector: OnlyofficeConnector) -> None:
    """Nobody is asked for a contact of another CRM."""
    with pytest.raises(ValueError, match="capsule:contact:17"):
        await connector.look_up("capsule:contact:17")


# --- searches ---


async def test_a_contact_is_looked_for_by_each_address_and_by_name(http: Any, connector: OnlyofficeConnector) -> None:
    """Each way may find some that another does not; what comes up twice is there once."""
    zoe = {"displayName": "Zoë", "commonData": [{"infoType": 1, "data": "b@home.test"}], "id": 22}
    http.says([BOB], count=1)
    http.says([zoe], count=1)
    http.says([BOB], count=1, total=1)
    wanted = Referent(reference="capsule:contact:7", name="Ray,  Bob", emails=("b@acme.test", " ", "b@home.test"))
    found = await connector.find(wanted)
    assert [(one.reference, one.emails) for one in found] == [
        ("office:contact:17", ()),
        ("office:contact:22", ("b@home.test",)),
    ]
    assert asked(http) == [
        (f"{CRM}/contact/bycontactinfo", {"infoType": "1", "data": "b@acme.test"}),
        (f"{CRM}/contact/bycontactinfo", {"infoType": "1", "data": "b@home.test"}),
        (f"{CRM}/contact/filter", {"filterValue": "Ray Bob", **LOOKED_FOR}),
    ]


@pytest.mark.parametrize(
    ("wanted", "asks"),
    [
        (Referent(reference="capsule:case:7", name="Renewal", parent="capsule:contact:7"), {"filterValue": "Renewal"}),
        (Referent(reference="capsule:case:7", name="Renewal"), {"filterValue": "Renewal"}),
        (Referent(reference="office:case:8", name="Renewal", parent="office:contact:17"), {"contactid": "17"}),
        (Referent(reference="office:case:8", name="Renewal"), {"filterValue": "Renewal"}),
    ],
)
@pytest.mark.parametrize("type_", ["case", "opportunity"])
async def test_a_case_is_looked_for_in_its_contact_if_that_is_known(
    http: Any, connector: OnlyofficeConnector, type_: str, wanted: Referent, asks: dict[str, str]
) -> None:
    """Within the contact of this portal, which no index delays, else by its name."""
    http.says([{"id": 9, "title": "Renewal"}], count=1)
    sought = Referent(reference=wanted.reference.replace("case", type_), name=wanted.name, parent=wanted.parent)
    assert await connector.find(sought) == [Referent(reference=f"office:{type_}:9", name="Renewal")]
    assert asked(http) == [(f"{CRM}/{type_}/filter", {**asks, **LOOKED_FOR})]


@pytest.mark.parametrize(
    "wanted",
    [
        Referent(reference="advisers:plan:7", name="Pension", parent="office:contact:17"),
        Referent(reference="advisers:employee:7", name="Ann Lee"),
        Referent(reference="capsule:contact:7"),
        Referent(reference="capsule:case:7", name=" , "),
    ],
)
async def test_what_cannot_be_found_is_not_looked_for(
    http: Any, connector: OnlyofficeConnector, wanted: Referent
) -> None:
    """Types that ONLYOFFICE does not have, and what is called nothing, cost no request."""
    assert await connector.find(wanted) == []
    assert http.requests == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Referent(reference="capsule:person:7", emails=("ANN@example.org",)), ["office:person:a"]),
        (Referent(reference="capsule:person:7", name="ann lee"), ["office:person:a", "office:person:b"]),
        (Referent(reference="capsule:person:7"), []),
    ],
)
async def test_a_person_is_found_by_address_and_name(
    http: Any, connector: OnlyofficeConnector, wanted: Referent, found: list[str]
) -> None:
    """Among all who work there; somebody without a name or address resembles nobody."""
    http.says(
        [
            {"id": "a", "displayName": "Ann Lee", "email": "ann@example.org"},
            {"id": "b", "displayName": "Ann Lee"},
            {"id": "c"},
        ],
        count=3,
    )
    assert [one.reference for one in await connector.find(wanted)] == found


async def test_too_many_to_tell_are_not_cut_off(http: Any, connector: OnlyofficeConnector) -> None:
    """A search that would have to be broken off finds nothing: the rest might hold a namesake."""
    for page in range(MOST_PAGES + 1):
        start = page * PAGE_ROWS
        rows = [{"id": number, "title": "Review"} for number in range(start + 1, start + PAGE_ROWS + 1)]
        http.says(rows, count=PAGE_ROWS)
    with pytest.raises(RetryLater, match=r"2000.*`links`"):
        await connector.find(Referent(reference="capsule:case:7", name="Review"))
    assert http.done


async def test_a_search_that_makes_no_sense_is_a_fault(http: Any, connector: OnlyofficeConnector) -> None:
    """One row that cannot be understood might be the namesake."""
    http.says([{"id": 9, "title": 7}], count=1)
    with pytest.raises(ServerFault, match="case"):
        await connector.find(Referent(reference="capsule:case:7", name="Review"))


async def test_a_search_that_is_not_there_is_a_wrong_url(http: Any, connector: OnlyofficeConnector) -> None:
    """A 404 to what every portal has is no empty result."""
    http.says_raw(PAGE, status=404)
    with pytest.raises(Misconnected, match="url"):
        await connector.find(Referent(reference="capsule:contact:7", emails=("b@acme.test",)))
