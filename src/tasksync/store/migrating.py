"""Running the migrations with Alembic. Apart from `schema`, because importing Alembic takes its time."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tasksync.errors import MirrorUnusable


def migrate(sql: Connection, place: str, *, scripts: str, current: str | None, head: str) -> None:
    """From revision `current` (None: an empty database) to `head`, in the transaction that is open.

    Raises `MirrorUnusable` for a revision that is not among `scripts`; whatever a migration raises comes through.
    """
    config = Config(attributes={"connection": sql})
    # ConfigParser would take a per cent sign for the begin of a reference.
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise MirrorUnusable(
            f"The mirror {place} was written by a newer tasksync (its schema is {current}, this version knows up to "
            f"{head}). Install that version, or restore the backup made before it."
        )
    command.upgrade(config, head)
