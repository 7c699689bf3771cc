"""How the syncs stand: when each last succeeded, and what its last run ended with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select

from db.engine import Database
from db.schema import plans, sync_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """One sync. ``outcome``, ``message``, ``error_type`` and ``run_id`` are of its last finished run that was neither
    missed, cancelled nor dry nor of a backfill, and applied no plan; ``failing_since`` is the end of the first failed run
    after the last success."""

    sync: str
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    outcome: str | None = None
    message: str | None = None
    run_id: str | None = None
    error_type: str | None = None


async def freshness(db: Database) -> dict[str, Freshness]:
    """Return how each sync that ever ran stands."""
    c, p = sync_runs.c, plans.c
    # A run that applies a plan is a part of the work, watched by who asked for it.
    applies = exists().where(p.acting_run_id == c.id, p.act != "go_on")
    counted = (c.state == "finished", c.dry_run.is_(False), c.backfill_id.is_(None), ~applies)
    successes = (
        select(c.sync, func.max(c.finished_at).label("at"))
        .where(*counted, c.outcome == "success")
        .group_by(c.sync)
        .subquery()
    )
    failures = (
        select(c.sync, func.min(c.finished_at), func.count())
        .outerjoin(successes, successes.c.sync == c.sync)
        .where(
            *counted,
            c.outcome.in_(("error", "abandoned")),
            c.finished_at > func.coalesce(successes.c.at, 0),
        )
        .group_by(c.sync)
    )
    newest = (
        select(c.sync, func.max(c.finished_at).label("at"))
        .where(*counted, c.outcome.in_(("success", "error", "abandoned")))
        .group_by(c.sync)
        .subquery()
    )
    last = select(c.sync, c.id, c.outcome, c.message, c.error_type).join(
        newest, (newest.c.sync == c.sync) & (newest.c.at == c.finished_at)
    )
    async with db.read() as connection:
        succeeded = {row.sync: row.at for row in await connection.execute(select(successes))}
        failed = {sync: (since, count) for sync, since, count in await connection.execute(failures)}
        rows = (await connection.execute(last)).all()
    found = {}
    for row in rows:
        since, count = failed.get(row.sync, (None, 0))
        found[row.sync] = Freshness(
            sync=row.sync,
            succeeded_at=succeeded.get(row.sync),
            failing_since=since,
            failures=count,
            outcome=row.outcome,
            message=row.message,
            run_id=row.id,
            error_type=row.error_type,
        )
    return found
