"""Users, sessions, links, tokens and audit in both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from db import audit, tokens, user_rights, users
from db.engine import Database
from tests.conftest import MovableClock

IDLE = timedelta(hours=12)


async def ada(db: Database, clock: MovableClock) -> None:
    assert await users.add_user(db, name="ada", role="operator", password_hash="hash", now=clock.now())


async def session(db: Database, clock: MovableClock, id: str = "s1", hours: float = 24) -> None:
    await users.open_session(
        db,
        session_id=id,
        user_name="ada",
        now=clock.now(),
        expires_at=clock.now() + timedelta(hours=hours),
        agent="a browser",
    )


async def test_a_name_is_taken_once(database: Database, clock: MovableClock) -> None:
    await ada(database, clock)

    again = await users.add_user(database, name="ada", role="admin", password_hash="other", now=clock.now())
    found = await users.find_user(database, "ada")

    assert not again
    assert found is not None
    assert found.role == "operator"


async def test_a_lock_grows_from_30_seconds_to_15_minutes(database: Database, clock: MovableClock) -> None:
    await ada(database, clock)
    waits = []

    for _ in range(12):
        assert await users.count_guess(database, "ada", clock.now())
        user = await users.find_user(database, "ada")
        assert user is not None
        waits.append((user.locked_until - clock.now()).total_seconds() if user.locked_until else 0.0)
        if waits[-1]:
            assert not await users.count_guess(database, "ada", clock.now())
        clock.move(waits[-1])

    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


async def test_many_guesses_at_once_are_not_more_than_five(database: Database, clock: MovableClock) -> None:
    await ada(database, clock)

    counted = await asyncio.gather(*(users.count_guess(database, "ada", clock.now()) for _ in range(12)))

    assert counted.count(True) == 5


async def test_a_right_guess_forgets_the_wrong_ones(database: Database, clock: MovableClock) -> None:
    await ada(database, clock)
    for _ in range(5):
        await users.count_guess(database, "ada", clock.now())

    await users.guess_was_right(database, "ada")

    assert await users.count_guess(database, "ada", clock.now())


async def test_a_session_ends_by_time_idleness_closing_or_a_disabled_user(
    database: Database, clock: MovableClock
) -> None:
    await ada(database, clock)
    await session(database, clock, "short", hours=1)
    await session(database, clock, "long", hours=100)
    await session(database, clock, "closed")
    await users.close_session(database, "closed")

    async def counts(id: str) -> bool:
        return await users.find_session(database, id, now=clock.now(), idle=IDLE) is not None

    assert (await counts("short"), await counts("long"), await counts("closed")) == (True, True, False)
    clock.move(2 * 3600)
    assert (await counts("short"), await counts("long")) == (False, True)
    clock.move(11 * 3600)  # idle for 11 h since it was last seen, which kept it
    assert await counts("long")
    clock.move(13 * 3600)
    assert not await counts("long")

    await session(database, clock, "last")
    assert await user_rights.disable(database, "ada", by="eve", reason=None, now=clock.now()) == "done"
    assert not await counts("last")


async def test_a_new_password_ends_every_session(database: Database, clock: MovableClock) -> None:
    await ada(database, clock)
    await session(database, clock)

    assert await users.set_password(database, "ada", "new hash", now=clock.now())

    assert await users.find_session(database, "s1", now=clock.now(), idle=IDLE) is None


@pytest.mark.parametrize(
    ("wait", "someone", "good"),
    [(0, False, True), (3601, False, False), (0, True, False)],
    ids=["fresh", "old", "taken"],
)
async def test_a_link_makes_the_first_user_once_and_within_its_hour(
    database: Database, clock: MovableClock, wait: float, someone: bool, good: bool
) -> None:
    await users.add_login_link(database, link_id="l1", now=clock.now(), expires_at=clock.now() + timedelta(hours=1))
    clock.move(wait)
    if someone:
        await ada(database, clock)

    async def use(name: str) -> bool:
        return await users.add_first_user(
            database, link_id="l1", name=name, role="admin", password_hash="h", now=clock.now()
        )

    assert await users.login_link_counts(database, "l1", clock.now()) is good
    assert sorted(await asyncio.gather(use("eve"), use("bob"))) == [False, good]


async def test_a_token_counts_until_it_expires_or_is_revoked(database: Database, clock: MovableClock) -> None:
    later = clock.now() + timedelta(days=1)
    await tokens.add_token(
        database, token_id="t1", name="shop", scopes=["orders"], now=clock.now(), expires_at=later, by="x"
    )
    await tokens.add_token(
        database, token_id="t2", name="ops", scopes=["read"], now=clock.now(), expires_at=None, by="x"
    )
    taken = await tokens.add_token(
        database, token_id="t3", name="ops", scopes=["read"], now=clock.now(), expires_at=None, by="x"
    )

    found = await tokens.find_token(database, "t1", now=clock.now())
    assert not taken
    assert found is not None
    assert found.scopes == ("orders",)
    clock.move(86400)
    assert await tokens.find_token(database, "t1", now=clock.now()) is None
    assert await tokens.find_token(database, "t2", now=clock.now()) is not None
    assert await tokens.revoke_token(database, "ops", by="x", reason=None, now=clock.now())
    assert await tokens.find_token(database, "t2", now=clock.now()) is None
    assert [token.name for token in await tokens.list_tokens(database)] == ["ops", "shop"]


async def test_the_audit_lists_acts_newest_first(database: Database, clock: MovableClock) -> None:
    for act in ("user.added", "circuit.forced_open"):
        await audit.record_act(database, at=clock.now(), user_name="ada", act=act, subject="fedex", facts={"n": 1})
        clock.move(1)

    acts = await audit.list_acts(database, subject="fedex")

    assert [act.act for act in acts] == ["circuit.forced_open", "user.added"]
    assert acts[0].facts == {"n": 1}


async def test_the_audit_is_narrowed_by_anything_and_read_on_from_any_place(
    database: Database, clock: MovableClock
) -> None:
    for number in range(6):
        await audit.record_act(
            database,
            at=clock.now() + timedelta(seconds=number // 2),
            user_name="ada" if number % 2 else "bob",
            act=("circuit.forced_open", "circuit.closed", "circuits_of_old")[number % 3],
            subject=("fedex", "ups")[number % 2],
            facts={"n": number},
        )

    async def found(**filters: Any) -> list[int]:
        return [act.facts["n"] for act in await audit.list_acts(database, **filters)]

    everything = await audit.list_acts(database)
    paged: list[str] = []
    before = None
    while page := await audit.list_acts(database, before=before, limit=2):
        paged += [act.id for act in page]
        before = (page[-1].at, page[-1].id)

    assert paged == [act.id for act in everything]
    assert sorted(await found(person="ada")) == [1, 3, 5]
    assert sorted(await found(act="circuit.")) == [0, 1, 3, 4]
    assert sorted(await found(act="circuit.closed", subject="fedex")) == [4]
    assert sorted(await found(since=clock.now() + timedelta(seconds=1))) == [2, 3, 4, 5]
    assert sorted(await found(until=clock.now() + timedelta(seconds=1))) == [0, 1]
    people, acts = await audit.known_acts(database)
    assert (people, acts) == (["ada", "bob"], ["circuit.closed", "circuit.forced_open", "circuits_of_old"])
