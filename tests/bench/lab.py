"""Where a case is measured: the sandbox's process, and those of the programs that are compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

from tests.bench.children import Child, Taken
from tests.bench.crms import Crms, Requests, Row, is_write

from tasksync.engine.together import PARALLEL
from tasksync.sandbox.plannr.initial import EMPLOYEE

Api = Literal["v1", "v2"]
CONNECTIONS: Final = {"office": "onlyoffice", "capsule": "capsule", "advisers": "plannr"}
_CLIENT: Final = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "office": {"category": "Call", "due": "+7d"},
    "capsule": {"due": "+7d"},
    "advisers": {"status": "To do", "link": {"type": "client", "id": _CLIENT}},
}
_CYCLES: Final = 3


@dataclass(kw_only=True)
class Lab:
    """`tasks`, `latency_s` and `runs` are what the command line wants in place of a case's own. `done` keeps what was
    measured for one case and serves another.
    """

    folder: Path
    crms: Crms
    stack: ExitStack
    tasks: int | None = None
    latency_s: float | None = None
    runs: int | None = None
    done: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, **wanted: Any) -> Iterator[Lab]:
        with ExitStack() as stack:
            server = stack.enter_context(Child(["-m", "tests.bench.server"], folder / "server.log"))
            yield cls(folder=folder, crms=Crms(server.line(), stack), stack=stack, **wanted)

    def new_folder(self) -> Path:
        folder = self.folder / f"{next(self._numbers):03}"
        folder.mkdir()
        return folder

    # --- ours ---

    def configured(self, api: Api, *, full_sweep: str = "0s", names: Sequence[str] = tuple(CONNECTIONS)) -> Path:
        """A new folder with a configuration; its mirror comes to lie there, too."""
        folder = self.new_folder()
        config = {
            "connections": {
                name: {
                    "type": crm,
                    "url": f"{self.crms.url}/{crm}",
                    "token": "sandbox",
                    "defaults": dict(_DEFAULTS[name]),
                    **({"api": api} if crm == "capsule" else {}),
                }
                for name, crm in CONNECTIONS.items()
                if name in names
            },
            "sync": {"full_sweep": full_sweep},
        }
        (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def ours(self, folder: Path) -> Child:
        """tasksync, started but not asked for anything yet."""
        return Child(["-m", "tests.bench.ours", str(folder)], folder / "ours.log")

    def settle(self, folder: Path) -> Taken:
        """Let the accounts meet, in a process that ends before anything else is measured; what the last cycle took."""
        with self.ours(folder) as ours:
            for _ in range(_CYCLES):
                self.crms.forget()
                taken = ours.ask({"do": "once"})
                if taken.code == 0 and not total(only(self.crms.requests(), is_write)):
                    return taken
        raise RuntimeError(f"not in step after {_CYCLES} cycles, see {folder / 'ours.log'}")

    # --- theirs ---

    @contextmanager
    def bare(self) -> Iterator[Child]:
        """The bare client."""
        with Child([str(Path(__file__).with_name("bare.py"))], self.folder / "bare.log") as child:
            yield child

    def order(self, do: Literal["read", "write"], requests: Requests) -> dict[str, Any]:
        """For the bare client: send these again."""
        return {
            "do": do,
            "base": self.crms.url,
            "requests": {crm: rows for crm, rows in requests.items() if rows},
            "headers": {crm: _headers(rows) for crm, rows in requests.items()},
            "parallel": PARALLEL,
        }


def _headers(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """The credentials of each CRM."""
    target = rows[0][1] if rows else ""
    if target.startswith("/onlyoffice"):
        return {"Authorization": "sandbox", "Accept": "application/json"}
    if target.startswith("/plannr"):
        return {
            "Authorization": "Bearer sandbox", "Accept": "application/json", "X-PLANNR-ACCOUNT-UUID": EMPLOYEE,
        }  # fmt: skip
    if "/api/v2/" in target:
        return {"Authorization": "Bearer sandbox", "Accept": "application/json"}
    basic = base64.b64encode(b"sandbox:x").decode("ascii")
    return {"Authorization": f"Basic {basic}", "Accept": "application/xml"}


def total(requests: Requests) -> int:
    return sum(len(rows) for rows in requests.values())


def only(requests: Requests, wanted: Callable[[Row], bool]) -> Requests:
    """Those that are wanted."""
    return {crm: tuple(row for row in rows if wanted(row)) for crm, rows in requests.items()}
