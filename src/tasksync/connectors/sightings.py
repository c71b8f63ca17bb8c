"""The rows of a listing as `ports.Sighting`: told apart by their digests, and read only if somebody wants to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

import orjson

from tasksync import __version__
from tasksync.core.record import Observation
from tasksync.ports import Sighting

Row = TypeVar("Row")
_BYTES = 16


def sightings(
    rows: Iterable[Row],
    *,
    id_of: Callable[[Row], str],
    read: Callable[[Row], Observation],
    form: Callable[[Row], bytes | None],
    context: object,
) -> list[Sighting]:
    """In the order of `rows`. `form`: all of a row as bytes, or None when it has none. `context`: whatever else `read`
    goes by, as something whose `repr` tells it. Another version of tasksync may read the same row otherwise, so that
    counts, too. Raises what `id_of` raises.
    """
    known = blake2b(f"{__version__} {context!r}".encode(), digest_size=_BYTES)
    return [Sighting(id_of(row), _digest(known.copy(), form(row)), partial(read, row)) for row in rows]


def _digest(known: blake2b, form: bytes | None) -> str:
    if form is None:
        return ""
    known.update(form)
    return known.hexdigest()


def json_form(row: Any) -> bytes | None:
    """Of what was parsed as JSON; None where that has no such form: half a character, which some CRMs cut in two."""
    try:
        return orjson.dumps(row)
    except TypeError:
        return None
