"""What the process takes of the machine, asked of the machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tasksync.service.usage import usage


def test_time_is_what_passes() -> None:
    """Work shows in both clocks."""
    before = usage()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = usage()
    assert after.cpu_s - before.cpu_s >= 0.05
    assert after.wall_s > before.wall_s


def test_memory_that_was_given_back_still_shows() -> None:
    """The peak stays, on a system that tells it."""
    held = bytearray(b"x" * 64 * 1024 * 1024)
    del held
    peak_bytes = usage().peak_rss_bytes
    assert (peak_bytes is None) == ("VmHWM" not in Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak_bytes is None or peak_bytes >= 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("status", "peak_bytes"),
    [
        (b"VmPeak:\t  9000 kB\nVmHWM:\t  2144 kB\nVmRSS:\t  1900 kB\n", 2144 * 1024),
        (b"Name:\ttasksync\n", None),
        (None, None),
    ],
    ids=["as on Linux", "without the line", "no /proc"],
)
def test_memory_is_read_as_the_system_tells_it(
    status: bytes | None, peak_bytes: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bytes; where the system does not say it, nothing is claimed."""
    file = tmp_path / "status"
    if status is not None:
        file.write_bytes(status)
    monkeypatch.setattr("tasksync.service.usage._STATUS", file)
    assert usage().peak_rss_bytes == peak_bytes
