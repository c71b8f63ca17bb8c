"""The endpoints for what tasks and projects refer to, of Capsule's second API (capsule.md 4.2 to 4.4)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, below
from tasksync.sandbox.capsule.records import ME, OPENED, Opportunity, Party
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_listing import deleted, embeds, listed, searched, shown, updated_since
from tasksync.sandbox.capsule.v2_shapes import category_shape, opportunity_shape, party_shape, user_shape
from tasksync.sandbox.capsule.v2_wire import gone, invalid, print_instant, read_envelope, reply


class DirectoryApi:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, account: Tables) -> None:
        self._account = account

    # --- categories ---

    async def list_categories(self, _: Request) -> Response:
        shapes = [category_shape(self._account, number) for number in self._account.categories]
        return reply({"categories": shapes}, headers={"X-Pagination-Has-More": "false"})

    async def show_category(self, request: Request) -> Response:
        shape = category_shape(self._account, request.path_params["id"])
        if shape is None:
            raise Refusal(gone())
        return reply({"category": shape})

    async def create_category(self, request: Request) -> Response:
        name = (await read_envelope(request, "category")).get("name")
        if not isinstance(name, str) or not name:
            raise Refusal(invalid(("name is required", "name"), resource="category"))
        number = self._account.new_category(name)
        location = f"{below(request)}/categories/{number}"
        return reply({"category": category_shape(self._account, number)}, 201, {"Location": location})

    # --- users and teams ---

    async def list_users(self, request: Request) -> Response:
        """Without pages; users who were removed only show as owners of what they had ([I])."""
        shapes = [user_shape(self._account, user, embeds(request)) for user in self._account.active_users()]
        return reply({"users": shapes})

    async def current_user(self, request: Request) -> Response:
        return reply({"user": user_shape(self._account, self._account.users[ME.id], embeds(request))})

    async def show_user(self, request: Request) -> Response:
        user = self._account.users.get(request.path_params["id"])
        if user is None or user.deleted:
            raise Refusal(gone())
        return reply({"user": user_shape(self._account, user, embeds(request))})

    async def list_teams(self, _: Request) -> Response:
        stamp = print_instant(OPENED)
        shapes = [
            {"id": number, "name": name, "createdAt": stamp, "updatedAt": stamp}
            for number, name in self._account.teams.items()
        ]
        return reply({"teams": shapes})

    # --- parties and opportunities ---

    async def list_parties(self, request: Request) -> Response:
        """A `q` is not looked at here, only by the search (source S11, `parties.ts`)."""
        return self._parties(request, list(self._account.parties.values()))

    async def search_parties(self, request: Request) -> Response:
        """Those with all words of `q` in name or e-mail; where Capsule looks beyond that is not known."""
        rows = self._account.parties.values()
        return self._parties(request, searched(request, "party", rows, lambda row: f"{row.name} {row.email}"))

    def _parties(self, request: Request, rows: list[Party]) -> Response:
        rows = updated_since(self._account, request, rows)
        return listed(self._account, request, "parties", rows, lambda row: party_shape(self._account, row))

    async def show_party(self, request: Request) -> Response:
        find = self._account.parties.get
        return shown(request, "party", "parties", find, lambda row: party_shape(self._account, row))

    async def list_deleted_parties(self, request: Request) -> Response:
        return deleted(self._account, request, "party", "parties")

    async def list_opportunities(self, request: Request) -> Response:
        """All, or below a party its own."""
        party = request.path_params.get("party")
        if party is not None and party not in self._account.parties:
            raise Refusal(gone())
        return self._opportunities(
            request, [row for row in self._account.opportunities.values() if party in {None, row.party}]
        )

    async def search_opportunities(self, request: Request) -> Response:
        """By the words of their names ([I])."""
        rows = self._account.opportunities.values()
        return self._opportunities(request, searched(request, "opportunity", rows, lambda row: row.name))

    def _opportunities(self, request: Request, rows: list[Opportunity]) -> Response:
        rows = updated_since(self._account, request, rows)
        return listed(self._account, request, "opportunities", rows, lambda row: opportunity_shape(self._account, row))

    async def show_opportunity(self, request: Request) -> Response:
        find = self._account.opportunities.get
        return shown(request, "opportunity", "opportunities", find, lambda row: opportunity_shape(self._account, row))

    async def list_deleted_opportunities(self, request: Request) -> Response:
        return deleted(self._account, request, "opportunity", "opportunities")
