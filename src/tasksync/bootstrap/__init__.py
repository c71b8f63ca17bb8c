"""The only place that builds things: from a `Config` to what a command does, and back to nothing.

`surroundings` is what every process has, `connecting` makes connectors, `mirrors` opens the mirror, `syncing` runs one
cycle, `daemon` many of them, and `checking` only asks.
"""

from tasksync.bootstrap.checking import Checked, check
from tasksync.bootstrap.connecting import dial_for, oauth_client, open_dialer, open_tokens
from tasksync.bootstrap.health import health
from tasksync.bootstrap.mirrors import reading, writing
from tasksync.bootstrap.surroundings import Surroundings, new_id, surroundings
from tasksync.bootstrap.syncing import sync_once
from tasksync.store.backup import back_up

__all__ = [
    "Checked",
    "Surroundings",
    "back_up",
    "check",
    "dial_for",
    "health",
    "new_id",
    "oauth_client",
    "open_dialer",
    "open_tokens",
    "reading",
    "surroundings",
    "sync_once",
    "writing",
]
