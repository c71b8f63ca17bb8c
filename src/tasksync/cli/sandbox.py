"""`tasksync sandbox`."""

from __future__ import annotations

from typing import Annotated

import typer

from tasksync.service.clock import SystemClock


def sandbox(
    *,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port on 127.0.0.1.")] = 8800,
    empty: Annotated[bool, typer.Option("--empty", help="Begin without sample tasks.")] = False,
) -> None:
    """Run simulated ONLYOFFICE, Capsule (v1 and v2) and Plannr accounts, for trying out a configuration.

    config.example.yaml connects to them as it is. Everything is in memory and gone at the end.

    Example:
      tasksync sandbox &
      cp config.example.yaml config.yaml
      tasksync sync --once
    """
    # The sandbox is a fifth of what every other command would wait for at its start.
    from tasksync.sandbox.server import HOST, serve  # noqa: PLC0415
    from tasksync.sandbox.world import World  # noqa: PLC0415

    url = f"http://{HOST}:{port}"

    def tell() -> None:
        typer.echo(f"The sandbox answers on {url}/onlyoffice, {url}/capsule and {url}/plannr (token: sandbox).")
        typer.echo(f"{url}/_admin shows and changes what is in it. Stop it with Ctrl-C.")

    serve(World(SystemClock(), seed=not empty), port, tell)
