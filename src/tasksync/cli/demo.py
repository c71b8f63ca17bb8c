"""`tasksync demo`: the main job, on simulated CRMs, over real HTTP, seen and checked from the side of the CRMs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.text import Text

from tasksync.bootstrap.surroundings import Surroundings, surroundings
from tasksync.bootstrap.syncing import sync_once
from tasksync.cli import show
from tasksync.config import Config, LogSettings, load_config
from tasksync.core.match import alike
from tasksync.engine.report import CycleReport
from tasksync.errors import ExitCode
from tasksync.service.clock import SystemClock

if TYPE_CHECKING:
    from tasksync.sandbox.crm import Crm
    from tasksync.sandbox.world import World

_CONFIG = """\
database: demo.db
connections:
  onlyoffice:
    type: onlyoffice
    url: {url}/onlyoffice
    token: sandbox
    defaults: {{category: Call, due: +7d}}
  capsule:
    type: capsule
    api: v1
    url: {url}/capsule
    token: sandbox
    defaults: {{due: +7d}}
  plannr:
    type: plannr
    url: {url}/plannr
    token: sandbox
    defaults: {{status: To do, link: {{type: client, id: {client}}}}}
"""
_CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class _Clock:
    """The time, and a way to let some of it pass: stamps have a resolution of a second, and nobody wants to wait."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return self._real.now() + self._ahead

    def pass_time(self, seconds: int) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(slots=True)
class _Demo:
    world: World
    clock: _Clock
    config: Config
    around: Surroundings
    out: Console = field(default_factory=show.console)
    failures: list[str] = field(default_factory=list)

    def expect(self, said: str, *, holds: bool) -> None:
        """Say what is true, or note that it is not."""
        self.out.print(Text.assemble(("✓ ", "green") if holds else ("✗ ", "red"), said))
        if not holds:
            self.failures.append(said)

    def sync(self, *, dry_run: bool = False) -> CycleReport:
        self.clock.pass_time(5)
        return asyncio.run(sync_once(self.config, self.around, dry_run=dry_run, command="tasksync demo"))

    def held_by(self) -> Mapping[str, Mapping[str, dict[str, Any]]]:
        """Each CRM's tasks by the comparable part of their titles, asked from the CRMs themselves."""
        return {crm.name: {alike(task["title"]): task for task in crm.tasks()} for crm in self.world.crms.values()}


def demo() -> None:
    """Show the main job: three simulated CRMs in this process, sample tasks, real syncs over loopback HTTP.

    Needs no configuration, leaves nothing behind, and ends with 0 only if all that it claims is true.

    Example:
      tasksync demo
    """
    clock = _Clock()
    around = surroundings(LogSettings(level="error"), clock=clock)
    # The sandbox is a fifth of what every other command would wait for at its start.
    from tasksync.sandbox.server import Server  # noqa: PLC0415
    from tasksync.sandbox.world import World  # noqa: PLC0415

    world = World(clock)
    with tempfile.TemporaryDirectory(prefix="tasksync-demo-") as folder, Server(world) as server:
        path = Path(folder, "config.yaml")
        path.write_text(_CONFIG.format(url=server.url, client=_CLIENT), encoding="utf-8")
        shown = _Demo(world=world, clock=clock, config=load_config(path, {}), around=around)
        _before(shown)
        _first_sync(shown)
        _edit(shown)
        _conflict(shown)
        _quiet(shown)
    if shown.failures:
        typer.echo(f"tasksync demo: {len(shown.failures)} of the claims above did not hold.", err=True)
        raise typer.Exit(int(ExitCode.RETRY))
    shown.out.print(
        Text("\nThat is all of it. Your own CRMs: cp config.example.yaml config.yaml, then tasksync check.")
    )


def _before(demo: _Demo) -> None:
    demo.out.rule("What each CRM holds, typed in by hand", align="left")
    demo.out.print(_holdings(demo))


def _first_sync(demo: _Demo) -> None:
    demo.out.rule("The plan: tasksync sync --once --dry-run", align="left")
    wanted = {title for tasks in demo.held_by().values() for title, task in tasks.items() if not task["done"]}
    plan = demo.sync(dry_run=True).plan or ()
    demo.out.print(show.plan_table(plan, ""))
    _forget_requests(demo)
    demo.out.rule("After: tasksync sync --once", align="left")
    done = demo.sync()
    demo.out.print(_holdings(demo))
    demo.expect(f"{len(plan)} writes planned, and as many done", holds=_written(done) == len(plan) > 0)
    held = demo.held_by()
    demo.expect(
        f"every one of the {len(wanted)} open tasks is in every CRM",
        holds=all(wanted <= set(tasks) for tasks in held.values()),
    )
    demo.expect(
        "no CRM holds a task twice",
        holds=all(len(crm.tasks()) == len(held[crm.name]) for crm in demo.world.crms.values()),
    )


def _edit(demo: _Demo) -> None:
    demo.out.rule("One task edited in three places at once: all three edits are kept", align="left")
    title = _shared_title(demo)
    held = demo.held_by()
    world = demo.world
    world.onlyoffice.edit(held["onlyoffice"][title]["id"], reminder=60)
    world.capsule.edit(held["capsule"][title]["id"], body="Ask for extension 12.")
    world.plannr.edit(held["plannr"][title]["id"], priority="highest")
    demo.sync()
    after = [tasks[title] for tasks in demo.held_by().values()]
    demo.out.print(_fields(demo, title, ("body", "priority", "reminder")))
    kept = all(
        task.get(name, value) == value
        for task in after
        for name, value in (("reminder", 60), ("body", "Ask for extension 12."), ("priority", "highest"))
    )
    demo.expect("body, priority and reminder, each changed in another CRM, arrived wherever they exist", holds=kept)


def _conflict(demo: _Demo) -> None:
    demo.out.rule("A conflict: the same field edited in two CRMs", align="left")
    title = _shared_title(demo)
    held = demo.held_by()
    demo.world.capsule.edit(held["capsule"][title]["id"], body="Edited in Capsule first.")
    demo.clock.pass_time(60)
    demo.world.plannr.edit(held["plannr"][title]["id"], body="Edited in Plannr a minute later.")
    done = demo.sync()
    demo.out.print(show.conflict_table(done.conflicts))
    demo.out.print(_fields(demo, title, ("body",)))
    bodies = {task[title]["body"] for task in demo.held_by().values()}
    demo.expect("the later edit is in every CRM", holds=bodies == {"Edited in Plannr a minute later."})
    demo.expect(
        "the other one is in the history",
        holds=[conflict.loser for conflict in done.conflicts] == ["Edited in Capsule first."],
    )


def _quiet(demo: _Demo) -> None:
    demo.out.rule("And once more", align="left")
    _forget_requests(demo)
    done = demo.sync()
    writes = [request for crm in demo.world.crms.values() for request in crm.requests if request[0] in _WRITES]
    reads = sum(len(crm.requests) for crm in demo.world.crms.values())
    demo.expect(f"nothing changed, so nothing was written ({reads} requests, all of them reads)", holds=not writes)
    demo.expect("everything is in step (exit code 0)", holds=done.exit_code is ExitCode.IN_STEP)


def _holdings(demo: _Demo) -> Any:
    crms = tuple(demo.world.crms.values())
    made = show.table("", "task", "due", *(crm.name for crm in crms))
    held = demo.held_by()
    for title, task in sorted(_first_of_each(held.values()).items(), key=lambda item: show.brief(item[1]["due"])):
        made.add_row(
            show.brief(task["title"]), show.brief(task["due"]), *(_mark(held[crm.name], title) for crm in crms)
        )
    made.add_section()
    made.add_row("", "", *(str(len(crm.tasks())) for crm in crms))
    return made


def _mark(tasks: Mapping[str, dict[str, Any]], title: str) -> str:
    if title not in tasks:
        return ""
    return "done" if tasks[title]["done"] else "open"


def _first_of_each(held: Iterable[Mapping[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for tasks in held:
        for title, task in tasks.items():
            found.setdefault(title, task)
    return found


def _fields(demo: _Demo, title: str, names: tuple[str, ...]) -> Any:
    made = show.table(show.brief(demo.held_by()["plannr"][title]["title"]), "CRM", *names)
    for crm, tasks in demo.held_by().items():
        made.add_row(crm, *(show.brief(tasks[title][name]) if name in tasks[title] else "" for name in names))
    return made


def _shared_title(demo: _Demo) -> str:
    """An open task that all CRMs have."""
    held = demo.held_by()
    shared = set.intersection(*(set(tasks) for tasks in held.values()))
    return min(title for title in shared if not held["plannr"][title]["done"])


def _written(done: CycleReport) -> int:
    counted = ("created", "updated", "completed", "reopened", "deleted")
    return sum(getattr(member.tally, name) for member in done.members for name in counted)


def _forget_requests(demo: _Demo) -> None:
    crms: Iterable[Crm] = demo.world.crms.values()
    for crm in crms:
        crm.requests.clear()
