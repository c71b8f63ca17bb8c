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

from tasksync.sandbox.crm import Crm
from tasksync.sandbox.neutral import NoSuchTask, Unusable, to_json
from tasksync.sandbox.seed import sample
from tasksync.sandbox.world import World

Endpoint = Callable[[Crm, Request], Awaitable[Response]]


def application(world: World) -> Starlette:
    """The routes below `/_admin`."""

    def route(path: str, **endpoints: Endpoint) -> Route:
        return Route(f"/{{crm}}{path}", _dispatch(world, endpoints), methods=list(endpoints))

    return Starlette(
        routes=[
            route("/tasks", GET=_list_tasks, POST=_add_task),
            route("/tasks/{id}", GET=_show_task, PATCH=_edit_task, DELETE=_remove_task),
            route("/requests", GET=_list_requests, DELETE=_forget_requests),
            route("/settings", GET=_show_settings, PATCH=_change_settings),
            route("/faults", GET=_list_faults, POST=_add_fault, DELETE=_clear_faults),
            route("/fill", POST=_fill),
            route("/reset", POST=_reset),
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
        except NoSuchTask as error:
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


async def _list_tasks(crm: Crm, _: Request) -> Response:
    return JSONResponse([to_json(task) for task in crm.tasks()])


async def _add_task(crm: Crm, request: Request) -> Response:
    task_id = crm.add(**await _body(request))
    return JSONResponse(to_json(crm.task(task_id)), 201)


async def _show_task(crm: Crm, request: Request) -> Response:
    return JSONResponse(to_json(crm.task(request.path_params["id"])))


async def _edit_task(crm: Crm, request: Request) -> Response:
    task_id = request.path_params["id"]
    crm.edit(task_id, **await _body(request))
    return JSONResponse(to_json(crm.task(task_id)))


async def _remove_task(crm: Crm, request: Request) -> Response:
    crm.remove(request.path_params["id"])
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


async def _reset(crm: Crm, request: Request) -> Response:
    seed = (await _body(request)).get("seed", True)
    if not isinstance(seed, bool):
        raise Unusable("seed has to be true or false")
    crm.reset()
    if seed:
        sample(crm)
    return JSONResponse({"tasks": len(crm.tasks())})
