"""What each CRM of the sandbox can show of a value: told a second time, independently of the connectors' lenses."""

from __future__ import annotations

from collections.abc import Mapping

from tasksync.core.record import Value
from tasksync.sandbox.onlyoffice.people import DEFAULT_CATEGORIES

FIELDS: Mapping[str, tuple[str, ...]] = {
    "onlyoffice": ("title", "body", "due", "done", "category", "reminder"),
    "capsule": ("title", "body", "due", "done", "category"),
    "plannr": ("title", "body", "due", "done", "priority"),
}
CAPSULES_OWN = "Surveying"
"""A category that somebody typed into Capsule, and that ONLYOFFICE does not know."""
CAPSULES = frozenset({"Call", "Email", "Follow-up", "Meeting", "Milestone", "Send", CAPSULES_OWN})
STAND_IN = ("onlyoffice", "category", "Call")
"""What the config puts there for want of a value. Without a mirror nothing tells whether a person wrote it."""
KEEP = object()
"""There is no form of the value in that CRM: whatever it has stays."""


def form(crm: str, name: str, value: Value) -> object:
    """What the CRM shows once it has been told the value, or `KEEP`."""
    if name not in FIELDS[crm]:
        return KEEP
    if isinstance(value, str) and name in {"title", "body"}:
        if crm == "onlyoffice":
            value = "".join(char if ord(char) <= 0xFFFF else "\ufffd" for char in value)
        return value if name == "body" or crm == "capsule" else value[:255]
    known = {"onlyoffice": frozenset(DEFAULT_CATEGORIES), "capsule": CAPSULES | {None}}
    if name == "category":
        return value if value in known[crm] else KEEP
    cannot_clear = name == "priority" or (name == "due" and crm != "plannr")
    return KEEP if value is None and cannot_clear else value


def tag_of(title: object) -> str:
    """The first word of a title, which tells whose it is."""
    return str(title).split(" ", 1)[0]
