"""What the lenses of people and links show, and what stays of what a CRM cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tasksync.core.lens import KEEP, Lens
from tasksync.core.referring import Slots, links, one_of_people, several_people

References = tuple[str, ...]

ONLYOFFICE: Slots = (("contact",), ("case", "opportunity"))
CAPSULE: Slots = (("case", "opportunity", "contact"),)
PLANNR: Slots = (("plan", "case", "contact", "employee"),)
TYPES = ("case", "contact", "employee", "opportunity", "plan")

NAMES: Mapping[str, str] = {
    **{f"there:{type_}:1": f"here:{type_}:1" for type_ in ("person", *TYPES)},
    **{f"there:{type_}:2": f"here:{type_}:2" for type_ in ("person", *TYPES)},
    "away:person:1": "here:person:1",
}
"""Known of `there` are 1 and 2, and 1 of `away` among the people; nothing else."""


def counterpart(reference: str) -> str | None:
    """What the connection `here` calls it."""
    return reference if reference.startswith("here:") else NAMES.get(reference)


def written(text: str, type_: str = "") -> References:
    """`there:1 here:contact:2`: a type that is not written is `type_`."""
    parts = [one.split(":") for one in text.split()]
    return tuple(":".join(part if len(part) == 3 else (part[0], type_, part[1])) for part in parts)


def people(text: str) -> References:
    return written(text, "person")


ONE = one_of_people("assignees", counterpart)
ALWAYS_ONE = one_of_people("assignees", counterpart, clearable=False)
SEVERAL = several_people("assignees", counterpart)


@pytest.mark.parametrize(
    ("lens", "ours", "shown", "lacking"),
    [
        pytest.param(ONE, "there:1", "here:1", "", id="one: the counterpart"),
        pytest.param(ONE, "there:2 there:1", "here:2", "", id="one: the first"),
        pytest.param(ONE, "away:9 there:1 away:8", "here:1", "away:9", id="one: the first that is known"),
        pytest.param(ONE, "away:9", None, "away:9", id="one: left as it is"),
        pytest.param(ONE, "", "", "", id="one: nobody"),
        pytest.param(ALWAYS_ONE, "", None, "", id="one, always: nobody, who cannot be said"),
        pytest.param(SEVERAL, "there:2 here:1", "here:1 here:2", "", id="several: all, in the CRM's order"),
        pytest.param(SEVERAL, "there:1 away:1", "here:1", "", id="several: twice the same"),
        pytest.param(SEVERAL, "away:9 there:1", "here:1", "away:9", id="several: those that are known"),
        pytest.param(SEVERAL, "away:9 away:8", None, "away:9 away:8", id="several: left as it is"),
        pytest.param(SEVERAL, "", "", "", id="several: nobody"),
    ],
)
def test_people_that_are_shown(lens: Lens, ours: str, shown: str | None, lacking: str) -> None:
    """A CRM shows whom it knows; where that is nobody, it keeps whom it has. Who would be shown is lacking."""
    assert lens.get(people(ours)) == (KEEP if shown is None else people(shown))
    assert lens.lacks(people(ours)) == people(lacking)


@pytest.mark.parametrize(
    ("lens", "ours", "seen", "became"),
    [
        pytest.param(ONE, "there:1", "here:1", "there:1", id="one: the same"),
        pytest.param(ONE, "there:1", "here:2", "here:2", id="one: another"),
        pytest.param(ONE, "there:1 there:2 away:9", "here:3", "here:3 there:2 away:9", id="one: the others stay"),
        pytest.param(ONE, "away:9 there:1 away:8", "here:2", "away:9 here:2 away:8", id="one: in their places"),
        pytest.param(ONE, "away:9", "here:1", "here:1 away:9", id="one: beside somebody unknown"),
        pytest.param(ONE, "there:1 there:2", "here:2", "here:2", id="one: who was the second"),
        pytest.param(ONE, "there:1 away:1 there:2", "here:2", "here:2", id="one: whoever is the same goes along"),
        pytest.param(ONE, "there:1 away:1", "here:1", "there:1 away:1", id="one: or stays along"),
        pytest.param(ONE, "there:1 there:2 away:9", "", "", id="one: emptied"),
        pytest.param(ONE, "", "here:1", "here:1", id="one: where nobody was"),
        pytest.param(ALWAYS_ONE, "away:9 there:1", "here:2", "away:9 here:2", id="one, always: another"),
        pytest.param(SEVERAL, "there:2 there:1", "here:1 here:2", "there:2 there:1", id="several: the same"),
        pytest.param(SEVERAL, "there:2 away:9", "here:1 here:2", "there:2 away:9 here:1", id="several: one more"),
        pytest.param(SEVERAL, "there:2 away:9 there:1", "here:1", "away:9 there:1", id="several: one less"),
        pytest.param(SEVERAL, "there:1 away:9", "here:2", "away:9 here:2", id="several: another"),
        pytest.param(SEVERAL, "there:1 away:9", "", "", id="several: emptied"),
        pytest.param(SEVERAL, "", "here:1 here:2", "here:1 here:2", id="several: where nobody was"),
    ],
)
def test_people_that_are_put(lens: Lens, ours: str, seen: str, became: str) -> None:
    """Whom a CRM changes is changed, the others stay in their order; where it is emptied, all go."""
    assert lens.put(people(seen), people(ours)) == people(became)


SLOTS = {"onlyoffice": ONLYOFFICE, "capsule": CAPSULE, "plannr": PLANNR}
REQUIRED = {"onlyoffice": False, "capsule": False, "plannr": True}


def lens_of(crm: str) -> Lens:
    return links("links", counterpart, SLOTS[crm], required=REQUIRED[crm])


@pytest.mark.parametrize(
    ("crm", "ours", "held", "shown", "lacking"),
    [
        # a place each for a contact, and for a case or an opportunity
        ("onlyoffice", "there:contact:1 there:case:1", "", "here:case:1 here:contact:1", ""),
        ("onlyoffice", "there:case:1 there:opportunity:1", "", "here:case:1", ""),
        ("onlyoffice", "away:case:1 there:opportunity:1", "", "here:opportunity:1", "away:case:1"),
        ("onlyoffice", "there:case:1 away:opportunity:1", "", "here:case:1", ""),
        ("onlyoffice", "there:plan:1", "here:contact:2", "", ""),
        ("onlyoffice", "", "here:contact:2", "", ""),
        # what is not known there is left as it is
        ("onlyoffice", "away:contact:1", "here:contact:2", "here:contact:2", "away:contact:1"),
        ("onlyoffice", "away:contact:1", "", "", "away:contact:1"),
        ("onlyoffice", "away:contact:1", None, None, "away:contact:1"),
        ("onlyoffice", "away:contact:1 there:case:1", None, "here:case:1", "away:contact:1"),
        (
            "onlyoffice",
            "away:contact:1 there:case:1",
            "here:contact:2 here:case:2",
            "here:case:1 here:contact:2",
            "away:contact:1",
        ),
        ("onlyoffice", "there:contact:1", "here:contact:2 here:case:2", "here:contact:1", ""),
        ("onlyoffice", "away:opportunity:1", "here:case:2", "here:case:2", "away:opportunity:1"),
        # one place for all
        ("capsule", "there:contact:1 there:case:1", "here:contact:1", "here:case:1", ""),
        ("capsule", "there:contact:1 away:case:1", "here:contact:2", "here:contact:1", "away:case:1"),
        ("capsule", "away:case:1", "here:contact:2", "here:contact:2", "away:case:1"),
        ("capsule", "there:plan:1", "here:contact:2", "", ""),
        # one place that is never empty
        ("plannr", "there:plan:1 there:contact:1", "here:contact:2", "here:plan:1", ""),
        ("plannr", "there:opportunity:1", "here:contact:2", None, ""),
        ("plannr", "", "here:contact:2", None, ""),
        ("plannr", "away:contact:1", "here:plan:2", "here:plan:2", "away:contact:1"),
        ("plannr", "away:contact:1", None, None, "away:contact:1"),
    ],
)
def test_links_that_are_shown(crm: str, ours: str, held: str | None, shown: str | None, lacking: str) -> None:
    """Each place shows the first link that it can hold and the CRM knows, and keeps what it has where that is none."""
    before = None if held is None else tuple(sorted(written(held)))
    assert lens_of(crm).get(written(ours), before) == (KEEP if shown is None else written(shown))
    assert lens_of(crm).lacks(written(ours)) == written(lacking)


@pytest.mark.parametrize(
    ("crm", "ours", "seen", "became"),
    [
        # the link that is shown is replaced, by another of its type or of another
        ("onlyoffice", "there:contact:1", "here:contact:2", "here:contact:2"),
        ("onlyoffice", "there:case:1", "here:opportunity:2", "here:opportunity:2"),
        ("capsule", "there:case:1", "here:contact:2", "here:contact:2"),
        ("capsule", "there:contact:1", "here:case:2", "here:case:2"),
        ("plannr", "there:contact:1", "here:plan:2", "here:plan:2"),
        ("plannr", "there:contact:1", "here:employee:2", "here:employee:2"),
        ("capsule", "", "here:case:2", "here:case:2"),
        # a place that shows what it showed keeps ours
        ("onlyoffice", "there:case:1 there:contact:1", "here:case:2 here:contact:1", "here:case:2 there:contact:1"),
        ("onlyoffice", "there:case:1 there:contact:1", "here:contact:1", "there:contact:1"),
        ("onlyoffice", "away:contact:1 there:case:1", "here:case:2", "away:contact:1 here:case:2"),
        ("onlyoffice", "away:contact:1 there:case:1", "", "away:contact:1"),
        ("onlyoffice", "away:contact:1 there:case:1", "here:case:2 here:contact:2", "away:contact:1 here:case:2"),
        # what has no place there stays
        ("onlyoffice", "there:contact:1 there:plan:1", "here:contact:2", "here:contact:2 there:plan:1"),
        ("onlyoffice", "there:contact:1 there:plan:1", "", "there:plan:1"),
        ("plannr", "there:contact:1 there:opportunity:1", "here:contact:2", "here:contact:2 there:opportunity:1"),
        # what is hidden behind the one that is shown stays, and goes when the place is emptied
        ("capsule", "there:case:1 there:contact:1", "here:case:2", "here:case:2 there:contact:1"),
        ("capsule", "there:case:1 there:contact:1", "here:opportunity:2", "here:opportunity:2 there:contact:1"),
        ("capsule", "there:case:1 there:contact:1", "here:contact:2", "here:contact:2"),
        ("capsule", "there:case:1 there:contact:1", "here:contact:1", "here:contact:1"),
        ("capsule", "there:case:1 there:contact:1", "", ""),
        # what is unknown there stays, unless it is of the type that was put
        ("capsule", "away:case:1 there:contact:1", "here:contact:2", "away:case:1 here:contact:2"),
        ("capsule", "away:case:1 there:contact:1", "here:case:2", "here:case:2"),
        ("capsule", "away:contact:1 there:case:1", "here:case:2", "away:contact:1 here:case:2"),
        ("capsule", "away:contact:1 there:case:1", "", "away:contact:1"),
    ],
)
def test_links_that_are_put(crm: str, ours: str, seen: str, became: str) -> None:
    """What is put into a place replaces what it showed; what is hidden, unknown or without a place there stays."""
    assert lens_of(crm).put(written(seen), written(ours)) == written(became)


@pytest.mark.parametrize(
    ("crm", "ours", "held", "seen", "became"),
    [
        ("capsule", "away:contact:1", "here:contact:2", "here:contact:3", "here:contact:3"),
        ("capsule", "away:contact:1", "", "here:contact:3", "here:contact:3"),
        ("capsule", "away:contact:1", "here:contact:2", "here:case:3", "away:contact:1 here:case:3"),
        ("capsule", "away:contact:1", "here:contact:2", "", "away:contact:1"),
        ("capsule", "away:contact:1", None, "here:contact:3", "away:contact:1"),
        (
            "onlyoffice",
            "away:contact:1 there:case:1",
            "here:case:1 here:contact:2",
            "here:case:2 here:contact:2",
            "away:contact:1 here:case:2",
        ),
        (
            "onlyoffice",
            "away:contact:1 there:case:1",
            "here:case:1 here:contact:2",
            "here:case:1 here:contact:3",
            "here:contact:3 there:case:1",
        ),
    ],
)
def test_links_that_are_put_beside_what_is_left_as_it_is(
    crm: str, ours: str, held: str | None, seen: str, became: str
) -> None:
    """A place that keeps what it had, for want of a counterpart of ours, leaves ours alone until somebody puts another
    link there.
    """
    before = None if held is None else written(held)
    assert lens_of(crm).put(written(seen), written(ours), before) == written(became)


@pytest.mark.parametrize(
    ("options", "required", "fixed"),
    [({}, False, False), ({"required": True}, True, False), ({"fixed": True}, False, True)],
)
def test_links_are_required_or_fixed_as_the_crm_has_it(options: dict[str, Any], *, required: bool, fixed: bool) -> None:
    """What a CRM needs to create a task, and what it never changes afterwards, stands in the lens."""
    lens = links("links", counterpart, CAPSULE, **options)
    assert (lens.field, lens.required, lens.fixed) == ("links", required, fixed)
    assert not SEVERAL.required
    assert not ONE.fixed


@pytest.mark.parametrize("lens", [ONE, SEVERAL, lens_of("capsule")], ids=["one", "several", "links"])
def test_a_record_that_nobody_could_tell_of_shows_nobody(lens: Lens) -> None:
    """No value is no reference: the lens takes it for empty."""
    assert lens.get(None) == ()
    assert lens.lacks(None) == ()
    assert lens.put((), None) in {None, ()}
