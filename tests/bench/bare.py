"""The same requests without any sync: what a good engineer would write with httpx in half an hour.

Imports nothing of tasksync, so that its memory and its start are those of httpx and of a parser. As a program it takes
one order a line on its standard input, and answers with one line, all in JSON; or, with the name of a file, carries out
the one order in that file.

An order: {"do": "read" or "write", "base": url, "requests": {crm: [[method, target, body, content type], ...]},
"headers": {crm: {...}}, "parallel": n}. Pages of one CRM are read one after the other, as a listing has to be; writes
go out `parallel` at a time. All CRMs at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx


class Bare:
    """Keeps its connections from order to order, as a program that stays would."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            trust_env=False, timeout=60.0, limits=httpx.Limits(max_connections=60, max_keepalive_connections=60)
        )
        self.rows = 0

    async def carry_out(self, order: dict[str, Any]) -> None:
        self.rows = 0
        act = {"read": self._read, "write": self._write}[order["do"]]
        await asyncio.gather(*(act(order, crm) for crm in order["requests"]))

    async def _read(self, order: dict[str, Any], crm: str) -> None:
        for request in order["requests"][crm]:
            self.rows += len(await self._send(order, crm, *request))

    async def _write(self, order: dict[str, Any], crm: str) -> None:
        waiting = iter(order["requests"][crm])

        async def work() -> None:
            for request in waiting:
                await self._send(order, crm, *request)

        await asyncio.gather(*(work() for _ in range(order["parallel"])))

    async def _send(self, order: dict[str, Any], crm: str, method: str, target: str, body: str, kind: str) -> Any:
        headers = order["headers"][crm] | ({"Content-Type": kind} if kind else {})
        answer = await self._client.request(
            method, f"{order['base']}{target}", headers=headers, content=base64.b64decode(body) or None
        )
        answer.raise_for_status()
        return rows_of(answer)

    async def close(self) -> None:
        await self._client.aclose()


def rows_of(answer: httpx.Response) -> Any:
    """The rows of a page, or the parts of a record."""
    kind = answer.headers.get("content-type", "")
    if "xml" in kind:
        return ET.fromstring(answer.content)  # noqa: S314 -- only ever reads what our own server sends
    if "json" not in kind:
        return []
    envelope = answer.json()
    return next((value for value in envelope.values() if isinstance(value, list)), envelope)


def peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def main() -> None:
    with asyncio.Runner() as runner:
        bare = Bare()
        for line in sys.stdin:
            order = json.loads(line)
            wall, cpu = time.perf_counter(), time.process_time()
            runner.run(bare.carry_out(order))
            answer = {
                "code": 0,
                "wall_s": time.perf_counter() - wall,
                "cpu_s": time.process_time() - cpu,
                "peak_bytes": peak_bytes(),
                "rows": bare.rows,
            }
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
        runner.run(bare.close())


async def once(order: dict[str, Any]) -> None:
    bare = Bare()
    await bare.carry_out(order)
    await bare.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(once(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    else:
        main()
