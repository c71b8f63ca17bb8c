"""`tasksync check`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tasksync.bootstrap.checking import Checked
from tasksync.bootstrap.checking import check as check_connections
from tasksync.cli import show
from tasksync.cli.sync import prepare
from tasksync.errors import ExitCode


def check(
    context: typer.Context,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Only the configuration; connect to nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Check the configuration, then each connection's credentials, rights, zone and needed defaults.

    Reads only.

    Examples:
      tasksync check
      tasksync --config /etc/tasksync/config.yaml check --offline
    """
    config, around = prepare(context)
    found = () if offline else asyncio.run(check_connections(config, around))
    code = ExitCode.worst({one.exit_code for one in found})
    if json_:
        typer.echo(json.dumps(_as_json(str(config.path), found, code), ensure_ascii=False))
    else:
        names = ", ".join(settings.name for settings in config.connections)
        typer.echo(f"{config.path}: the configuration is valid; connections: {names}")
        show.checked(found)
    raise typer.Exit(int(code))


def _as_json(path: str, found: tuple[Checked, ...], code: ExitCode) -> dict[str, Any]:
    return {
        "config": path,
        "exit_code": int(code),
        "connections": {
            one.connection: {
                "ok": one.exit_code is ExitCode.IN_STEP,
                "account": None if one.account is None else one.account.label,
                "zone": None if one.account is None else one.account.zone,
                "findings": [asdict(finding) for finding in one.findings],
            }
            for one in found
        },
    }
