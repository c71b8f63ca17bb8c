"""People and `look_up` in both versions, against a scripted server."""

from __future__ import annotations

from typing import Any

import pytest

from tasksync.core.directory import Referent
from tasksync.errors import Misconnected, NeedsLogin, ServerFault
from tasksync.ports import Connector

JO = Referent(reference="capsule:contact:302", name="Jo Marsh", emails=("jo@marsh.example",))
PERSON = (
    "<person><id>302</id><contacts><email><emailAddress>jo@marsh.example</emailAddress></email></contacts>"
    "<firstName>Jo</firstName><lastName>Marsh</lastName></person>"
)
PARTY = {"id": 302, "firstName": "Jo", "lastName": "Marsh", "emailAddresses": [{"address": "jo@marsh.example"}]}
KASE = "<kase><id>17</id><name>Spring launch</name><partyId>302</partyId></kase>"


@pytest.fixture(params=["v1", "v2"])
def either(request: pytest.FixtureRequest) -> Connector:
    """An opened connection in each version."""
    found: Connector = request.getfixturevalue(request.param)
    return found


# --- people ---


async def test_v1_people_have_the_addresses_of_their_parties(crm: Any, v1: Connector) -> None:
    """A party is asked for where there is one; one that is gone, or hidden from this user, has no address."""
    users = "".join(
        f"<user><username>u{number}</username>{party}</user>"
        for number, party in enumerate(["", *(f"<partyId>{number}</partyId>" for number in (301, 302, 303))])
    )
    crm.expect("GET", "/api/users", f"<users>{users}</users>")
    crm.expect("GET", "/api/party/301", status=404)
    crm.expect("GET", "/api/party/302", PERSON)
    crm.expect("GET", "/api/party/303", status=403)
    assert list(await v1.people()) == [
        Referent(reference="capsule:person:u0", name="u0"),
        Referent(reference="capsule:person:u1", name="u1"),
        Referent(reference="capsule:person:u2", name="u2", emails=("jo@marsh.example",)),
        Referent(reference="capsule:person:u3", name="u3"),
    ]


async def test_v2_people_come_with_their_parties(crm: Any, v2: Connector) -> None:
    """One request, with the parties embedded."""
    crm.expect("GET", "/api/v2/users", {"users": [{"id": 77, "name": "A Singh", "party": PARTY}]})
    assert list(await v2.people()) == [
        Referent(reference="capsule:person:77", name="A Singh", emails=("jo@marsh.example",))
    ]
    assert crm.sent[0].params == (("embed", "party"),)


async def test_a_list_of_people_that_is_not_understood_is_a_fault(crm: Any, v1: Connector, v2: Connector) -> None:
    """Nobody is left out of it in silence."""
    crm.expect("GET", "/api/users", "<users><user/></users>")
    crm.expect("GET", "/api/v2/users", {"users": [None]})
    for connector in (v1, v2):
        with pytest.raises(ServerFault, match="cannot be understood"):
            await connector.people()


# --- look_up ---


@pytest.mark.parametrize(
    ("reference", "path", "answer", "found"),
    [
        ("capsule:contact:302", "/api/party/302", PERSON, JO),
        (
            "capsule:opportunity:88",
            "/api/opportunity/88",
            "<opportunity><id>88</id><name>Refit</name><partyId>302</partyId></opportunity>",
            Referent(reference="capsule:opportunity:88", name="Refit", parent="capsule:contact:302"),
        ),
        (
            "capsule:case:17",
            "/api/kase/17",
            KASE,
            Referent(reference="capsule:case:17", name="Spring launch", parent="capsule:contact:302"),
        ),
    ],
)
async def test_v1_looks_up(crm: Any, v1: Connector, reference: str, path: str, answer: str, found: Referent) -> None:
    """Each type in its own table."""
    crm.expect("GET", path, answer)
    assert await v1.look_up(reference) == found


@pytest.mark.parametrize(
    ("reference", "path", "answer", "found"),
    [
        ("capsule:contact:302", "/api/v2/parties/302", {"party": PARTY}, JO),
        (
            "capsule:opportunity:88",
            "/api/v2/opportunities/88",
            {"opportunity": {"id": 88, "name": "Refit", "party": {"id": 302}}},
            Referent(reference="capsule:opportunity:88", name="Refit", parent="capsule:contact:302"),
        ),
        (
            "capsule:case:640",
            "/api/v2/kases/640",
            {"kase": {"id": 640, "name": "Refit", "party": {"id": 302}}},
            Referent(reference="capsule:case:640", name="Refit", parent="capsule:contact:302"),
        ),
    ],
)
async def test_v2_looks_up(crm: Any, v2: Connector, reference: str, path: str, answer: Any, found: Referent) -> None:
    """Each type in its own table."""
    crm.expect("GET", path, answer)
    assert await v2.look_up(reference) == found


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_what_is_gone_or_hidden_is_not_known(crm: Any, v1: Connector, v2: Connector, status: int) -> None:
    """Either way there is nothing to find a counterpart for."""
    crm.expect("GET", "/api/party/302", status=status)
    crm.expect("GET", "/api/v2/parties/302", status=status)
    assert await v1.look_up("capsule:contact:302") is None
    assert await v2.look_up("capsule:contact:302") is None


@pytest.mark.parametrize("reference", ["capsule:plan:1", "capsule:person:77", "capsule:contact:Jo", "capsule:case:1,2"])
async def test_what_capsule_cannot_have_is_not_asked_for(crm: Any, either: Connector, reference: str) -> None:
    """A type without a table, or an id that is no number."""
    assert await either.look_up(reference) is None
    assert crm.requests == 0


async def test_references_of_others_cannot_be_looked_up(either: Connector) -> None:
    """Asking for one is a fault of the program."""
    with pytest.raises(ValueError, match="not of connection capsule"):
        await either.look_up("office:contact:302")


async def test_an_answer_about_something_else_is_a_fault(crm: Any, v1: Connector, v2: Connector) -> None:
    """It must not be taken for what was asked for."""
    crm.expect("GET", "/api/party/303", PERSON)
    crm.expect("GET", "/api/v2/parties/303", {"party": PARTY})
    for connector in (v1, v2):
        with pytest.raises(ServerFault, match="asked for capsule:contact:303 and answered with capsule:contact:302"):
            await connector.look_up("capsule:contact:303")


@pytest.mark.parametrize(("status", "error"), [(401, NeedsLogin), (400, Misconnected), (500, ServerFault)])
async def test_a_failed_look_up_is_an_error(
    crm: Any, v1: Connector, v2: Connector, status: int, error: type[Exception]
) -> None:
    """It says nothing of what was asked for."""
    crm.expect("GET", "/api/kase/1", status=status)
    crm.expect("GET", "/api/v2/kases/1", status=status)
    for connector in (v1, v2):
        with pytest.raises(error):
            await connector.look_up("capsule:case:1")
