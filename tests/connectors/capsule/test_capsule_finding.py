"""`find` in both versions, against a scripted server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasksync.core.directory import Referent
from tasksync.errors import RetryLater, ServerFault
from tasksync.ports import Connector

BASE = "https://api.capsulecrm.com"
JO = Referent(reference="office:contact:5", name="Jo Marsh", emails=("jo@marsh.example",))
JO_HERE = Referent(reference="capsule:contact:302", name="Jo Marsh", emails=("jo@marsh.example",))
LAUNCH = Referent(reference="office:case:5", name="Spring launch", parent="office:contact:9")
PERSON = (
    "<person><id>302</id><contacts><email><emailAddress>jo@marsh.example</emailAddress></email></contacts>"
    "<firstName>Jo</firstName><lastName>Marsh</lastName></person>"
)
PARTY = {"id": 302, "firstName": "Jo", "lastName": "Marsh", "emailAddresses": [{"address": "jo@marsh.example"}]}


def person(number: int, name: str) -> str:
    return f"<person><id>{number}</id><contacts/><lastName>{name}</lastName></person>"


def kase(number: int, name: str, party: int = 302) -> str:
    return f"<kase><id>{number}</id><name>{name}</name><partyId>{party}</partyId></kase>"


def rows(root: str, *inside: str) -> str:
    return f'<{root} size="{len(inside)}">{"".join(inside)}</{root}>'


@pytest.fixture(params=["v1", "v2"])
def either(request: pytest.FixtureRequest) -> Connector:
    """An opened connection in each version."""
    found: Connector = request.getfixturevalue(request.param)
    return found


async def test_v1_finds_contacts_by_address_and_by_name(crm: Any, v1: Connector) -> None:
    """Each once; what the server finds for another reason is left out, what shares the name is not."""
    crm.expect("GET", "/api/party", rows("parties", PERSON))
    crm.expect("GET", "/api/party", rows("parties"))
    crm.expect("GET", "/api/party", rows("parties", PERSON, person(7, "Jo Marsh"), person(8, "Jo Marshall")))
    crm.expect("GET", "/api/party", rows("parties"))
    found = await v1.find(JO)
    assert list(found) == [JO_HERE, Referent(reference="capsule:contact:7", name="Jo Marsh")]
    assert [request.params[0] for request in crm.sent] == [("email", "jo@marsh.example")] * 2 + [("q", "Jo Marsh")] * 2
    assert crm.sent[3].params[1:] == (("start", "3"), ("limit", "100"))


async def test_v2_finds_contacts_by_address_and_by_name(crm: Any, v2: Connector) -> None:
    """The same search takes both."""
    namesake = {"id": 7, "firstName": "Jo", "lastName": "Marsh"}
    crm.expect("GET", "/api/v2/parties/search", {"parties": [PARTY]})
    crm.expect("GET", "/api/v2/parties/search", {"parties": [namesake, PARTY, {"id": 8, "name": "Marsh Ltd"}]})
    found = await v2.find(JO)
    assert list(found) == [JO_HERE, Referent(reference="capsule:contact:7", name="Jo Marsh")]
    paging = (("page", "1"), ("perPage", "100"))
    assert [request.params for request in crm.sent] == [
        (("q", "jo@marsh.example"), *paging),
        (("q", "Jo Marsh"), *paging),
    ]


async def test_v1_walks_through_cases_for_a_name(crm: Any, v1: Connector) -> None:
    """There is no search for them."""
    crm.expect("GET", "/api/kase", rows("kases", kase(17, "Spring launch"), kase(18, "Autumn launch")))
    crm.expect("GET", "/api/kase", rows("kases", kase(19, "spring  LAUNCH", party=303)))
    found = await v1.find(LAUNCH)
    assert [(one.reference, one.parent) for one in found] == [
        ("capsule:case:17", "capsule:contact:302"),
        ("capsule:case:19", "capsule:contact:303"),
    ]


async def test_v2_searches_opportunities_by_name(crm: Any, v2: Connector) -> None:
    """In their own table, page by page."""
    following = f"{BASE}/api/v2/opportunities/search?q=Refit&page=2"
    refit = {"id": 88, "name": "Refit", "party": {"id": 302}}
    more = {"link": f'<{following}>; rel="next"'}
    crm.expect("GET", "/api/v2/opportunities/search", {"opportunities": [refit]}, headers=more)
    crm.expect("GET", following, {"opportunities": [{**refit, "id": 89}, {**refit, "id": 90, "name": "Refit 2"}]})
    found = await v2.find(Referent(reference="office:opportunity:5", name="Refit", parent="office:contact:9"))
    assert [one.reference for one in found] == ["capsule:opportunity:88", "capsule:opportunity:89"]


async def test_v1_looks_within_an_own_contact(crm: Any, v1: Connector) -> None:
    """One request, for which no paging is documented."""
    crm.expect("GET", "/api/party/302/kase", rows("kases", kase(17, "Spring launch"), kase(18, "Other")))
    wanted = Referent(reference="capsule:case:17", name="Spring launch", parent="capsule:contact:302")
    assert list(await v1.find(wanted)) == [wanted]
    assert crm.sent[0].params == ()


async def test_v2_looks_within_an_own_contact(crm: Any, v2: Connector) -> None:
    """Page by page."""
    kases = [{"id": 17, "name": "Spring launch", "party": {"id": 302}}, {"id": 18, "name": "Other"}]
    crm.expect("GET", "/api/v2/parties/302/kases", {"kases": kases})
    wanted = Referent(reference="capsule:case:17", name="Spring launch", parent="capsule:contact:302")
    assert list(await v2.find(wanted)) == [wanted]


async def test_a_contact_that_is_gone_has_nothing(crm: Any, v1: Connector, v2: Connector) -> None:
    """It may have been deleted since it was looked up."""
    wanted = Referent(reference="capsule:case:17", name="Spring launch", parent="capsule:contact:302")
    crm.expect("GET", "/api/party/302/kase", status=404)
    crm.expect("GET", "/api/v2/parties/302/kases", status=404)
    assert list(await v1.find(wanted)) == []
    assert list(await v2.find(wanted)) == []


async def test_of_too_much_v1_tells_nothing(crm: Any, v1: Connector) -> None:
    """Whether a name is there but once cannot be told from the first few pages."""
    for page in range(4):
        crm.expect("GET", "/api/kase", rows("kases", kase(page, "Spring launch")))
    with pytest.raises(RetryLater, match="under `links`"):
        await v1.find(LAUNCH)


async def test_of_too_much_without_an_address_v2_tells_nothing(crm: Any, v2: Connector) -> None:
    """A contact without an address has only its name to go by."""
    namesake = {"id": 7, "firstName": "Jo", "lastName": "Marsh"}
    address = "/api/v2/parties/search"
    for page in range(4):
        following = f"{BASE}/api/v2/parties/search?page={page + 2}"
        crm.expect("GET", address, {"parties": [namesake]}, headers={"link": f'<{following}>; rel="next"'})
        address = following
    with pytest.raises(RetryLater, match="under `links`"):
        await v2.find(replace(JO, emails=()))


async def test_of_too_much_v2_finds_what_an_address_leads_to(crm: Any, v2: Connector) -> None:
    """An address is certain whatever the name; the name is not when there is too much of it."""
    crm.expect("GET", "/api/v2/parties/search", {"parties": [PARTY]})
    namesake = {"id": 7, "firstName": "Jo", "lastName": "Marsh"}
    address = "/api/v2/parties/search"
    for page in range(4):
        following = f"{BASE}/api/v2/parties/search?page={page + 2}"
        crm.expect("GET", address, {"parties": [namesake]}, headers={"link": f'<{following}>; rel="next"'})
        address = following
    assert list(await v2.find(JO)) == [JO_HERE]


async def test_people_are_found_among_people(crm: Any, v2: Connector) -> None:
    """By address or name, like all others."""
    users = [{"id": 77, "name": "A Singh", "party": PARTY}, {"id": 78, "name": "B Osei"}]
    crm.expect("GET", "/api/v2/users", {"users": users})
    found = await v2.find(Referent(reference="office:person:1", name="Jo Marsh", emails=("JO@marsh.example",)))
    assert [one.reference for one in found] == ["capsule:person:77"]


@pytest.mark.parametrize(
    "wanted",
    [
        Referent(reference="advisers:plan:1", name="ISA"),
        Referent(reference="office:contact:1", name=" "),
        Referent(reference="office:case:1", name=""),
    ],
)
async def test_what_capsule_does_not_have_is_not_looked_for(crm: Any, either: Connector, wanted: Referent) -> None:
    """A type that has no place here, and what has neither name nor address."""
    assert list(await either.find(wanted)) == []
    assert crm.requests == 0


async def test_a_damaged_answer_is_a_fault(crm: Any, v1: Connector, v2: Connector) -> None:
    """It is not taken for there being nothing."""
    crm.expect("GET", "/api/kase", "<kases><kase><id>x</id></kase></kases>")
    crm.expect("GET", "/api/v2/kases/search", {"kases": [None]})
    for connector in (v1, v2):
        with pytest.raises(ServerFault, match="cannot be understood"):
            await connector.find(LAUNCH)


async def test_a_list_of_something_else_is_a_fault(crm: Any, v1: Connector, v2: Connector) -> None:
    """The root and the key are those of what was asked for."""
    crm.expect("GET", "/api/kase", rows("parties"))
    crm.expect("GET", "/api/v2/kases/search", {"parties": []})
    for connector, words in ((v1, "<parties> in place of <kases>"), (v2, "no list of kases")):
        with pytest.raises(ServerFault, match=words):
            await connector.find(LAUNCH)


def test_lenses_know_what_they_are_told(either: Connector) -> None:
    """Without a counterpart for it, a reference of another connection has no form here."""
    own = either.lenses("task")
    told = either.lenses("task", {"office:case:5": "capsule:case:17"}.get)
    assert own["links"].lacks(("office:case:5",)) == ("office:case:5",)
    assert own["links"].get(("capsule:case:17",)) == ("capsule:case:17",)
    assert told["links"].get(("office:case:5",)) == ("capsule:case:17",)
