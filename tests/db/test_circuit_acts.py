"""What people do to circuits: once, with the audit, until they said, and back again as it was."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from db import audit, circuits
from db.circuit_acts import last_acts, may_take_back, set_by_hand, take_back
from db.circuits import CircuitRow
from db.engine import Database
from tests.conftest import MovableClock


async def opened(db: Database, clock: MovableClock, name: str = "fedex") -> CircuitRow:
    """Let a circuit open by its own judgement, for a minute."""
    async with db.write() as connection:
        await circuits.ensure(connection, name, "fedex", clock.now())
        row = await circuits.read(connection, name)
        assert row is not None
        values = {"open_until": clock.now() + timedelta(seconds=60), "opened_in_a_row": 2, "consecutive_failures": 5}
        assert await circuits.change(connection, row, "open", now=clock.now(), reason="5 failed", values=values)
    found = await circuits.state(db, name)
    assert found is not None
    return found


async def held(
    db: Database, clock: MovableClock, *, minutes: float | None = None, version: int | None = None
) -> CircuitRow | None:
    until = None if minutes is None else clock.now() + timedelta(minutes=minutes)
    return await set_by_hand(
        db,
        "fedex",
        "fedex",
        "forced_open",
        reason="maintenance",
        by="ada",
        expires_at=until,
        now=clock.now(),
        version=version,
    )


async def test_an_act_stands_in_the_audit_with_what_was_before(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    row = await held(database, clock, minutes=5)
    (act,) = await audit.list_acts(database, subject="fedex")

    assert row is not None
    assert (row.state, row.by, row.reason, row.version) == ("forced_open", "ada", "maintenance", 2)
    assert (act.act, act.user_name, act.reason, act.facts["version"]) == (
        "circuit.forced_open",
        "ada",
        "maintenance",
        2,
    )
    assert act.facts["before"]["state"] == "open"


async def test_who_looked_at_an_older_state_changes_nothing(database: Database, clock: MovableClock) -> None:
    row = await opened(database, clock)
    first, second = await asyncio.gather(*(held(database, clock, version=row.version) for _ in range(2)))
    acts = await audit.list_acts(database, subject="fedex")

    assert [one is None for one in sorted((first, second), key=lambda one: one is None)] == [False, True]
    assert len(acts) == 1


async def test_taking_back_makes_it_as_it_was(database: Database, clock: MovableClock) -> None:
    before = await opened(database, clock)
    row = await held(database, clock)
    assert row is not None
    assert may_take_back(row, (await last_acts(database))["fedex"])
    clock.move(10)
    back = await take_back(database, "fedex", version=row.version, by="mira", now=clock.now())
    again = await take_back(database, "fedex", version=row.version, by="mira", now=clock.now())
    moves = await circuits.transitions(database, "fedex", before.changed_at, clock.now() + timedelta(seconds=1))

    assert back is not None
    assert (back.state, back.reason, back.by) == ("open", "5 failed", None)
    assert (back.open_until, back.opened_in_a_row, back.consecutive_failures) == (before.open_until, 2, 5)
    assert again is None
    assert (moves[0].to_state, moves[0].reason, moves[0].by) == ("open", "taken back: forced open by ada", "mira")


async def test_an_act_over_an_act_falls_back_to_the_first(database: Database, clock: MovableClock) -> None:
    await held(database, clock, minutes=5)
    row = await set_by_hand(
        database, "fedex", "fedex", "closed", reason="over", by="mira", expires_at=None, now=clock.now()
    )
    assert row is not None
    back = await take_back(database, "fedex", version=row.version, by="mira", now=clock.now())

    assert back is not None
    assert (back.state, back.by, back.reason) == ("forced_open", "ada", "maintenance")
    assert back.expires_at == clock.now() + timedelta(minutes=5)


async def test_what_has_ended_meanwhile_is_not_brought_back(database: Database, clock: MovableClock) -> None:
    await held(database, clock, minutes=5)
    row = await set_by_hand(
        database, "fedex", "fedex", "disabled", reason="try it", by="mira", expires_at=None, now=clock.now()
    )
    assert row is not None
    clock.move(301)
    back = await take_back(database, "fedex", version=row.version, by="mira", now=clock.now())

    assert back is not None
    assert (back.state, back.by, back.expires_at) == ("closed", None, None)


async def test_a_circuit_that_moved_on_by_itself_is_left_alone(database: Database, clock: MovableClock) -> None:
    row = await held(database, clock, minutes=5)
    assert row is not None
    clock.move(301)
    await circuits.expire(database, now=clock.now())
    back = await take_back(database, "fedex", version=row.version, by="mira", now=clock.now())
    state = await circuits.state(database, "fedex")

    assert back is None
    assert state is not None
    assert not may_take_back(state, (await last_acts(database))["fedex"])


async def test_it_falls_back_at_its_end_once_however_many_look(database: Database, clock: MovableClock) -> None:
    await held(database, clock, minutes=5)
    early = await circuits.expire(database, now=clock.now() + timedelta(seconds=299))
    clock.move(300)
    found = await asyncio.gather(*(circuits.expire(database, now=clock.now()) for _ in range(3)))
    moves = await circuits.transitions(database, "fedex", clock.now() - timedelta(hours=1), clock.now())
    state = await circuits.state(database, "fedex")

    assert early == []
    assert sorted(map(len, found)) == [0, 0, 1]
    assert state is not None
    assert (state.state, state.by, state.reason) == ("closed", None, "the time set by ada is over")
    assert len(moves) == 1  # being set; its end lies at this very moment, which the stretch leaves out


async def test_an_end_that_is_over_does_not_undo_what_is_set_anew(database: Database, clock: MovableClock) -> None:
    await held(database, clock, minutes=5)
    clock.move(301)
    await held(database, clock, minutes=10)

    assert await circuits.expire(database, now=clock.now()) == []
