"""syncall's own `Aggregator` over two sides. Run by its own Python; orders and answers as `served`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bubop import loguru_tqdm_sink
from syncall.aggregator import Aggregator
from syncall.sync_side import SyncSide
from tests.bench.peers.served import serve
from tests.bench.peers.sides import Capsule, Item, Office, Side


class CrmSide(SyncSide):  # type: ignore[misc]  # its package is in the peers' environment only
    """As syncall's own sides are: every item that is asked for comes from the server."""

    def __init__(self, side: Side) -> None:
        super().__init__(name=side.name, fullname=side.name)
        self._side = side

    def get_all_items(self, **_: Any) -> Sequence[Item]:
        return list(self._side.list())

    def get_item(self, item_id: str, use_cached: bool = False) -> Item:  # noqa: FBT001, FBT002 -- syncall's signature
        del use_cached
        return self._side.get(item_id)

    def delete_single_item(self, item_id: str) -> None:
        self._side.delete(item_id)

    def update_item(self, item_id: str, **changes: Any) -> None:
        self._side.update(item_id, changes)

    def add_item(self, item: Item) -> Item:
        return self._side.create(item)

    @classmethod
    def id_key(cls) -> str:
        return "id"

    @classmethod
    def summary_key(cls) -> str:
        return "title"

    @classmethod
    def last_modification_key(cls) -> str:
        return "modified"

    @classmethod
    def items_are_identical(cls, item1: Item, item2: Item, ignore_keys: Sequence[str] = ()) -> bool:
        keys = [key for key in ("title", "body", "due", "done") if key not in ignore_keys]
        same: bool = SyncSide._items_are_identical(item1, item2, keys)
        return same


def main(url: str, folder: str) -> None:
    if Path.home() != Path(folder):
        # It keeps what it knows there, and nowhere else; decided when it was imported.
        sys.exit(f"HOME has to be {folder}.")
    # As its own programs do, unless asked for more.
    loguru_tqdm_sink(verbosity=0)
    sides = [CrmSide(Office(url)), CrmSide(Capsule(url))]

    def sync() -> None:
        aggregator = Aggregator(
            side_A=sides[0], side_B=sides[1], converter_A_to_B=dict, converter_B_to_A=dict, catch_exceptions=False
        )
        with aggregator.prefs_manager, aggregator:
            aggregator.sync()

    serve(sync)


if __name__ == "__main__":
    main(*sys.argv[1:])
