"""How the name of a category is found among those that a CRM has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

NO_ALIASES: Final[Mapping[str, str]] = MappingProxyType({})


def find_category(wanted: str, known: Collection[str], aliases: Mapping[str, str] = NO_ALIASES) -> str | None:
    """`wanted` as the CRM calls it: an own category of exactly that name, else the one that the config says it is
    (`ConnectionSettings.categories`), else the first whose name differs only in case; None if there is none.

    What this finds it finds again under its own name: a category that is there always stands for itself.
    """
    alias = aliases.get(wanted.casefold(), wanted)
    exactly = (name for name in (wanted, alias) if name in known)
    but_for_case = (name for sought in (alias, wanted) for name in known if name.casefold() == sought.casefold())
    return next(chain(exactly, but_for_case), None)
