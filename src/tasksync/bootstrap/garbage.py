"""What the garbage collector looks at, and how often.

Most of what it finds in a process of ours is code, which stays, and pages of tasks, which go by themselves when nobody
refers to them any more. Both have it walk about for nothing: a third of a start, and a tenth of a turn in which nothing
changed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# How many objects more than before there are when it looks at the young ones. With Python's 700 it goes a hundred times
# over what imports bring along, and several times over each page. So many make about 8 MiB of difference.
_YOUNG: Final = 20_000


def collect_seldom() -> None:
    """From now on; and not at all before a first block of `staying` has ended, as until then hardly anything but code
    comes in. For the process as a whole, so for a program's `main`.
    """
    gc.disable()
    gc.set_threshold(_YOUNG)


@contextmanager
def staying() -> Iterator[None]:
    """What comes to be within the block stays to the end of the process: it is not looked at, neither meanwhile nor
    later. For what imports bring along, and what is set up once.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def collect_no_more() -> None:
    """For the end of a process, which Python begins by going over all that is left, and that goes with it anyway."""
    gc.freeze()
    gc.disable()
