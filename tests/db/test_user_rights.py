"""Rights, sessions and password links of users in both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from db import audit, password_links, user_rights, user_sessions, users
from db.engine import Database
from tests.conftest import MovableClock

IDLE = timedelta(hours=12)


async def add(db: Database, clock: MovableClock, name: str, role: users.Role) -> None:
    assert await users.add_user(db, name=name, role=role, password_hash="hash", now=clock.now())


async def open_session(db: Database, clock: MovableClock, id: str, name: str) -> None:
    later = clock.now() + timedelta(days=1)
    await users.open_session(db, session_id=id, user_name=name, now=clock.now(), expires_at=later, agent=None)


async def test_the_last_admin_cannot_be_demoted_or_disabled(database: Database, clock: MovableClock) -> None:
    await add(database, clock, "ada", "admin")
    await add(database, clock, "bob", "operator")
    how: dict[str, Any] = {"by": "ada", "reason": None, "now": clock.now()}

    assert await user_rights.set_role(database, "ada", "viewer", **how) == "last_admin"
    assert await user_rights.disable(database, "ada", **how) == "last_admin"
    assert await user_rights.set_role(database, "bob", "admin", **how) == "done"
    assert await user_rights.set_role(database, "ada", "viewer", **how) == "done"
    assert await user_rights.set_role(database, "bob", "viewer", **how) == "last_admin"


async def test_two_admins_who_demote_each_other_at_once_leave_one(database: Database, clock: MovableClock) -> None:
    await add(database, clock, "ada", "admin")
    await add(database, clock, "bob", "admin")

    done = await asyncio.gather(
        *(
            user_rights.set_role(database, name, "viewer", by="x", reason=None, now=clock.now())
            for name in ("ada", "bob")
        )
    )

    assert sorted(done) == ["done", "last_admin"]


async def test_a_change_is_noted_with_what_was_before_and_only_when_there_is_one(
    database: Database, clock: MovableClock
) -> None:
    await add(database, clock, "vik", "viewer")
    how: dict[str, Any] = {"by": "ada", "reason": "Runs the night shift", "now": clock.now()}

    given = await user_rights.set_trigger(database, "vik", True, **how)
    again = await user_rights.set_trigger(database, "vik", True, **how)
    nobody = await user_rights.set_trigger(database, "zoe", True, **how)
    (act,) = await audit.list_acts(database, subject="vik", act="user.trigger")

    assert (given, again, nobody) == ("done", "same", "missing")
    assert (act.act, act.user_name, act.reason) == ("user.trigger_changed", "ada", "Runs the night shift")
    assert act.facts == {"may_trigger": {"from": None, "to": True}}


async def test_a_disabled_user_is_out_and_an_enabled_one_in_without_a_lock(
    database: Database, clock: MovableClock
) -> None:
    await add(database, clock, "vik", "viewer")
    await open_session(database, clock, "s", "vik")
    for _ in range(5):
        await users.count_guess(database, "vik", clock.now())
    how: dict[str, Any] = {"by": "ada", "reason": None, "now": clock.now()}

    assert await user_rights.disable(database, "vik", **how) == "done"
    assert await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE) == []
    assert await user_rights.disable(database, "vik", **how) == "same"
    assert await user_rights.enable(database, "vik", **how) == "done"
    assert await users.count_guess(database, "vik", clock.now())


async def test_only_its_owner_or_an_admin_ends_a_session(database: Database, clock: MovableClock) -> None:
    await add(database, clock, "ada", "admin")
    await add(database, clock, "vik", "viewer")
    for id, name in (("a1", "ada"), ("v1", "vik"), ("v2", "vik"), ("v3", "vik")):
        await open_session(database, clock, id, name)

    foreign = await user_sessions.end_session(database, "a1", by="vik", now=clock.now(), only_of="vik")
    own = await user_sessions.end_session(database, "v1", by="vik", now=clock.now(), only_of="vik")
    theirs = await user_sessions.end_session(database, "v2", by="ada", now=clock.now())
    gone = await user_sessions.end_session(database, "v2", by="ada", now=clock.now())
    others = await user_sessions.end_others(database, "ada", keep="a1", by="ada", now=clock.now())
    left = await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE)
    standing = await user_sessions.standing(database, ["a1", "v2", "v3"], now=clock.now(), idle=IDLE)

    assert (foreign, own, theirs, gone, others) == (None, "vik", "vik", None, 0)
    assert sorted(session.id for session in left) == sorted(standing) == ["a1", "v3"]


@pytest.mark.parametrize("spoilt", ["", "used", "old", "replaced", "disabled"])
async def test_a_password_link_is_good_once_for_a_day_and_for_an_enabled_user(
    database: Database, clock: MovableClock, spoilt: str
) -> None:
    await add(database, clock, "ada", "admin")
    await add(database, clock, "vik", "viewer")

    async def link(id: str) -> bool:
        return await password_links.add_password_link(
            database,
            link_id=id,
            user_name="vik",
            by="ada",
            reason=None,
            now=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )

    await open_session(database, clock, "s", "vik")
    assert await link("l1")
    if spoilt == "used":
        await password_links.use_password_link(database, "l1", "other", clock.now())
    elif spoilt == "old":
        clock.move(86_401)
    elif spoilt == "replaced":
        await link("l2")
    elif spoilt == "disabled":
        await user_rights.disable(database, "vik", by="ada", reason=None, now=clock.now())
    owner = await password_links.owner_of_link(database, "l1", clock.now())
    used = await asyncio.gather(
        *(password_links.use_password_link(database, "l1", "new", clock.now()) for _ in range(2))
    )
    user = await users.find_user(database, "vik")

    assert user is not None
    if spoilt:
        assert (owner, used, user.password_hash == "new") == (None, [None, None], False)
    else:
        assert owner == "vik"
        assert sorted(used, key=str) == [None, "vik"]
        assert user.password_hash == "new"
        assert await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE) == []


async def test_a_link_for_a_password_does_not_make_the_first_user(database: Database, clock: MovableClock) -> None:
    await add(database, clock, "vik", "viewer")
    soon = clock.now() + timedelta(hours=1)
    await password_links.add_password_link(
        database, link_id="l1", user_name="vik", by="ada", reason=None, now=clock.now(), expires_at=soon
    )

    assert not await users.login_link_counts(database, "l1", clock.now())
    assert not await users.add_first_user(
        database, link_id="l1", name="eve", role="admin", password_hash="h", now=clock.now()
    )
