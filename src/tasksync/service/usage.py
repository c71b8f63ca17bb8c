"""What this process takes of the machine, as `ports.Usage`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from tasksync.ports import Usage

_STATUS: Final = Path("/proc/self/status")
# Not `ru_maxrss` of getrusage(2): that outlives an exec, so what it tells may be of the program that started this one.
_PEAK: Final = re.compile(rb"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def usage() -> Usage:
    """What it has taken so far. Memory is told where there is a /proc that has it: on Linux."""
    return Usage(wall_s=time.monotonic(), cpu_s=time.process_time(), peak_rss_bytes=_peak_bytes())


def _peak_bytes() -> int | None:
    try:
        found = _PEAK.search(_STATUS.read_bytes())
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024
