"""The signals that a sync heeds."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def heeding(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Within the block, each signal calls its handler, in the running loop of the main thread. Afterwards they are
    ignored: the process is about to end, and a late signal must not end it in the middle of that with another exit
    code.
    """
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
