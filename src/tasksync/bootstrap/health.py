"""`tasksync status --health`: whether the daemon of a configuration is well."""

from __future__ import annotations

from tasksync.config import Config
from tasksync.service.probe import ask_health
from tasksync.store.lock import DAEMON, DaemonLock
from tasksync.store.opening import mirror_file


def health(config: Config) -> tuple[bool, str]:
    """Whether the daemon is well, and that in a sentence. It is asked, where it listens; else all that can be told is
    whether it runs.
    """
    if config.http is not None:
        return ask_health(config.http.listen.host, config.http.listen.port)
    file = mirror_file(config.database)
    holder = None if file is None else DaemonLock.holder(file)
    if holder is None:
        return False, f"No daemon works with the mirror {file}."
    if holder.command not in {DAEMON, None}:
        return False, f"No daemon works with the mirror {file}, but tasksync{holder}."
    return True, f"A daemon works with the mirror {file}{holder}. With `http` in the config, it is asked."
