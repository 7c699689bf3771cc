"""Plans: what a run would change, and the one decision a person takes about it.

A plan of a dry run is ``open``: it may be applied as it is. A plan of the blast guard is ``waiting``: the run it belongs
to stopped before it wrote anything, and somebody has to let it go on once or throw it away; a newer run of the same sync
takes its place (``superseded``), whether that stops too or finds nothing to ask about any more.

Whoever decides moves the plan by one conditional update and queues the run that acts, in the same transaction, so that a
second click finds it decided. While that run has not ended well the plan is ``applying``; when it ended otherwise the
plan may be decided anew. ``moved``: the source had moved, nothing was written; the rest may be applied on its own.
``applied``, ``thrown_away`` and ``superseded`` are ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db import runs
from db.audit import note_act
from db.engine import Database
from db.runs import RunRow
from db.schema import plans, sync_runs

KEPT = 20_000  # rows of a plan; more are counted, and such a plan cannot be applied
GOOD_FOR = timedelta(hours=24)  # after that a plan is too old to be applied
GO_ON_WITHIN = timedelta(hours=1)  # a leave to go on once that no run has used by then is gone
APPLICABLE = ("inventory", "orders")  # the others only note down what vendors say; to run them is to apply

Act = Literal["apply", "unmoved", "go_on", "throw_away"]
_FROM: Mapping[str, tuple[str, ...]] = {
    "apply": ("open",),
    "unmoved": ("moved",),
    "go_on": ("waiting",),
    "throw_away": ("open", "moved", "waiting"),
}
_NOTED = {
    "apply": "plan.applied",
    "unmoved": "plan.unmoved_applied",
    "go_on": "plan.let_go_on",
    "throw_away": "plan.thrown_away",
}
_c, _r = plans.c, sync_runs.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. ``counts`` are exact, by target and kind; ``kept`` of the ``total`` changes are rows."""

    run_id: str
    sync: str
    source: str
    state: str
    made_at: datetime
    expires_at: datetime
    counts: Mapping[str, Mapping[str, int]]
    total: int
    kept: int
    figures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    stopped: str | None = None
    act: str | None = None
    acting_run_id: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    acting_outcome: str | None = None  # of the run that acts; None while it has not ended

    @property
    def standing(self) -> str:
        """Return the state as it holds: a decision whose run ended otherwise than well may be taken anew."""
        if self.state == "applying" and self.acting_outcome not in (None, "success"):
            return "waiting" if self.source == "guard" else "open"
        return self.state


async def make(connection: AsyncConnection, plan: Plan) -> None:
    """Store a plan, inside the transaction that ends the planning. One that waits takes the place of older ones."""
    if plan.state == "waiting":
        await supersede(connection, plan.sync)
    values = asdict(plan)
    values.pop("acting_outcome")
    await connection.execute(insert(plans).values(values))


async def supersede(connection: AsyncConnection, sync: str) -> None:
    """Let nobody decide any more about what the blast guard stopped of a sync: a newer run has judged it anew."""
    await connection.execute(
        update(plans)
        .values(state="superseded")
        .where(_c.sync == sync, _c.source == "guard", _c.state.in_(("waiting", "applying")))
    )


async def get(db: Database, run_id: str) -> Plan | None:
    """Return the plan of a run, None when it has none."""
    async with db.read() as connection:
        return await _get(connection, run_id)


async def listed(
    db: Database,
    *,
    sync: str | None = None,
    state: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Plan]:
    """Return plans, newest first; the next page starts ``before`` the last one's (made_at, run_id)."""
    query = _plans().order_by(_c.made_at.desc(), _c.run_id.desc()).limit(limit)
    if sync:
        query = query.where(_c.sync == sync)
    if state:
        query = query.where(_c.state == state)
    if before is not None:
        query = query.where(or_(_c.made_at < before[0], and_(_c.made_at == before[0], _c.run_id < before[1])))
    async with db.read() as connection:
        return [_plan(row) for row in await connection.execute(query)]


async def waiting(db: Database) -> list[Plan]:
    """Return the plans of the blast guard that wait for somebody: not decided, or decided and their run failed."""
    query = _plans().where(_c.source == "guard", or_(_c.state == "waiting", _failed())).order_by(_c.made_at)
    async with db.read() as connection:
        return [_plan(row) for row in await connection.execute(query)]


async def acted_on_by(db: Database, run_id: str) -> Plan | None:
    """Return the plan that a run was queued to act on, None for every other run."""
    async with db.read() as connection:
        row = (await connection.execute(_plans().where(_c.acting_run_id == run_id))).one_or_none()
    return _plan(row) if row else None


async def decide(
    db: Database, run_id: str, act: Act, *, by: str, trigger: str, reason: str, now: datetime
) -> tuple[Plan, RunRow | None] | None:
    """Take a decision about a plan; return it with the run that was queued (None for ``throw_away``).

    Return None when it cannot be decided so: it is decided already, expired, not kept whole, or unknown; ``why_not`` says
    which. Once, however often it is asked for.
    """
    run: RunRow | None = None
    async with db.write() as connection:
        before = await _get(connection, run_id)
        if before is None or (act != "throw_away" and not is_whole(before, act)):
            return None
        if act != "throw_away":
            run = runs.new_run(before.sync, trigger, now, requested_by=by)
        # A plan whose run failed stands as before that decision.
        again = act in ("apply", "go_on", "throw_away")
        free = or_(_c.state.in_(_FROM[act]), _failed()) if again else _c.state.in_(_FROM[act])
        also: list[ColumnElement[bool]] = []
        if act in ("apply", "unmoved"):
            also = [_c.expires_at > now, _c.source == "dry_run"]
        elif act == "go_on":
            also = [_c.source == "guard"]
        moved = await connection.execute(
            update(plans)
            .values(
                state="thrown_away" if run is None else "applying",
                act=act,
                acting_run_id=run.id if run else None,
                decided_by=by[:64],
                decided_at=now,
                reason=reason,
                **({"expires_at": now + GO_ON_WITHIN} if act == "go_on" else {}),
            )
            .where(_c.run_id == run_id, free, *also)
        )
        if moved.rowcount == 0:
            return None
        if run is not None:
            await runs.insert_run(connection, run)
        facts = {"sync": before.sync, "changes": before.total} | ({"acting_run_id": run.id} if run else {})
        await note_act(connection, at=now, user_name=by, act=_NOTED[act], subject=run_id, reason=reason, facts=facts)
        after = await _get(connection, run_id)
    return (after, run) if after else None


async def close(connection: AsyncConnection, run_id: str, acting_run_id: str, state: str) -> None:
    """End what a run did about a plan, inside its last step: ``applied`` or ``moved``."""
    await connection.execute(
        update(plans)
        .values(state=state)
        .where(_c.run_id == run_id, _c.acting_run_id == acting_run_id, _c.state == "applying")
    )


def is_whole(plan: Plan, act: str) -> bool:
    """Tell whether all of a plan is there to be acted on. To go on, the run plans anew and needs no rows."""
    return act == "go_on" or (plan.kept == plan.total > 0 and plan.sync in APPLICABLE)


def why_not(plan: Plan, act: str, now: datetime) -> str:
    """Return the sentence that says why a plan cannot be decided so."""
    standing = plan.standing
    if standing == "applying":
        return f"It is under way already, in run {plan.acting_run_id}; {plan.decided_by} asked for it."
    if standing == "applied":
        return f"It was applied already; {plan.decided_by} asked for it."
    if standing == "thrown_away":
        return f"{plan.decided_by} has thrown it away."
    if standing == "superseded":
        return "A newer run has taken its place; look at that one."
    if act in ("apply", "unmoved"):
        if plan.source == "guard":
            return "The blast guard made it; let the run go on once instead."
        if plan.sync not in APPLICABLE:
            return "This sync only notes down what vendors say; run it instead."
        if plan.total == 0:
            return "There is nothing in it to apply."
        if plan.kept < plan.total:
            return f"Only {plan.kept} of its {plan.total} changes are kept; run the sync instead."
        if plan.expires_at <= now:
            return "It is older than a day; make a new one."
        if act == "apply" and standing == "moved":
            return "Its source has moved since; apply only what has not moved, or make a new plan."
        if act == "unmoved" and standing == "open":
            return "Apply the whole plan first; what has moved is known then."
    return "It is no plan the blast guard stopped."


def _failed() -> ColumnElement[bool]:
    """Return the condition "decided, and the run that acts ended otherwise than well"."""
    acting = sync_runs.alias()
    ended = exists().where(acting.c.id == _c.acting_run_id, acting.c.state == "finished", acting.c.outcome != "success")
    return and_(_c.state == "applying", ended)


def _plans() -> Select[Any]:
    return select(plans, _r.outcome.label("acting_outcome")).select_from(
        plans.outerjoin(sync_runs, _r.id == _c.acting_run_id)
    )


async def _get(connection: AsyncConnection, run_id: str) -> Plan | None:
    row = (await connection.execute(_plans().where(_c.run_id == run_id))).one_or_none()
    return _plan(row) if row else None


def _plan(row: Any) -> Plan:
    return Plan(**row._mapping)
