"""What a line needs when systemd's journal reads it: a priority in front, and nothing that the journal adds itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Final, TextIO

# sd-daemon(3), syslog(3): the least level of Python that each stands for, the worst first.
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG: Final = 7


def reads(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the journal is at the other end of `stream`: JOURNAL_STREAM (systemd.exec(5)) names its device and inode.
    The variable alone says nothing: children inherit it, and their output may go elsewhere.
    """
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        # No file behind it, or a closed one.
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


def prioritised(text: str, level: int) -> str:
    """Each line of `text` with its priority, since each becomes an entry of its own."""
    priority = next((number for least, number in _PRIORITIES if level >= least), _DEBUG)
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))
