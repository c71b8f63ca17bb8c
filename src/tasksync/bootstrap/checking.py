"""`tasksync check`: every connection opened and asked what it may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from tasksync.bootstrap.connecting import connectors, open_dialer
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.config import Config
from tasksync.engine.strangers import strangers
from tasksync.errors import ExitCode, RetryLater, SkipRecord, StopConnection
from tasksync.ports import Account, Connector, Finding
from tasksync.transport.dial import Dialer
from tasksync.transport.headers import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `tasksync check` found out about one connection. `account` is None when it could not be opened: then
    `findings` has the reason, and `exit_code` what it means.
    """

    connection: str
    account: Account | None
    findings: tuple[Finding, ...]
    exit_code: ExitCode


async def check(config: Config, around: Surroundings) -> tuple[Checked, ...]:
    """Open every connection and ask it what it may do. Reads only, but for tokens that had to be renewed; needs no
    mirror.
    """
    async with AsyncExitStack() as stack:
        dialer = open_dialer(config, around, stack)
        found = connectors(config, around, stack, dialer, None)
        checked = [await _check(connector, dialer, around) for connector in found.values()]
        opened = {one.connection for one in checked if one.account is not None}
        more: dict[str, Sequence[Finding]] = {}
        for group in config.groups:
            members = [found[name] for name in group.connections if name in opened]
            more |= await strangers(members, config.correspondences, around.redactor.redact)
        return tuple(replace(one, findings=(*one.findings, *more.get(one.connection, ()))) for one in checked)


async def _check(connector: Connector, dialer: Dialer, around: Surroundings) -> Checked:
    try:
        account = await connector.open()
        findings = (*await connector.check(), *_of_server(connector, dialer.quota(connector.connection)))
    except (RetryLater, SkipRecord, StopConnection) as error:
        code = error.exit_code if isinstance(error, StopConnection) else ExitCode.RETRY
        finding = Finding(subject="connection", ok=False, message=around.redactor.redact(str(error)))
        return Checked(connection=connector.connection, account=None, findings=(finding,), exit_code=code)
    wrong = any(not finding.ok for finding in findings)
    return Checked(
        connection=connector.connection,
        account=account,
        findings=findings,
        exit_code=ExitCode.USAGE if wrong else ExitCode.IN_STEP,
    )


def _of_server(connector: Connector, quota: Quota | None) -> Iterator[Finding]:
    """What its answers said by the way. Neither is wrong: stamps are corrected, and requests wait for their turn."""
    off = connector.clock_difference.total_seconds()
    clock = f"{abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} ours" if off else "no different from ours"
    yield Finding(subject="its clock", ok=True, message=f"It is {clock}.")
    if quota is not None:
        yield Finding(subject="quota", ok=True, message=f"{quota.remaining} requests are left.")
