"""The right to start runs, lock-out by address, password links and sockets, through the web application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from db import audit, user_rights, user_sessions, users
from db.engine import Database
from monitoring.commands import add_user
from monitoring.identity import Identity, scopes_of
from monitoring.lockout import Lockout
from monitoring.password_page import password_link
from monitoring.sockets import OpenSockets
from tests.conftest import MovableClock
from tests.monitoring.browser import PASSWORD, client, sign_in, signed_in, web, with_token

HOW: dict[str, Any] = {"by": "ada", "reason": None}
IDLE = timedelta(hours=12)


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.mark.parametrize(
    ("role", "right", "run", "circuit"),
    [
        ("viewer", None, 403, 403),
        ("viewer", True, 202, 403),
        ("operator", None, 202, 200),
        ("operator", False, 403, 200),
        ("admin", False, 202, 200),
    ],
)
async def test_the_right_to_start_runs_is_apart_from_the_role(
    api: FastAPI, database: Database, clock: MovableClock, role: str, right: bool | None, run: int, circuit: int
) -> None:
    person = await signed_in(api, database, clock, role)
    await user_rights.set_trigger(database, role, right, **HOW, now=clock.now())

    started = await person.post("/api/v1/syncs/orders/runs")
    forced = await person.post("/api/v1/circuits/fedex", json={"state": "closed", "reason": "It is well again"})

    assert (started.status_code, forced.status_code) == (run, circuit)


@pytest.mark.parametrize(
    ("role", "right", "may"),
    [
        ("viewer", None, False),
        ("viewer", True, True),
        ("operator", None, True),
        ("operator", False, False),
        ("admin", False, True),
    ],
)
def test_who_may_start_runs_may_ask_for_quotes_which_spend_the_same_quota(
    role: users.Role, right: bool | None, may: bool
) -> None:
    scopes = scopes_of(role, right)

    assert ("quotes" in scopes, "trigger" in scopes) == (may, may)


@pytest.mark.parametrize(("scope", "status"), [("operate", 202), ("trigger", 202), ("read", 403)])
async def test_a_token_starts_runs_with_trigger_or_operate(
    api: FastAPI, database: Database, clock: MovableClock, scope: str, status: int
) -> None:
    program = await with_token(api, database, clock, scope)

    assert (await program.post("/api/v1/syncs/orders/runs")).status_code == status


async def test_one_password_on_many_names_is_locked_out_by_address(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    async with client(api) as guesser:
        statuses = [(await sign_in(guesser, f"user{n}", "Summer2026!")).status_code for n in range(11)]
        refused = await sign_in(guesser, "vik")
        clock.move(float(refused.headers["retry-after"]))
        after = await sign_in(guesser, "vik")

    assert statuses == [401] * 10 + [429]
    assert refused.status_code == 429
    assert after.status_code == 303


def test_the_lock_of_an_address_grows_and_is_forgotten_after_an_hour() -> None:
    lockout, now = Lockout(), 0.0
    waits: list[float] = []
    for _ in range(17):
        assert lockout.guess("a", now) == 0
        waits.append(lockout.guess("a", now) if len(waits) >= 9 else 0.0)
        now += waits[-1]
    now += 3601
    lockout.guess("a", now)

    assert waits == [0] * 9 + [30, 60, 120, 240, 480, 900, 900, 900]
    assert lockout.guess("a", now) == 0
    assert repr(lockout) == "<Lockout 1 addresses>"


async def test_failures_are_noted_but_never_what_was_typed_as_a_name(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        unknown = await sign_in(browser, "my-secret-password", "vik")
        wrong = await sign_in(browser, "vik", "wrong password")
    acts = [(act.act, act.user_name, dict(act.facts)) for act in await audit.list_acts(database)]

    assert ("sign_in.failed", "nobody", {}) in acts
    assert ("sign_in.failed", "vik", {"because": "password"}) in acts
    assert "my-secret-password" not in str(acts)
    said = [re.sub(r"\s+", " ", answer.text.partition("error")[2])[:120] for answer in (unknown, wrong)]
    assert said[0] == said[1]


async def test_a_weaker_hash_is_renewed_when_its_password_is_given(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16).hash(PASSWORD)
    await users.add_user(database, name="vik", role="viewer", password_hash=weak, now=clock.now())
    async with client(api) as browser:
        assert (await sign_in(browser, "vik")).status_code == 303
    async with client(api) as browser:
        assert (await sign_in(browser, "vik")).status_code == 303
    user = await users.find_user(database, "vik")

    assert user is not None
    assert user.password_hash != weak
    assert len(await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE)) == 2


async def test_a_link_from_an_admin_sets_a_password_once(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await users.add_user(database, name="vik", role="viewer", password_hash=None, now=clock.now())
    link = await password_link(database, "http://127.0.0.1:8050", "vik", **HOW, now=clock.now())
    assert link is not None
    async with client(api) as browser:
        assert (await sign_in(browser, "vik", "")).status_code == 401
        form = await browser.get(link)
        found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
        assert found is not None
        data = {"csrf_token": found[1], "link": link.partition("link=")[2], "password": PASSWORD, "again": PASSWORD}
        short = await browser.post("/login/password", data={**data, "password": "short", "again": "short"})
        differ = await browser.post("/login/password", data={**data, "again": PASSWORD + "x"})
        forged = await browser.post("/login/password", data={**data, "csrf_token": "x"})
        done = await browser.post("/login/password", data=data)
        again = await browser.post("/login/password", data=data)
        gone = await browser.get(link)
        signed = await sign_in(browser, "vik")

    assert "choose at least 10" in short.text
    assert "The two passwords differ" in differ.text
    assert (short.status_code, differ.status_code, forged.status_code) == (422, 422, 403)
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert (again.status_code, gone.status_code, signed.status_code) == (410, 410, 303)


@pytest.mark.parametrize("change", ["revoked", "disabled", "demoted", "trigger taken", "nothing"])
async def test_a_socket_is_over_once_its_session_means_other_rights(
    database: Database, clock: MovableClock, change: str
) -> None:
    await users.add_user(database, name="mira", role="operator", password_hash=None, now=clock.now())
    later = clock.now() + timedelta(days=1)
    await users.open_session(database, session_id="s", user_name="mira", now=clock.now(), expires_at=later, agent=None)
    who = Identity(name="mira", role="operator", scopes=scopes_of("operator", None), session_id="s")
    sockets = OpenSockets(database, clock.now, idle=IDLE, every=3600)

    with sockets.of(who) as connection:
        await sockets.look()
        before = connection.over.is_set()
        if change == "revoked":
            await user_sessions.end_session(database, "s", by="ada", now=clock.now())
        elif change == "disabled":
            await user_rights.disable(database, "mira", **HOW, now=clock.now())
        elif change == "demoted":
            await user_rights.set_role(database, "mira", "viewer", **HOW, now=clock.now())
        elif change == "trigger taken":
            await user_rights.set_trigger(database, "mira", False, **HOW, now=clock.now())
        await sockets.look()
        after = connection.over.is_set()

    assert (before, after) == (False, change != "nothing")
    assert repr(sockets) == "<OpenSockets 0 open>"
