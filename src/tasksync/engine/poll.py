"""Polls one connection: its listing, page by page, into the mirror."""

from __future__ import annotations

from datetime import datetime, timedelta

from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.errors import RetryLater, SkipRecord, StopConnection, Stopping
from tasksync.ports import HoldReason, OperationState

_PROGRESS_EVERY = 5_000
_OVERLAP = timedelta(minutes=10)
"""What was modified so long before the last look is looked at again: stamps have a resolution, clock differences are
measured, and a record may move from one page to another while they are read.
"""
_NEED_ALL = frozenset({HoldReason.AMBIGUOUS, HoldReason.DELETIONS, HoldReason.DUPLICATE})


async def poll(context: Context, intake: Intake, member: Member) -> None:
    """Take the listing in, all of it or what has changed, one transaction a page. Afterwards `member.looked` is true
    only if every page was answered, and `member.complete` only if they were all there are.

    What was taken in before a page failed stays: every observation counts for itself, and only absence needs all of
    them.
    """
    asked_at = context.clock.now()
    member.look(asked_at)
    since, rows = _since(context, member, asked_at + member.connector.clock_difference), 0
    try:
        async for page in member.connector.poll(context.kind.name, since):
            answered_at = context.clock.now()
            with context.mirror.begin() as unit:
                intake.take_page(unit, member, page, asked_at=asked_at, answered_at=answered_at)
            member.seen.add([one.external_id for one in page])
            before, rows = rows, rows + len(page)
            if before // _PROGRESS_EVERY != rows // _PROGRESS_EVERY:
                context.log.info("poll_progressed", connection=member.name, read=rows)
            asked_at = context.clock.now()
            if context.stopping():
                raise Stopping
    except (RetryLater, StopConnection, SkipRecord) as error:
        member.fail(error, context.words(error))
        context.complain("poll_failed", error, member, state=member.state)
    else:
        member.looked = True
        member.complete = since is None
        context.log.debug("poll_finished", connection=member.name, read=member.seen.count(), complete=member.complete)
    finally:
        member.tally.read += member.seen.count()


def _since(context: Context, member: Member, now: datetime) -> datetime | None:
    """From when on changes are enough to look at; None when everything has to be: because that is due, because the CRM
    cannot tell, or because something is open that only a complete snapshot can settle.

    All by the CRM's clock, which stamps the changes, and which does not care when ours is set back.
    """
    known = member.remembered
    able = context.kind.name in member.connector.capabilities.incremental
    if not able or known is None or known.met_at is None or member.scope_changed:
        return None
    if known.looked_there is None or known.polled_there is None:
        return None
    if not known.polled_there <= now < known.polled_there + context.policy.full_sweep:
        return None
    with context.mirror.begin() as unit:
        lost = unit.queue(member.name, {OperationState.UNKNOWN}, kind=context.kind.name)
        asked = [hold for hold in unit.holds(member.name, kind=context.kind.name) if hold.reason in _NEED_ALL]
    return None if lost or asked else known.looked_there - _OVERLAP
