"""Polls one connection: its listing, page by page, into the mirror."""

from __future__ import annotations

from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.errors import RetryLater, SkipRecord, StopConnection

_PROGRESS_EVERY = 5_000


async def poll(context: Context, intake: Intake, member: Member) -> None:
    """Take the whole listing in, one transaction a page. `member.complete` is true afterwards only if every page was
    answered.

    What was taken in before a page failed stays: every observation counts for itself, and only absence needs all of
    them.
    """
    member.started_at = asked_at = context.clock.now()
    try:
        async for page in member.connector.poll(context.kind.name):
            answered_at = context.clock.now()
            with context.mirror.begin() as unit:
                intake.take(unit, member, page, asked_at=asked_at, answered_at=answered_at)
            before = len(member.seen)
            member.seen.update(one.external_id for one in page)
            member.tally.read = len(member.seen)
            if before // _PROGRESS_EVERY != member.tally.read // _PROGRESS_EVERY:
                context.log.info("poll_progressed", connection=member.name, read=member.tally.read)
            asked_at = context.clock.now()
    except (RetryLater, StopConnection, SkipRecord) as error:
        member.fail(error, context.words(error))
        context.log.warning("poll_failed", connection=member.name, state=member.state, error=member.error)
    else:
        member.complete = True
        context.log.info("poll_finished", connection=member.name, read=member.tally.read)
