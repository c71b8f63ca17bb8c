"""`/_admin`: what a person does in each CRM, what clients asked of it, and what shall go wrong, all in JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tasksync.sandbox.company import move_in
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.neutral import NoSuchRecord, Unusable, to_json
from tasksync.sandbox.oauth import OAuthCrm
from tasksync.sandbox.seed import sample
from tasksync.sandbox.shelf import Shelf
from tasksync.sandbox.world import World

Endpoint = Callable[[Crm, Request], Awaitable[Response]]

_KINDS = {
    "tasks": "task",
    "cases": "case",
    "people": "person",
    "contacts": "contact",
    "opportunities": "opportunity",
    "plans": "plan",
    "categories": "category",
    "statuses": "status",
}
"""Of the shelves, by their name in the path."""


def application(world: World) -> Starlette:
    """The routes below `/_admin`."""

    def route(path: str, **endpoints: Endpoint) -> Route:
        return Route(f"/{{crm}}{path}", _dispatch(world, endpoints), methods=list(endpoints))

    return Starlette(
        routes=[
            route("/requests", GET=_list_requests, DELETE=_forget_requests),
            route("/settings", GET=_show_settings, PATCH=_change_settings),
            route("/faults", GET=_list_faults, POST=_add_fault, DELETE=_clear_faults),
            route("/fill", POST=_fill),
            route("/reset", POST=_reset),
            route("/sign-ins", DELETE=_revoke_sign_ins),
            route("/{shelf}", GET=_list, POST=_add),
            route("/{shelf}/{id}", GET=_show, PATCH=_edit, DELETE=_remove),
        ]
    )


def names(world: World) -> Callable[[Request], Awaitable[Response]]:
    """`/_admin` itself: what can stand in place of `{crm}`."""

    async def run(_: Request) -> Response:
        return JSONResponse(list(world.crms))

    return run


def _dispatch(world: World, endpoints: Mapping[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        crm = world.crms.get(request.path_params["crm"])
        if crm is None:
            return _wrong(404, f"no such CRM; there are {', '.join(world.crms)}")
        method = "GET" if request.method == "HEAD" else request.method
        try:
            return await endpoints[method](crm, request)
        except NoSuchRecord as error:
            return _wrong(404, str(error))
        except ValidationError as error:
            return _wrong(400, "; ".join(_sentence(dict(detail)) for detail in error.errors()))
        except ValueError as error:
            return _wrong(400, str(error))

    return run


def _sentence(detail: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def _wrong(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)


async def _body(request: Request) -> dict[str, Any]:
    """Raises Unusable or another ValueError when the body is not a JSON object; an empty one counts as `{}`."""
    raw = await request.body()
    data = json.loads(raw) if raw else {}
    if not isinstance(data, dict):
        raise Unusable("the body has to be a JSON object")
    return data


def _shelf(crm: Crm, request: Request) -> Shelf[Any]:
    name = request.path_params["shelf"]
    if name not in _KINDS:
        raise NoSuchRecord(f"no such path; there are {', '.join(_KINDS)}")
    return crm.shelf(_KINDS[name])


async def _list(crm: Crm, request: Request) -> Response:
    return JSONResponse([to_json(record) for record in _shelf(crm, request).all()])


async def _add(crm: Crm, request: Request) -> Response:
    shelf = _shelf(crm, request)
    record_id = shelf.add(**await _body(request))
    return JSONResponse(to_json(shelf.one(record_id)), 201)


async def _show(crm: Crm, request: Request) -> Response:
    return JSONResponse(to_json(_shelf(crm, request).one(request.path_params["id"])))


async def _edit(crm: Crm, request: Request) -> Response:
    shelf, record_id = _shelf(crm, request), request.path_params["id"]
    shelf.edit(record_id, **await _body(request))
    return JSONResponse(to_json(shelf.one(record_id)))


async def _remove(crm: Crm, request: Request) -> Response:
    _shelf(crm, request).remove(request.path_params["id"])
    return Response(status_code=204)


async def _list_requests(crm: Crm, _: Request) -> Response:
    return JSONResponse([served._asdict() for served in list(crm.requests)])


async def _forget_requests(crm: Crm, _: Request) -> Response:
    crm.requests.clear()
    return Response(status_code=204)


async def _show_settings(crm: Crm, _: Request) -> Response:
    return JSONResponse(crm.settings.model_dump(mode="json"))


async def _change_settings(crm: Crm, request: Request) -> Response:
    crm.settings.change(await _body(request))
    return await _show_settings(crm, request)


async def _list_faults(crm: Crm, _: Request) -> Response:
    return JSONResponse([fault.model_dump(mode="json") for fault in crm.faults.pending()])


async def _add_fault(crm: Crm, request: Request) -> Response:
    details = await _body(request)
    crm.faults.add(details.pop("do", ""), **details)
    return JSONResponse(crm.faults.pending()[-1].model_dump(mode="json"), 201)


async def _clear_faults(crm: Crm, _: Request) -> Response:
    crm.faults.clear()
    return Response(status_code=204)


async def _fill(crm: Crm, request: Request) -> Response:
    count = (await _body(request)).get("count")
    if type(count) is not int or count < 0:
        raise Unusable("count has to be a whole number from 0 on")
    crm.fill(count)
    return JSONResponse({"tasks": len(crm.tasks())})


async def _revoke_sign_ins(crm: Crm, _: Request) -> Response:
    if not isinstance(crm, OAuthCrm):
        return _wrong(404, f"{crm.name} has no OAuth2")
    crm.sign_ins.revoke()
    return Response(status_code=204)


async def _reset(crm: Crm, request: Request) -> Response:
    wanted = {"seed": True, "company": False} | await _body(request)
    for name in ("seed", "company"):
        if not isinstance(wanted[name], bool):
            raise Unusable(f"{name} has to be true or false")
    crm.reset()
    if wanted["seed"]:
        sample(crm)
    if wanted["company"]:
        move_in(crm)
    return JSONResponse({"tasks": len(crm.tasks())})
