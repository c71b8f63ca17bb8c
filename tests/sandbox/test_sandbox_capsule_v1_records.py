"""Users, parties, opportunities and cases of the simulated Capsule over XML (protocols/capsule.md 2.2, 2.3, 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tasksync.sandbox.world import World


async def _get(v1: httpx.AsyncClient, path: str, **params: Any) -> Element:
    response = await v1.get(path, params=params)
    assert response.status_code == 200, response.text
    root: Element = fromstring(response.content)
    return root


async def _ids(v1: httpx.AsyncClient, path: str, **params: Any) -> Sequence[str | None]:
    root = await _get(v1, path, **params)
    assert root.get("size") == str(len(root))
    return [one.findtext("id") for one in root]


def _task(world: World, **fields: Any) -> str:
    return world.capsule.add(**{"title": "x", "due": date(2026, 6, 10)} | fields)


async def test_users_lead_to_their_parties(world: World, v1: httpx.AsyncClient) -> None:
    """There is no e-mail but that of the party, which may be missing."""
    world.capsule.shelf("person").add(name="Nora Hale")
    users = await _get(v1, "/users")
    assert [user.findtext("partyId") for user in users] == ["300", "301", None]
    assert all(user.find("email") is None for user in users)
    party = await _get(v1, "/party/301")
    assert party.findtext("contacts/email/emailAddress") == "ben.osei@example.org"


async def test_the_root_tells_a_person_from_an_organisation(world: World, v1: httpx.AsyncClient) -> None:
    """Both have an empty container where there is nothing to reach them by."""
    person = world.capsule.shelf("contact").add(name="Jo Fair", organisation="311")
    text = (await v1.get(f"/party/{person}", headers={"Accept": "application/xml"})).text
    assert text == (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<person><id>{person}</id><contacts/><firstName>Jo</firstName><lastName>Fair</lastName>"
        "<organisationId>311</organisationId><organisationName>Fairfield Joinery Ltd</organisationName>"
        "<createdOn>2026-06-04T07:15:00Z</createdOn><updatedOn>2026-06-04T07:15:00Z</updatedOn></person>"
    )
    organisation = await _get(v1, "/party/311")
    assert (organisation.tag, organisation.findtext("name")) == ("organisation", "Fairfield Joinery Ltd")
    assert (await v1.get("/party/1")).status_code == 404


async def test_opportunity(v1: httpx.AsyncClient) -> None:
    """Name, party and milestone."""
    root = await _get(v1, "/opportunity/88")
    assert [root.findtext(name) for name in ("name", "partyId", "milestone")] == ["Ångström ISA", "305", "New"]
    assert (await v1.get("/opportunity/1")).status_code == 404
    assert await _ids(v1, "/opportunity") == ["88"]


async def test_opportunities_of_a_party(world: World, v1: httpx.AsyncClient) -> None:
    """Only its own, and none of a party that is not there."""
    number = world.capsule.shelf("opportunity").add(name="Loan", links={"contact": "311"})
    assert await _ids(v1, "/party/311/opportunity") == [number]
    assert await _ids(v1, "/party/302/opportunity") == []
    assert (await v1.get("/party/1/opportunity")).status_code == 404


async def test_parties_by_name_and_by_address(world: World, v1: httpx.AsyncClient) -> None:
    """All words of `q` have to be in the name, and `email` is the whole address."""
    world.capsule.shelf("contact").add(name="Owen Bell", email="owen@bell.example")
    assert await _ids(v1, "/party", q="PRICE owen") == ["302"]
    assert len(await _ids(v1, "/party", q="owen", limit=5)) == 2
    assert await _ids(v1, "/party", q="owen", start=1) == [world.capsule.shelf("contact").all()[-1]["id"]]
    assert await _ids(v1, "/party", email="Zoe@example.org") == ["305"]
    assert await _ids(v1, "/party", email="example.org") == []
    assert await _ids(v1, "/party", q="owen", email="owen.price@example.org") == ["302"]


async def test_lists_since_a_time(world: World, v1: httpx.AsyncClient, clock: Any) -> None:
    """`lastmodified` has no punctuation and is UTC; `start` and `limit` cut the list."""
    clock.forward(seconds=10)
    world.capsule.shelf("contact").edit("302", email="owen@price.example")
    assert await _ids(v1, "/party") == ["300", "301", "302", "305", "311"]
    assert await _ids(v1, "/party", start=1, limit=2) == ["301", "302"]
    assert await _ids(v1, "/party", lastmodified="20260604T071510") == ["302"]
    assert await _ids(v1, "/kase", lastmodified="20260604T071510") == []
    for wrong in ("2026-06-04T07:15:10Z", "20261304T071510"):
        assert (await v1.get("/kase", params={"lastmodified": wrong})).status_code == 400


async def test_exact_xml_of_a_case(world: World, v1: httpx.AsyncClient) -> None:
    """Its day of closing only when it is closed."""
    world.capsule.shelf("case").edit("640", body="By post & phone", modified="2026-02-01T00:00:00Z")
    text = (await v1.get("/kase/640")).text
    assert text.endswith(
        "<kase><id>640</id><status>OPEN</status><name>Price pension transfer</name>"
        "<description>By post &amp; phone</description><partyId>302</partyId><owner>sandbox</owner>"
        "<createdOn>2026-01-15T10:00:00Z</createdOn><updatedOn>2026-02-01T00:00:00Z</updatedOn></kase>"
    )
    world.capsule.shelf("case").edit("640", done=True)
    assert (await _get(v1, "/kase/640")).findtext("closeDate") == "2026-06-04T00:00:00Z"


async def test_create_for_a_party(world: World, v1: httpx.AsyncClient) -> None:
    """201, no body, and a Location that is not below the party."""
    body = "<kase><name>Refit</name><description>By May</description><owner>b.osei</owner></kase>"
    response = await v1.post("/party/311/kase", content=body)
    assert (response.status_code, response.content) == (201, b"")
    number = response.headers["location"].rsplit("/", 1)[1]
    assert response.headers["location"] == f"http://crm.example/capsule/api/kase/{number}"
    kase = world.capsule.shelf("case").one(number)
    assert (kase["title"], kase["body"], kase["done"], kase["assignees"]) == ("Refit", "By May", False, ["78"])
    assert kase["links"] == {"contact": "311"}
    assert await _ids(v1, "/party/311/kase") == [number]
    assert await _ids(v1, "/kase") == ["640", number]
    assert await _ids(v1, "/kase", tag="vip") == []


async def test_partial_update(world: World, v1: httpx.AsyncClient, clock: Any) -> None:
    """Only what is sent changes, an empty element clears, the party is read-only, and the answer is empty."""
    world.capsule.shelf("case").edit("640", body="text")
    clock.forward(seconds=5)
    sent = "<kase><name>Price SIPP</name><description/><partyId>311</partyId><closeDate>2026-01-01</closeDate></kase>"
    response = await v1.put("/kase/640", content=sent)
    assert (response.status_code, response.content) == (200, b"")
    kase = world.capsule.shelf("case").one("640")
    assert (kase["title"], kase["body"], kase["done"]) == ("Price SIPP", "", False)
    assert (kase["links"], kase["modified"]) == ({"contact": "302"}, clock.now())
    clock.forward(seconds=5)
    await v1.put("/kase/640", content="<kase><closeDate>2026-01-01T00:00:00Z</closeDate></kase>")
    assert world.capsule.shelf("case").one("640")["modified"] == kase["modified"]


async def test_close_with_a_day_and_reopen(world: World, v1: httpx.AsyncClient) -> None:
    """By the status; the day may be given, and open tasks of the case are not listed meanwhile."""
    task = _task(world, links={"case": "640"})
    sent = "<kase><status>CLOSED</status><closeDate>2026-05-01T00:00:00Z</closeDate></kase>"
    await v1.put("/kase/640", content=sent)
    assert (await _get(v1, "/kase/640")).findtext("closeDate") == "2026-05-01T00:00:00Z"
    assert (await _get(v1, f"/task/{task}")).findtext("status") == "PENDING"
    assert await _ids(v1, "/tasks") == []
    await v1.put("/kase/640", content="<kase><status>OPEN</status></kase>")
    assert (await _get(v1, "/kase/640")).find("closeDate") is None
    assert await _ids(v1, "/tasks") == [task]


async def test_move_to_another_party(world: World, v1: httpx.AsyncClient) -> None:
    """By a path below it."""
    assert (await v1.put("/party/311/kase/640", content="<kase></kase>")).status_code == 200
    assert world.capsule.shelf("case").one("640")["links"] == {"contact": "311"}
    assert (await v1.put("/party/1/kase/640", content="<kase></kase>")).status_code == 404


async def test_delete(world: World, v1: httpx.AsyncClient) -> None:
    """200, then 404; the tasks are gone as well, and only the case leaves a trace."""
    task = _task(world, links={"case": "640"})
    assert (await v1.delete("/kase/640")).status_code == 200
    assert (await v1.delete("/kase/640")).status_code == (await v1.get(f"/task/{task}")).status_code == 404
    (gone,) = await _get(v1, "/kase/deleted", since="20260604T000000")
    assert (gone.tag, gone.findtext("id"), gone.findtext("deletedDate")) == (
        "deletedKase",
        "640",
        "2026-06-04T07:15:00Z",
    )
    assert await _ids(v1, "/opportunity/deleted", since="20260604T000000") == []
    assert (await _get(v1, "/party/deleted", since="20260604T000000")).tag == "deletedParties"
    assert (await v1.get("/kase/deleted")).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/party/311/kase", "<kase><description>x</description></kase>", 400),
        ("POST", "/party/1/kase", "<kase><name>x</name></kase>", 404),
        ("POST", "/kase", "<kase><name>x</name></kase>", 405),
        ("PUT", "/kase/1", "<kase><name>x</name></kase>", 404),
        ("PUT", "/kase/640", "<kase><name> </name></kase>", 400),
        ("PUT", "/kase/640", "<kase><owner>nobody</owner></kase>", 400),
        ("PUT", "/kase/640", "<kase><status>DONE</status></kase>", 400),
        ("PUT", "/kase/640", "<kase><closeDate>soon</closeDate></kase>", 400),
        ("PUT", "/kase/640", "<task><name>x</name></task>", 400),
        ("GET", "/kase/1", "", 404),
    ],
)
async def test_refusals(world: World, v1: httpx.AsyncClient, method: str, path: str, body: str, status: int) -> None:
    """A page of HTML, and nothing is stored."""
    before = world.capsule.shelf("case").all()
    response = await v1.request(method, path, content=body)
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (status, "text/html")
    assert world.capsule.shelf("case").all() == before


async def test_the_link_of_a_task_is_fixed_for_good(world: World, v1: httpx.AsyncClient) -> None:
    """It comes from the path of its creation; a PUT that names another, or none, is taken and changes nothing."""
    made = await v1.post(
        "/kase/640/task", content="<task><description>x</description><dueDate>2026-06-10</dueDate></task>"
    )
    number = made.headers["location"].rsplit("/", 1)[1]
    for sent in ("<task><partyId>302</partyId><caseId>641</caseId></task>", "<task><caseId/><caseName/></task>"):
        assert (await v1.put(f"/task/{number}", content=sent)).status_code == 200
    assert world.capsule.task(number)["links"] == {"case": "640"}
    task = await _get(v1, f"/task/{number}")
    assert (task.findtext("caseId"), task.findtext("caseName"), task.find("partyId")) == (
        "640",
        "Price pension transfer",
        None,
    )
    for path in (f"/kase/640/task/{number}", f"/party/302/task/{number}"):
        assert (await v1.put(path, content="<task><description>y</description></task>")).status_code == 404


async def test_the_owner_is_a_user_name(world: World, v1: httpx.AsyncClient) -> None:
    """Which an administrator may change under a client's feet; a removed user's name is refused."""
    number = _task(world)
    assert (await v1.put(f"/task/{number}", content="<task><owner>b.osei</owner></task>")).status_code == 200
    assert world.capsule.task(number)["assignees"] == ["78"]
    world.capsule.shelf("person").edit("78", username="ben")
    assert (await _get(v1, f"/task/{number}")).findtext("owner") == "ben"
    world.capsule.shelf("person").remove("78")
    assert (await v1.put(f"/task/{number}", content="<task><owner>ben</owner></task>")).status_code == 400
    assert (await _get(v1, f"/task/{number}")).findtext("owner") == "ben"
