"""The endpoints of cases and of their statuses (plannr.md 7.4, and `case_reading`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.plannr.case_reading import check_client, read_case, read_column, read_participants
from tasksync.sandbox.plannr.listings import CASE_STATUSES, CASES
from tasksync.sandbox.plannr.paging import listed
from tasksync.sandbox.plannr.query import choose, includes, includes_of_one
from tasksync.sandbox.plannr.reading import read_body
from tasksync.sandbox.plannr.records import Case, CaseStatus
from tasksync.sandbox.plannr.replies import Routes, check_right, deleted, missing, single, unsupported
from tasksync.sandbox.plannr.shapes import case_status_shape
from tasksync.sandbox.plannr.tables import Tables
from tasksync.sandbox.plannr.work_shapes import case_shape


class Cases:
    """One method per endpoint; each raises Refusal.

    Unknown of them are whether a case can be deleted (event `case.deleted` exists, [S]; no page of a route was found),
    what the routes of participants answer with, and whether the statuses can be listed (here as those of tasks are).
    """

    def __init__(self, firm: Tables) -> None:
        self._firm = firm

    def routes(self) -> Routes:
        return [
            ("/cases", {"GET": self.list, "POST": self.create}),
            ("/cases/{uuid}", {"GET": self.show, "PUT": self.update, "DELETE": self.delete}),
            ("/cases/{uuid}/participants", {"POST": self.add_participants, "DELETE": self.remove_participants}),
            ("/client/{uuid}/cases", {"GET": self.list_of_client}),
            ("/cases-status", {"GET": self.list_statuses, "POST": self.create_status}),
            ("/cases-status/{uuid}", {"PUT": self.update_status}),
        ]

    async def list(self, request: Request) -> Response:
        return self._listed(request, self._firm.case_rows())

    async def list_of_client(self, request: Request) -> Response:
        uuid = request.path_params["uuid"]
        client = self._firm.linked("client", uuid)
        if client is None:
            raise missing("Client", uuid)
        return self._listed(request, [row for row in self._firm.case_rows() if client.uuid in row.participants])

    def _listed(self, request: Request, rows: Sequence[Case]) -> Response:
        wanted = includes(self._firm, request, CASES)
        chosen = choose(self._firm, request, CASES, rows)
        return listed(self._firm, request, chosen, lambda row: case_shape(self._firm, row, wanted))

    async def show(self, request: Request) -> Response:
        return self._one(self._existing(request), request)

    async def create(self, request: Request) -> Response:
        check_right(self._firm, "write")
        changes = read_case(self._firm, await read_body(request), None)
        # Without a status it starts in the first column ([I]).
        row = self._firm.new_case(changes["name"], self._firm.stamp())
        return self._one(self._firm.change_case(row, changes), request)

    async def update(self, request: Request) -> Response:
        row = self._existing(request)
        check_right(self._firm, "write")
        changes = read_case(self._firm, await read_body(request), row)
        return self._one(self._firm.change_case(row, changes), request)

    async def delete(self, request: Request) -> Response:
        if self._firm.settings.case_delete == "missing":
            raise unsupported(request, ("GET", "PUT"))
        row = self._existing(request)
        check_right(self._firm, "delete")
        self._firm.delete_case(row.uuid)
        return deleted(self._firm)

    async def add_participants(self, request: Request) -> Response:
        row = self._existing(request)
        check_right(self._firm, "write")
        added = read_participants(self._firm, await read_body(request))
        together = tuple(dict.fromkeys((*row.participants, *added)))
        return self._one(self._firm.change_case(row, {"participants": together}), request)

    async def remove_participants(self, request: Request) -> Response:
        """At least one client must remain ([S])."""
        row = self._existing(request)
        check_right(self._firm, "write")
        removed = read_participants(self._firm, await read_body(request))
        left = tuple(uuid for uuid in row.participants if uuid not in removed)
        check_client(self._firm, left)
        return self._one(self._firm.change_case(row, {"participants": left}), request)

    def _existing(self, request: Request) -> Case:
        uuid = request.path_params["uuid"]
        row = self._firm.case_row(uuid)
        if row is None:
            raise missing("Cases", uuid)
        return row

    def _one(self, row: Case, request: Request) -> Response:
        """200 even for a create ([S]). Participants and plans are there only if they are asked for ([S])."""
        wanted = includes_of_one(self._firm, request, CASES)
        return single(self._firm, case_shape(self._firm, row, wanted))

    # --- statuses ---

    async def list_statuses(self, request: Request) -> Response:
        rows = choose(self._firm, request, CASE_STATUSES, list(self._firm.case_statuses.values()))
        return listed(self._firm, request, rows, case_status_shape)

    async def create_status(self, request: Request) -> Response:
        """200, where that of a task's status is 201 ([S])."""
        check_right(self._firm, "write")
        given = read_column(self._firm, await read_body(request), creating=True)
        now = self._firm.stamp()
        place = {"uuid": self._firm.new_uuid(), "position": len(self._firm.case_statuses) + 1}
        return self._keep(CaseStatus(**({"colour": "#398898"} | given | place), created=now, updated=now))

    async def update_status(self, request: Request) -> Response:
        uuid = request.path_params["uuid"]
        status = self._firm.case_statuses.get(uuid.lower())
        if status is None:
            raise missing("CasesStatus", uuid)
        check_right(self._firm, "write")
        given = read_column(self._firm, await read_body(request), creating=False)
        return self._keep(replace(status, **given, updated=self._firm.stamp()))

    def _keep(self, status: CaseStatus) -> Response:
        self._firm.case_statuses[status.uuid] = status
        return single(self._firm, case_status_shape(status))
