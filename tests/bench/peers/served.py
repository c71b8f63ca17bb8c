"""A sync as a program that is told when: a line of JSON for each order, and one for what it took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path


def serve(sync: Callable[[], None]) -> None:
    """Until the standard input ends."""
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        with redirect_stdout(sys.stderr):
            sync()
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        answer = {
            "code": 0,
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "peak_bytes": peak_kib * 1024,
        }
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
