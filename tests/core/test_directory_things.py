"""Which contact, opportunity or case of one CRM is which of another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tasksync.core.directory import Referent, counterpart_among


def acme(id_: str, *emails: str, name: str = "Acme") -> Referent:
    connection, number = id_.split()
    return Referent(reference=f"{connection}:contact:{number}", name=name, emails=emails)


INFO = "info@acme.example"


@pytest.mark.parametrize(
    ("referent", "namesakes", "candidates", "expected"),
    [
        # by address
        pytest.param(acme("a 1", INFO), [], [acme("b 1", INFO.upper(), name="ACME Ltd")], "b 1", id="the same address"),
        pytest.param(
            acme("a 1", INFO), [], [acme("b 1", INFO), acme("b 2", name="Acme")], "b 1", id="an address before a name"
        ),
        pytest.param(acme("a 1", INFO), [], [acme("b 1", INFO), acme("b 2", INFO)], None, id="two there have it"),
        pytest.param(
            acme("a 1", INFO), [acme("a 2", INFO, name="Bolt")], [acme("b 1", INFO)], None, id="two here have it"
        ),
        pytest.param(acme("a 1", INFO), [acme("a 1", INFO)], [acme("b 1", INFO)], "b 1", id="it is no rival of itself"),
        pytest.param(
            acme("a 1", INFO, "x@acme.example"),
            [acme("a 2", INFO)],
            [acme("b 1", "x@acme.example"), acme("b 2", INFO)],
            "b 1",
            id="the address that nobody else has",
        ),
        pytest.param(
            acme("a 1", INFO, "x@acme.example"),
            [],
            [acme("b 1", "x@acme.example", name="Bolt"), acme("b 2", INFO, name="Cold")],
            None,
            id="two addresses, two contacts",
        ),
        pytest.param(acme("a 1", " "), [], [acme("b 1", "", name="Bolt")], None, id="a blank address is none"),
        # by name
        pytest.param(acme("a 1"), [], [acme("b 1", name=" acme")], "b 1", id="the same name, no addresses"),
        pytest.param(acme("a 1", INFO), [], [acme("b 1")], "b 1", id="an address here only"),
        pytest.param(acme("a 1"), [], [acme("b 1", INFO)], "b 1", id="an address there only"),
        pytest.param(acme("a 1", " "), [], [acme("b 1", INFO)], "b 1", id="a blank address here"),
        pytest.param(acme("a 1", INFO), [], [acme("b 1", "sales@acme.example")], None, id="other addresses"),
        pytest.param(acme("a 1"), [], [acme("b 1", name="Acme Ltd")], None, id="a longer name"),
        pytest.param(acme("a 1"), [], [acme("b 1"), acme("b 2")], None, id="two there are called so"),
        pytest.param(
            acme("a 1", INFO), [], [acme("b 1"), acme("b 2", "x@acme.example")], None, id="also one with an address"
        ),
        pytest.param(acme("a 1"), [acme("a 2", INFO, name="ACME")], [acme("b 1")], None, id="two here are called so"),
        pytest.param(acme("a 1"), [acme("a 2", name="Acme Ltd")], [acme("b 1")], "b 1", id="something like it here"),
        pytest.param(acme("a 1", name=" "), [], [acme("b 1", name="")], None, id="without a name"),
        pytest.param(acme("a 1"), [], [], None, id="nothing there"),
        # types
        pytest.param(
            acme("a 1"), [], [Referent(reference="b:opportunity:1", name="Acme")], None, id="another type there"
        ),
        pytest.param(
            acme("a 1"), [Referent(reference="a:case:1", name="Acme")], [acme("b 1")], "b 1", id="another type here"
        ),
    ],
)
def test_contacts(
    referent: Referent, namesakes: Sequence[Referent], candidates: Sequence[Referent], expected: str | None
) -> None:
    """The one with the same address; where not both know one, the one with the same name; if there is no other."""
    wanted = None if expected is None else expected.replace(" ", ":contact:")
    assert counterpart_among(referent, namesakes, candidates, parent=None) == wanted


def roof(
    id_: str, parent: str | None, name: str = "Roof", type_: str = "case", emails: tuple[str, ...] = ()
) -> Referent:
    connection, number = id_.split()
    return Referent(reference=f"{connection}:{type_}:{number}", name=name, parent=parent, emails=emails)


HERE, THERE, ELSEWHERE = "a:contact:1", "b:contact:1", "b:contact:2"


@pytest.mark.parametrize("type_", ["case", "opportunity"])
@pytest.mark.parametrize(
    ("namesakes", "candidates", "parent", "expected"),
    [
        pytest.param([], [("b 1", THERE, "ROOF")], THERE, "b 1", id="the same name within the same contact"),
        pytest.param([], [("b 1", ELSEWHERE, "Roof")], THERE, None, id="within another contact"),
        pytest.param([], [("b 1", None, "Roof")], THERE, None, id="within no contact"),
        pytest.param([], [("b 1", None, "Roof")], None, None, id="of which the contact has no counterpart"),
        pytest.param([], [("b 1", THERE, "Roofs")], THERE, None, id="another name"),
        pytest.param([], [("b 1", THERE, "Roof"), ("b 2", THERE, "roof")], THERE, None, id="two there"),
        pytest.param([], [("b 1", THERE, "Roof"), ("b 2", ELSEWHERE, "Roof")], THERE, "b 1", id="two contacts there"),
        pytest.param([("a 2", HERE, "roof")], [("b 1", THERE, "Roof")], THERE, None, id="two here"),
        pytest.param([("a 1", HERE, "Roof")], [("b 1", THERE, "Roof")], THERE, "b 1", id="it is no rival of itself"),
        pytest.param([("a 2", "a:contact:2", "Roof")], [("b 1", THERE, "Roof")], THERE, "b 1", id="two contacts here"),
        pytest.param([("a 2", HERE, "Roofs")], [("b 1", THERE, "Roof")], THERE, "b 1", id="something like it here"),
    ],
)
def test_cases_and_opportunities(
    type_: str,
    namesakes: Sequence[tuple[str, str | None, str]],
    candidates: Sequence[tuple[str, str | None, str]],
    parent: str | None,
    expected: str | None,
) -> None:
    """The one with the same name within the same contact, if there is no other on either side."""
    own = roof("a 1", HERE, type_=type_)
    rivals = [roof(*one, type_=type_) for one in namesakes]
    others = [roof(*one, type_=type_) for one in candidates]
    wanted = None if expected is None else expected.replace(" ", f":{type_}:")
    assert counterpart_among(own, rivals, others, parent=parent) == wanted


def test_a_case_is_no_opportunity() -> None:
    """Types are never mixed, however alike the names, and addresses say nothing of either."""
    assert counterpart_among(roof("a 1", HERE), [], [roof("b 1", THERE, type_="opportunity")], parent=THERE) is None
    own = roof("a 1", HERE, emails=("x@y.example",))
    other = roof("b 1", THERE, emails=("z@y.example",))
    assert counterpart_among(own, [], [other], parent=THERE) == other.reference


@pytest.mark.parametrize("type_", ["plan", "employee", "person"])
def test_anything_else_corresponds_to_nothing(type_: str) -> None:
    """A name alone makes no plan the same, and an account is nobody's contact."""
    own = roof("a 1", HERE, type_=type_, emails=("x@y.example",))
    assert counterpart_among(own, [], [roof("b 1", THERE, type_=type_, emails=own.emails)], parent=THERE) is None
