"""The endpoints of what tasks refer to: statuses, accounts, clients, plans (plannr.md 7.1 to 7.3, 7.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.plannr.case_reading import read_column
from tasksync.sandbox.plannr.listings import ACCOUNTS, CLIENT_STATUSES, PLANS, STATUSES
from tasksync.sandbox.plannr.paging import listed
from tasksync.sandbox.plannr.query import choose, includes, includes_of_one
from tasksync.sandbox.plannr.reading import read_body
from tasksync.sandbox.plannr.records import Account, Plan, Status
from tasksync.sandbox.plannr.replies import Routes, check_right, deleted, message, missing, single
from tasksync.sandbox.plannr.shapes import account_shape, client_status_shape, status_shape
from tasksync.sandbox.plannr.tables import Tables
from tasksync.sandbox.plannr.work_shapes import plan_shape


class Lookups:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, firm: Tables) -> None:
        self._firm = firm

    def routes(self) -> Routes:
        return [
            ("/task-status", {"GET": self.list_statuses, "POST": self.create_status}),
            ("/task-status/{uuid}", {"PUT": self.update_status}),
            ("/account", {"GET": self.list_accounts}),
            ("/account/{uuid}", {"GET": self.show_account}),
            ("/client", {"GET": self.list_clients}),
            ("/client/{uuid}", {"GET": self.show_client}),
            ("/client-status", {"GET": self.list_client_statuses}),
            ("/plans", {"GET": self.list_plans}),
            ("/plans/{uuid}", {"GET": self.show_plan, "DELETE": self.delete_plan}),
        ]

    # --- statuses of tasks ---

    async def list_statuses(self, request: Request) -> Response:
        """In the order in which they were made, unless `position` is asked for (its own order is unknown)."""
        rows = choose(self._firm, request, STATUSES, list(self._firm.statuses.values()))
        return listed(self._firm, request, rows, status_shape)

    async def create_status(self, request: Request) -> Response:
        """One of the user's own, without flags."""
        check_right(self._firm, "write")
        given = read_column(self._firm, await read_body(request), creating=True)
        now = self._firm.stamp()
        place = {"uuid": self._firm.new_uuid(), "position": len(self._firm.statuses) + 1}
        return self._keep(Status(**({"colour": "#398898"} | given | place), created=now, updated=now))

    async def update_status(self, request: Request) -> Response:
        """201, odd as it is for a change ([S])."""
        uuid = request.path_params["uuid"]
        status = self._firm.statuses.get(uuid.lower())
        if status is None:
            raise missing("TaskStatus", uuid)
        check_right(self._firm, "write")
        given = read_column(self._firm, await read_body(request), creating=False, fixed=status.completed)
        return self._keep(replace(status, **given, updated=self._firm.stamp()))

    def _keep(self, status: Status) -> Response:
        self._firm.statuses[status.uuid] = status
        return single(self._firm, status_shape(status), 201)

    # --- accounts and clients, which are accounts too ---

    async def list_accounts(self, request: Request) -> Response:
        return self._listed(request, list(self._firm.accounts.values()))

    async def list_clients(self, request: Request) -> Response:
        clients = [account for account in self._firm.accounts.values() if account.type == "client"]
        return self._listed(request, clients)

    def _listed(self, request: Request, rows: Sequence[Account]) -> Response:
        wanted = includes(self._firm, request, ACCOUNTS)
        chosen = choose(self._firm, request, ACCOUNTS, rows)
        return listed(self._firm, request, chosen, lambda row: account_shape(self._firm, row, wanted))

    async def show_account(self, request: Request) -> Response:
        uuid = request.path_params["uuid"]
        return self._one(self._firm.account(uuid), "Account", uuid, request)

    async def show_client(self, request: Request) -> Response:
        uuid = request.path_params["uuid"]
        account = self._firm.account(uuid)
        client = account if account is not None and account.type == "client" else None
        return self._one(client, "Client", uuid, request)

    def _one(self, account: Account | None, model: str, uuid: str, request: Request) -> Response:
        if account is None:
            raise missing(model, uuid)
        wanted = includes_of_one(self._firm, request, ACCOUNTS)
        return single(self._firm, account_shape(self._firm, account, wanted))

    async def list_client_statuses(self, request: Request) -> Response:
        rows = choose(self._firm, request, CLIENT_STATUSES, list(self._firm.client_statuses.values()))
        return listed(self._firm, request, rows, client_status_shape)

    # --- plans ---

    async def list_plans(self, request: Request) -> Response:
        rows = choose(self._firm, request, PLANS, self._firm.plan_rows())
        return listed(self._firm, request, rows, lambda row: plan_shape(self._firm, row))

    async def show_plan(self, request: Request) -> Response:
        return single(self._firm, plan_shape(self._firm, self._existing(request)))

    async def delete_plan(self, request: Request) -> Response:
        """Starts the deletion, which takes a while; of one that is under way the plan's sub-routes say 409 ([S])."""
        plan = self._existing(request)
        check_right(self._firm, "delete")
        if plan.deleted is not None:
            raise Refusal(message(409, "Plan is being deleted."))
        self._firm.plans[plan.uuid] = replace(plan, deleted=self._firm.now())
        return deleted(self._firm)

    def _existing(self, request: Request) -> Plan:
        uuid = request.path_params["uuid"]
        plan = self._firm.plan(uuid)
        if plan is None:
            raise missing("Plan", uuid)
        return plan
