"""The page for people, at `/`: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from typing import Final

from tasksync.errors import ExitCode
from tasksync.ports import OperationState
from tasksync.service.standing import ConnectionStanding, Standing
from tasksync.service.turn import State
from tasksync.service.web.standing_json import readiness, stamp

_STYLE: Final = """
:root { color-scheme: light dark; --line: #ccc; --good: #0a6b2d; --bad: #b3261e; --dim: #5c5c5c }
@media (prefers-color-scheme: dark) { :root { --line: #444; --good: #6fd08c; --bad: #ff8a80; --dim: #a0a0a0 } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; margin: 0 }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top }
.good { color: var(--good) } .bad { color: var(--bad) } .dim { color: var(--dim) }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%) }
  tr, td, th[scope=row] { display: block } tr { border-bottom: 1px solid var(--line); padding: .6rem 0 }
  td, th[scope=row] { border: 0; padding: .1rem 0 }
  td[data-is]::before { content: attr(data-is) ": "; color: var(--dim) }
}
"""
STYLE_HASH: Final = f"sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}"
"""Of the page's style sheet, as Content-Security-Policy wants it."""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>tasksync: {title}</title>
<style>{style}</style>
</head>
<body>
<h1>tasksync</h1>
{verdict}
<table>
<thead><tr>{columns}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>{cycle}</p>
<p>More: <a href="/status.json">status</a>, <a href="/readyz">readiness</a>, <a href="/healthz">health</a>,
<a href="/metrics">metrics</a>.</p>
</body>
</html>
"""
_COLUMNS: Final = ("Connection", "State", "Last polled", "Next poll", "Waiting", "Held")
_OUTCOMES: Final[Mapping[int, str]] = {
    ExitCode.IN_STEP: "in step",
    ExitCode.RETRY: "something failed and is tried again",
    ExitCode.HELD: "something is held for a person to decide",
    ExitCode.NEEDS_LOGIN: "a connection needs new credentials",
}
_STATES: Final = {
    State.UNKNOWN: "not polled yet",
    State.OK: "ok",
    State.INCOMPLETE: "only read in part",
    State.FAILED: "failed",
    State.NEEDS_LOGIN: "needs new credentials",
}
_UNITS: Final = (("days", 86400), ("h", 3600), ("min", 60), ("s", 1))


def page(standing: Standing, now: datetime) -> str:
    """All of it, everything in it escaped."""
    last = standing.last_turn
    title = "no cycle is over yet" if last is None else _OUTCOMES.get(last.exit_code, f"exit code {last.exit_code}")
    verdict = [f'<p class="{_grade(last is not None and last.exit_code == 0)}">{escape(title.capitalize())}.</p>']
    verdict += [f'<p class="bad">{escape(reason)}</p>' for reason in readiness(standing, now)["reasons"]]
    cycle = "" if last is None else f"Last cycle: run {escape(last.run)}, ended {_when(last.finished_at, now)}."
    return _PAGE.format(
        title=escape(title),
        style=_STYLE,
        verdict="\n".join(verdict),
        columns="".join(f'<th scope="col">{name}</th>' for name in _COLUMNS),
        rows="\n".join(_row(one, now) for one in standing.connections.values()),
        cycle=f'{cycle} <span class="dim">Now: {stamp(now)}.</span>',
    )


def _row(one: ConnectionStanding, now: datetime) -> str:
    part = one.part
    waiting = 0 if part is None else sum(n for state, n in part.outbox.items() if state != OperationState.HELD)
    state = f'<span class="{_grade(one.state is State.OK)}">{_STATES[one.state]}</span>'
    if part is not None and part.error:
        state += f"<br>{escape(part.error)}"
    if one.failing_since is not None:
        state += f'<br><span class="dim">failing since {stamp(one.failing_since)}</span>'
    cells = (
        state,
        "never" if one.polled_at is None else _when(one.polled_at, now),
        "not planned" if one.next_poll_at is None else _when(one.next_poll_at, now),
        str(waiting),
        str(0 if part is None else part.held),
    )
    columns = zip(_COLUMNS[1:], cells, strict=True)
    return (
        f'<tr><th scope="row">{escape(one.name)}</th>'
        + "".join(f'<td data-is="{name}">{cell}</td>' for name, cell in columns)
        + "</tr>"
    )


def _grade(good: bool) -> str:  # noqa: FBT001
    return "good" if good else "bad"


def _when(moment: datetime, now: datetime) -> str:
    exact = stamp(moment)
    return f'<time datetime="{exact}" title="{exact}">{_distance(moment - now)}</time>'


def _distance(ahead: timedelta) -> str:
    """`3 min ago`, `in 20 s`: in the largest unit of which there are two at least."""
    seconds = round(abs(ahead.total_seconds()))
    if seconds < 1:
        return "now"
    length = next(f"{seconds // size} {unit}" for unit, size in _UNITS if seconds >= size * 2 or size == 1)
    return f"in {length}" if ahead > timedelta(0) else f"{length} ago"
