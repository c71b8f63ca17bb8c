"""The endpoints for projects, which are kases on the wire, of Capsule's second API (capsule.md 4.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, below
from tasksync.sandbox.capsule.records import Kase
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_listing import deleted, embeds, listed, searched, shown, updated_since
from tasksync.sandbox.capsule.v2_reading import read_kase_changes
from tasksync.sandbox.capsule.v2_shapes import kase_shape
from tasksync.sandbox.capsule.v2_wire import gone, read_envelope, reply


class KaseApi:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, account: Tables) -> None:
        self._account = account

    async def list_all(self, request: Request) -> Response:
        """Open and closed ones by id ([I]); below a party only its own."""
        party = request.path_params.get("party")
        if party is not None and party not in self._account.parties:
            raise Refusal(gone())
        rows = [row for row in self._account.kases() if party in {None, row.party}]
        rows = updated_since(self._account, request, rows)
        return listed(self._account, request, "kases", rows, lambda row: self._shape(request, row))

    async def search(self, request: Request) -> Response:
        """By the words of their names, open and closed ones ([I])."""
        rows = updated_since(self._account, request, searched(request, "kase", self._account.kases(), _name))
        return listed(self._account, request, "kases", rows, lambda row: self._shape(request, row))

    async def list_deleted(self, request: Request) -> Response:
        return deleted(self._account, request, "kase", "kases")

    async def show(self, request: Request) -> Response:
        return shown(request, "kase", "kases", self._account.kase, lambda row: self._shape(request, row))

    async def create(self, request: Request) -> Response:
        changes = read_kase_changes(self._account, await read_envelope(request, "kase"), None)
        now = self._account.stamp()
        number = self._account.new_id("kase")
        blank = Kase(id=number, name=changes["name"], party=changes["party"], created=now, updated=now)
        row = self._account.store_kase(replace(blank, **changes))
        return reply({"kase": self._shape(request, row)}, 201, {"Location": f"{below(request)}/kases/{row.id}"})

    async def update(self, request: Request) -> Response:
        """Only the keys that are there change."""
        row = self._existing(request)
        changes = read_kase_changes(self._account, await read_envelope(request, "kase"), row)
        moves = self._account.settings.v2_no_change_put == "moves"
        return reply({"kase": self._shape(request, self._account.change_kase(row, changes, touch=moves))})

    async def delete(self, request: Request) -> Response:
        self._account.delete_kase(self._existing(request).id)
        return Response(status_code=204)

    def _existing(self, request: Request) -> Kase:
        text = request.path_params["ids"]
        row = self._account.kase(int(text)) if text.isdecimal() else None
        if row is None:
            raise Refusal(gone())
        return row

    def _shape(self, request: Request, row: Kase) -> dict[str, Any]:
        return kase_shape(self._account, row, embeds(request))


def _name(row: Kase) -> str:
    return row.name
