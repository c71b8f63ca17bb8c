"""Running the migrations with Alembic. Apart from `schema`, because importing Alembic takes its time."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tasksync.errors import MirrorUnusable
from tasksync.store.schema import Schema


def migrate(sql: Connection, place: str, schema: Schema, current: str | None) -> None:
    """From revision `current` (None: an empty database) to `schema.head`, in the transaction that is open.

    Raises `MirrorUnusable` for a revision that `schema` does not have; whatever a migration raises comes through.
    """
    config = Config(attributes={"connection": sql})
    # ConfigParser would take a per cent sign for the begin of a reference.
    config.set_main_option("script_location", schema.scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise MirrorUnusable(
            f"The mirror {place} was written by a newer tasksync (its schema is {current}, this version knows up to "
            f"{schema.head}). Install that version, or restore the backup made before it."
        )
    command.upgrade(config, schema.head)
