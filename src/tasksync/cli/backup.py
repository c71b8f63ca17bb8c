"""`tasksync backup`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tasksync.cli import show
from tasksync.cli.sync import prepare
from tasksync.store.backup import back_up


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Copy the mirror to a file, also while the daemon runs, which goes on as ever.

    The copy shows one moment, is checked, and gets its name when it is complete. It holds the texts of your tasks and
    what you are signed in with, so it is readable for you alone: keep it as safe as the mirror.

    To go back to it: stop tasksync, remove the mirror and what lies beside it (-wal, -shm), and copy the backup to its
    place. The next sync finds out what has changed since.

    Examples:
      tasksync backup /var/backups/tasksync.db --force
      tasksync backup "tasksync-$(date +%F).db" --json | jq .bytes
    """
    config, _ = prepare(context)
    made = back_up(config.database, file, force=force)
    if json_:
        found = {"mirror": str(made.mirror), "file": str(made.file), "bytes": made.size}
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show.console().print(Text(f"The mirror {made.mirror} was copied to {made.file} ({made.size:,} bytes)."))
