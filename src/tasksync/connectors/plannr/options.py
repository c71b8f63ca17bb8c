"""What can be configured of a Plannr connection."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from tasksync.connectors.manifest import Options
from tasksync.connectors.plannr.references import TYPES, Linked, refer


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("not a uuid; they look like 8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001") from None


_Uuid = Annotated[str, AfterValidator(_uuid)]


class Link(Options):
    """What a new task hangs on: `id` is the uuid of an account (client, employee), a case or a plan."""

    type: Linked
    id: _Uuid

    def reference(self, connection: str) -> str:
        """It, as a value of the core."""
        return refer(connection, TYPES[self.type], self.id)


class Defaults(Options):
    """What Plannr wants of a new task and other CRMs do not have. `status` is a name, in any case, or a uuid. A link to
    a client is also who takes part in a new case.
    """

    status: Annotated[str, Field(min_length=1)] | None = None
    link: Link | None = None


class PlannrOptions(Options):
    """`account_uuid` is needed only when the token leads to several accounts of employees."""

    account_uuid: _Uuid | None = None
    defaults: Defaults = Defaults()
