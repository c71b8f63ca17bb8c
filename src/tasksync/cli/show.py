"""Tables and sentences for people. Colours only on a terminal (rich looks)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from tasksync.bootstrap.checking import Checked
from tasksync.cli.forms import iso
from tasksync.core.record import Value
from tasksync.engine.member import Member, State
from tasksync.engine.report import CycleReport, PlannedWrite
from tasksync.errors import ExitCode
from tasksync.ports import Conflict

OUTCOMES = {
    ExitCode.IN_STEP: "In step.",
    ExitCode.RETRY: "Something failed; the next run tries again.",
    ExitCode.HELD: "Something is held for a person to decide.",
    ExitCode.NEEDS_LOGIN: "A connection needs new credentials.",
}
_STYLES = {State.OK: "green", State.INCOMPLETE: "yellow", State.FAILED: "red", State.NEEDS_LOGIN: "red"}
# What stands in a task's text means nothing to us: [b] is no bold type and :smile: is no face.
_PLAIN: Mapping[str, Any] = MappingProxyType({"highlight": False, "markup": False, "emoji": False})
_OBEYED = frozenset({"Cc", "Cs"})
_LONGEST = 60
_MOST = 10


def console() -> Console:
    """Standard output, as wide as a table may need where it is no terminal."""
    out = Console(**_PLAIN)
    return out if out.is_terminal else Console(**_PLAIN, width=160)


def table(title: str, *columns: str) -> Table:
    """An empty table in the program's one look."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def report(done: CycleReport) -> None:
    """What a cycle did, or would do."""
    out = console()
    if done.plan is not None:
        out.print(plan_table(done.plan, "Would be written") if done.plan else Text("Nothing would be written."))
    out.print(_members([member for member in done.members if member.selected]))
    out.print(Text(_cost(done), style="dim"))
    for member in done.members:
        if member.error is not None:
            out.print(Text.assemble((member.name, "bold"), ": ", member.error))
    for hold in done.holds[:_MOST]:
        out.print(Text.assemble(("held ", "yellow"), (hold.connection, "bold"), f" {hold.reason}: {hold.message}"))
    if len(done.holds) > _MOST:
        out.print(Text(f"... and {len(done.holds) - _MOST} more held"))
    if done.conflicts:
        out.print(conflict_table(done.conflicts[:_MOST]))
    out.print(Text(OUTCOMES[done.exit_code]))


def plan_table(plan: Iterable[PlannedWrite], title: str) -> Table:
    """The operations of a plan."""
    made = table(title, "connection", "action", "task", "fields")
    for one in plan:
        fields = ", ".join(f"{name}: {brief(value)}" for name, value in one.fields.items() if name != "title")
        made.add_row(one.connection, str(one.action), brief(one.title), fields)
    return made


def conflict_table(conflicts: Sequence[Conflict]) -> Table:
    """Conflicts and how they were decided."""
    made = table("Conflicts: the later edit won, the other is kept in the history", "record", "field", "won", "lost")
    for one in conflicts:
        won = f"{brief(one.winner)} ({one.winner_connection}, {clock_time(one.winner_at)})"
        lost = f"{brief(one.loser)} ({one.loser_connection}, {clock_time(one.loser_at)})"
        made.add_row(one.record_id, one.field, won, lost)
    return made


def checked(found: Iterable[Checked]) -> None:
    """What `check` found out, and what to do about it."""
    out = console()
    for one in found:
        who = "not connected" if one.account is None else f"{one.account.label}, zone {one.account.zone}"
        out.print(Text.assemble((one.connection, "bold"), f": {who}"))
        for finding in one.findings:
            mark = ("  ok    ", "green") if finding.ok else ("  wrong ", "red")
            out.print(Text.assemble(mark, f"{finding.subject}: {finding.message}"))
            if finding.advice and not finding.ok:
                out.print(Text(f"         {finding.advice}"))


def brief(value: Value) -> str:
    """A value in one short line."""
    text = " ".join(whole(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def whole(value: Value) -> str:
    """All of a value. What a terminal would obey instead of showing it is replaced."""
    if value is None or value in {"", ()}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        value = ", ".join(value)
    text = iso(value) if isinstance(value, date) else str(value)
    return "".join("\ufffd" if unicodedata.category(one) in _OBEYED and one not in "\n\t" else one for one in text)


def clock_time(moment: datetime) -> str:
    """The time of day, UTC."""
    return f"{moment:%H:%M:%S}Z"


def dated(moment: datetime, *, estimated: bool) -> str:
    """An instant with its day, UTC, and whether it is an estimate."""
    return f"{'~' if estimated else ''}{iso(moment)}"


def _cost(done: CycleReport) -> str:
    """What a cycle took, in one line."""
    traffic, cost = done.traffic, done.cost
    received, sent = decimal(traffic.received_bytes), decimal(traffic.sent_bytes)
    return (
        f"{done.requests} requests ({received} received, {sent} sent), "
        f"{cost.wall_s:.2f} s ({cost.cpu_s:.2f} s of CPU), {cost.rows_written} rows written"
    )


def _members(members: Sequence[Member]) -> Table:
    counts = list(members[0].tally.as_dict()) if members else []
    made = table("", "connection", "state", "requests", *counts)
    for name in ("requests", *counts):
        made.columns[[column.header for column in made.columns].index(name)].justify = "right"
    for member in members:
        state = Text(str(member.state), style=_STYLES[member.state])
        tally = [str(count) if count else "·" for count in member.tally.as_dict().values()]
        made.add_row(member.name, state, str(member.requests), *tally)
    return made
