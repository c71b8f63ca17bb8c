"""More of the small firm than its sample tasks: ten people in every CRM, and customers and cases shared in part.

People are alike by e-mail but for a few: one has none in ONLYOFFICE, one none in Capsule, one is written there in other
letters, one has another in Plannr, and one is missing there. Customers are alike by e-mail, or only by name; two in
ONLYOFFICE have the same name, and some are known in one CRM only. Days are relative to now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tasksync.sandbox.crm import Crm

_OFFICE, _CAPSULE, _PLANNR = "onlyoffice", "capsule", "plannr"
_BOTH = (_OFFICE, _CAPSULE)
_ALL = (*_BOTH, _PLANNR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A record of one kind, in the CRMs named `by`, the same everywhere but for what is in `own`. Where another record
    is meant, its name stands.
    """

    kind: str
    name: str
    by: tuple[str, ...] = _ALL
    about: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _person(name: str, email: str, by: tuple[str, ...] = _ALL, **emails: str) -> _Entry:
    own = {crm: {"email": other} for crm, other in emails.items()}
    return _Entry(kind="person", name=name, by=by, fields={"email": email}, own=own)


def _contact(name: str, email: str = "", by: tuple[str, ...] = _ALL, **fields: Any) -> _Entry:
    own = fields.pop("own", {})
    return _Entry(kind="contact", name=name, by=by, fields={"email": email, **fields}, own=own)


def _task(title: str, by: tuple[str, ...], day: int, *people: str, category: str = "", **about: str) -> _Entry:
    fields: dict[str, Any] = {"day": day, "people": people} | ({"category": category} if category else {})
    return _Entry(kind="task", name=title, by=by, about=about, fields=fields)


_PEOPLE = (
    _person("Carla Nowak", "carla.nowak@example.org"),
    _person("David Kim", "david.kim@example.org", capsule="David.Kim@Example.org"),
    _person("Elif Çelik", "elif.celik@example.org", onlyoffice=""),
    _person("Farid Haddad", "farid.haddad@example.org", capsule=""),
    _person("Grace Liu", "grace.liu@example.org", plannr="gliu@partners.example"),
    _person("Henry Moss", "henry.moss@example.org"),
    _person("Inês Costa", "ines.costa@example.org"),
    _person("Jack Doyle", "jack.doyle@example.org", _BOTH),
    _person("Julia Stone", "julia.stone@example.org", (_PLANNR,)),
)

_CATEGORIES = (
    _Entry(kind="category", name="Compliance", by=(_OFFICE,)),
    _Entry(kind="category", name="Valuation", by=(_OFFICE,)),
    _Entry(kind="category", name="compliance", by=(_CAPSULE,)),
    _Entry(kind="category", name="Site visit", by=(_CAPSULE,)),
)

_CONTACTS = (
    _contact("Marta Keller", "marta@keller.example"),
    _contact("Nadia Petrova", "nadia@petrova.example", (_OFFICE, _PLANNR)),
    _contact("N. Petrova", "nadia@petrova.example", (_CAPSULE,)),
    _contact("Oakfield Bakery", company=True),
    _contact("John Smith"),
    _contact("John Smith", by=(_OFFICE,)),
    _contact("Rosa Lind", "rosa@lind.example", (_CAPSULE, _PLANNR), own={_PLANNR: {"email": ""}}),
    _contact("Quill & Sons", "post@quill.example", (_OFFICE,), company=True),
)

_DEALS = (
    _Entry(kind="opportunity", name="Keller ISA transfer", by=_BOTH, about={"contact": "Marta Keller"}),
    _Entry(kind="opportunity", name="Oakfield group pension", by=_BOTH, about={"contact": "Oakfield Bakery"}),
    _Entry(kind="opportunity", name="Quill cover review", by=(_OFFICE,), about={"contact": "Quill & Sons"}),
    _Entry(kind="opportunity", name="Lind annuity", by=(_CAPSULE,), about={"contact": "Rosa Lind"}),
    _Entry(kind="plan", name="Keller ISA", by=(_PLANNR,), about={"contact": "Marta Keller"}),
)

_CASES = (
    _Entry(kind="case", name="Keller estate plan", about={"contact": "Marta Keller"}),
    _Entry(kind="case", name="Keller mortgage", about={"contact": "Marta Keller"}, fields={"done": True}),
    _Entry(kind="case", name="Oakfield auto-enrolment", by=_BOTH, about={"contact": "Oakfield Bakery"}),
    _Entry(kind="case", name="Smith probate", by=(_OFFICE,), about={"contact": "John Smith"}),
)

_TASKS = (
    _task("Send the Keller fees letter", _ALL, 2, "Carla Nowak", contact="Marta Keller"),
    _task(
        "Draft the Keller letter of wishes",
        (_OFFICE,),
        3,
        "Carla Nowak",
        category="Email",
        contact="Marta Keller",
        case="Keller estate plan",
    ),
    _task(
        "Price the Oakfield scheme",
        (_OFFICE,),
        6,
        "David Kim",
        category="Deal",
        contact="Oakfield Bakery",
        opportunity="Oakfield group pension",
    ),
    _task("Renewal terms for Quill", (_OFFICE,), 9, "Henry Moss", category="Compliance", contact="Quill & Sons"),
    _task("Ring the Smith executors", (_OFFICE,), 2, "Elif Çelik", category="Call", case="Smith probate"),
    _task("Sort the archive room", (_OFFICE,), 12, category="Note"),
    _task(
        "Collect Oakfield payroll data",
        (_CAPSULE,),
        4,
        "Farid Haddad",
        category="Follow-up",
        case="Oakfield auto-enrolment",
    ),
    _task("Ask for the court papers", (_CAPSULE,), 5, "Inês Costa", category="compliance", contact="N. Petrova"),
    _task("Chase the ISA provider", (_CAPSULE,), 7, "David Kim", category="Call", opportunity="Keller ISA transfer"),
    _task("Compare annuity quotes", (_CAPSULE,), 8, "Jack Doyle", category="Site visit", opportunity="Lind annuity"),
    _task("Check the Keller will", (_PLANNR,), 3, "Henry Moss", "Inês Costa", case="Keller estate plan"),
    _task("Prepare the Petrova cash flow", (_PLANNR,), 6, "Grace Liu", contact="Nadia Petrova"),
    _task("Review the Keller ISA", (_PLANNR,), 10, "Julia Stone", plan="Keller ISA"),
)


def move_in(crm: Crm) -> None:
    """Add what the firm has in this CRM, beside what a new account has."""
    for entry in (*_PEOPLE, *_CATEGORIES, *_CONTACTS, *_DEALS, *_CASES, *_TASKS):
        if crm.name in entry.by:
            crm.shelf(entry.kind).add(**_fields(entry, crm))


def _fields(entry: _Entry, crm: Crm) -> dict[str, Any]:
    links = {kind: _id(crm, kind, name) for kind, name in entry.about.items()}
    fields = {**entry.fields, **entry.own.get(crm.name, {})}
    match entry.kind:
        case "task":
            people = [_id(crm, "person", name) for name in fields.pop("people")]
            due = crm.today() + timedelta(days=fields.pop("day"))
            return {"title": entry.name, "due": due, "assignees": people, "links": links, **fields}
        case "case":
            # A CRM takes the contact as one of several members, or as its one link.
            return {"title": entry.name, "members": list(links.values()), "links": links, **fields}
        case "opportunity" | "plan":
            return {"name": entry.name, "links": links, **fields}
        case _:
            return {"name": entry.name, **fields}


def _id(crm: Crm, kind: str, name: str) -> str:
    """Of the first record that is called so."""
    records = crm.shelf(kind).all()
    return next(str(one["id"]) for one in records if name in {one.get("name"), one.get("title")})
