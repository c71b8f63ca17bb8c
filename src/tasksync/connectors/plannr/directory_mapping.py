"""Plannr's employees, clients, cases and plans, as far as others are compared with them (protocols/plannr.md, 7). Pure.

An account's address is its `primary_email`, an object with a `value`; the deprecated `email` stands in for it. A case
has any number of participants and counts as being about a client when that is the only one among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasksync.connectors.plannr.payload import as_name, as_object, filled, lines, text
from tasksync.connectors.plannr.references import members, refer
from tasksync.core.directory import Referent
from tasksync.core.reference import CASE, PERSON


def staff(accounts: Iterable[object], connection: str) -> list[Referent]:
    """The employees who have not left. Raises `NotUnderstood`."""
    employees = (as_object(account, "an account") for account in accounts)
    return [describe(account, PERSON, connection) for account in employees if account.get("inactive_at") is None]


def describe(payload: object, type_: str, connection: str) -> Referent:
    """An account, a case or a plan; the last corresponds to nothing elsewhere, so that its client does not matter.
    Raises `NotUnderstood`.
    """
    found = as_object(payload, f"a {type_}")
    about = (members(found, connection) or ()) if type_ == CASE else ()
    return Referent(
        reference=refer(connection, type_, filled(found, "uuid", f"a {type_}")),
        name=as_name(lines(text(found, "name"))),
        emails=_addresses(found),
        parent=about[0] if len(about) == 1 else None,
    )


def _addresses(account: Mapping[str, Any]) -> tuple[str, ...]:
    primary = account.get("primary_email")
    address = text(primary, "value") if isinstance(primary, Mapping) else text(account, "primary_email")
    address = address or text(account, "email")
    return (address,) if address else ()
