"""vdirsyncer's own `sync` over two storages. Run by its own Python; orders and answers as `served`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from tests.bench.peers.served import serve
from tests.bench.peers.sides import Capsule, Item, Office, Side
from vdirsyncer.storage.base import Storage
from vdirsyncer.sync import sync
from vdirsyncer.sync.status import SqliteStatus
from vdirsyncer.vobject import Item as Component


class CrmStorage(Storage):  # type: ignore[misc]  # its package is in the peers' environment only
    """A task has no UID in a CRM, so they are kept in a file. What a listing showed is not asked for again."""

    storage_name = "crm"

    def __init__(self, side: Side, folder: Path) -> None:
        super().__init__(instance_name=side.name)
        self._side = side
        self._file = folder / f"{side.name}.json"
        self._uids: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._listed: dict[str, Item] = {}

    def keep(self) -> None:
        self._file.write_text(json.dumps(self._uids))

    async def list(self) -> AsyncIterator[tuple[str, str]]:
        self._listed = {item["id"]: item for item in self._side.list()}
        for number, item in self._listed.items():
            yield number, _etag(item)

    async def get(self, href: str) -> tuple[Component, str]:
        item = self._side.get(href)
        return self._component(item), _etag(item)

    async def get_multi(self, hrefs: Iterable[str]) -> AsyncIterator[tuple[str, Component, str]]:
        for href in dict.fromkeys(hrefs):
            item = self._listed[href]
            yield href, self._component(item), _etag(item)

    async def upload(self, item: Component) -> tuple[str, str]:
        made = self._side.create(_task(item))
        self._uids[made["id"]] = item.uid
        return made["id"], _etag(made)

    async def update(self, href: str, item: Component, etag: str) -> str:
        del etag
        return _etag(self._side.update(href, _task(item)))

    async def delete(self, href: str, etag: str) -> None:
        del etag
        self._side.delete(href)

    def _component(self, item: Item) -> Component:
        uid = self._uids.setdefault(item["id"], f"{self._side.name}-{item['id']}")
        lines = {
            "BEGIN": "VTODO",
            "UID": uid,
            "SUMMARY": item["title"],
            "DESCRIPTION": item["body"],
            "DUE": item["due"],
            "STATUS": "COMPLETED" if item["done"] else "NEEDS-ACTION",
            "END": "VTODO",
        }
        return Component("".join(f"{name}:{value}\r\n" for name, value in lines.items()))


def _task(component: Component) -> Item:
    lines = dict(line.split(":", 1) for line in component.raw.splitlines())
    return {
        "title": lines["SUMMARY"],
        "body": lines["DESCRIPTION"],
        "due": lines["DUE"],
        "done": lines["STATUS"] == "COMPLETED",
    }


def _etag(item: Item) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def main(url: str, place: str) -> None:
    folder = Path(place)
    sides: list[Side] = [Office(url), Capsule(url)]

    def once() -> None:
        storages = [CrmStorage(side, folder) for side in sides]
        status = SqliteStatus(str(folder / "status.db"))
        asyncio.run(sync(*storages, status, conflict_resolution="a wins"))
        status.close()
        for storage in storages:
            storage.keep()

    serve(once)


if __name__ == "__main__":
    main(*sys.argv[1:])
