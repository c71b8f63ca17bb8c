"""All simulated CRMs and the admin API as one application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tasksync.sandbox import admin, capsule, onlyoffice, plannr
from tasksync.sandbox.gate import Gate
from tasksync.sandbox.world import World


def create_app(world: World) -> Starlette:
    """`/onlyoffice`, `/capsule` and `/plannr` are the base urls of the CRMs; `/_admin` is the person's side."""
    return Starlette(
        routes=[
            Route("/_admin", admin.names(world)),
            Route("/_admin/", admin.names(world)),
            Mount("/_admin", admin.application(world)),
            Mount("/onlyoffice", Gate(onlyoffice.application(world.onlyoffice), world.onlyoffice)),
            Mount("/capsule", Gate(capsule.application(world.capsule), world.capsule)),
            Mount("/plannr", Gate(plannr.application(world.plannr), world.plannr)),
        ]
    )
