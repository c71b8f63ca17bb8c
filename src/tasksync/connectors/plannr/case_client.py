"""Plannr's endpoints for cases: dicts in, dicts out (protocols/plannr.md, 7.4).

Two things are not on that page. The vendor's own say of POST /api/v1/cases that a name is required, that at least one
of the `participants` has to be a client, and that success is 200; and that participants are changed by POST and DELETE
/api/v1/cases/{uuid}/participants, not by an update (both [S]).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from tasksync.connectors.plannr.answers import single, still_there, words
from tasksync.connectors.plannr.paging import Page, sweep
from tasksync.connectors.plannr.payload import LONDON
from tasksync.connectors.plannr.session import Session, at
from tasksync.core.record import require_utc
from tasksync.errors import Refused, ServerFault
from tasksync.transport.answers import require

CASES = "/api/v1/cases"
CLIENTS = "/api/v1/client"
# New ones come at the end, so that pages that were read stay as they were, but for deletions. Cases, and accounts too,
# are by name unless asked otherwise (7.2, 7.4), so that a renamed one would move.
OLDEST_FIRST = ("sort", "created_at")
INCLUDE_OF_CASES = ("include", "participants,status,type,plans")


class CaseClient:
    """Raises what `session.Session` raises."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def cases(self) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """All cases that the account may see, page by page, with participants, status, type and plans; see
        `paging.sweep`. There is no way to ask for what changed lately: no such filter, and no such order (7.4 [S]).
        """
        async for items in sweep(self._page, "cases"):
            yield items

    async def _page(self, number: int) -> Page:
        return await self._session.page(CASES, [INCLUDE_OF_CASES, OLDEST_FIRST], number)

    async def first_cases(self) -> list[dict[str, Any]]:
        """All cases, as `cases` has them, to search in: no filter looks at names. Raises `RetryLater` when there are
        too many.
        """
        return await self._session.items(CASES, [INCLUDE_OF_CASES, OLDEST_FIRST], searched="case")

    async def cases_of(self, client_uuid: str) -> list[dict[str, Any]]:
        """All cases in which a client takes part, as `cases` has them. Raises `Refused` (404) for who is no client."""
        return await self._session.items(
            f"{at(CLIENTS, client_uuid)}/cases",
            [INCLUDE_OF_CASES, OLDEST_FIRST],
            judge=lambda response: require(response, words),
        )

    async def case(self, uuid: str) -> dict[str, Any] | None:
        """One case, as `cases` has it; None when Plannr itself says that it has none of this uuid."""
        case = await self._session.one(at(CASES, uuid), [INCLUDE_OF_CASES])
        return None if case is None else await self.whole(case)

    async def whole(self, case: dict[str, Any]) -> dict[str, Any]:
        """A case that was read alone, with what belongs to it: whether anything can be included there is unknown (5);
        in a list of one it can.
        """
        if "participants" in case:
            return case
        uuid = str(case.get("uuid"))
        listed = await self._session.items(CASES, [INCLUDE_OF_CASES, ("filter[uuid]", uuid)])
        return next((one for one in listed if one.get("uuid") == uuid), case)

    async def create_case(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Without participants: they have to be read, or are what was sent."""
        return single(require(await self._session.send("POST", CASES, json=body), words))

    async def update_case(self, uuid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set what `body` names, leave the rest, participants in any case. Raises `Vanished`."""
        response = await self._session.send("PUT", at(CASES, uuid), json=body)
        return single(require(still_there(response, "case"), words))

    async def close_case(self, uuid: str, completed_at: datetime) -> dict[str, Any]:
        """There is no route of its own for it (7.4 [S]): the time of completion, aware, is set. Whether the status
        follows is unknown, so what counts is the time. Raises `Vanished`.
        """
        # With London's own offset: it is the same moment whether the server converts it or drops it (6 [I]).
        stamp = require_utc(completed_at).astimezone(LONDON).isoformat(timespec="seconds")
        return await self.update_case(uuid, {"completed_at": stamp})

    async def reopen_case(self, uuid: str) -> dict[str, Any]:
        """Takes the time of completion away. Raises `Vanished`."""
        return await self.update_case(uuid, {"completed_at": None})

    async def delete_case(self, uuid: str) -> None:
        """A case that is not there is a success. Raises `Refused` (405) where there is no such route: that there is one
        is only inferred, from the event `case.deleted` (8.2).
        """
        response = await self._session.send("DELETE", at(CASES, uuid))
        if response.status == 405:
            raise Refused(f"Plannr deletes no cases for other programs: {words(response)}", status=405)
        if response.status not in (404, 410):
            require(response, words)

    async def change_participants(
        self, uuid: str, change: Literal["add", "remove"], account_uuids: Sequence[str]
    ) -> None:
        """Who is in already, or out, is no error; one client has to be left, or it is `Refused`. What the route answers
        is unknown, so nothing is read of it. Raises `Vanished`.
        """
        method = "POST" if change == "add" else "DELETE"
        path, body = f"{at(CASES, uuid)}/participants", {"participants": list(account_uuids)}
        require(still_there(await self._session.send(method, path, json=body), "case"), words)

    def now(self) -> datetime:
        """The time by Plannr's clock, from the answer just got. Raises `ServerFault` if it did not say."""
        answered_at = self._session.answered_at
        if answered_at is None:
            raise ServerFault("Plannr does not say what time it is there, and a case is closed by setting the time.")
        return answered_at
