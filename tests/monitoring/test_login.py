"""Signing in, the first user, locks, signing out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI

from db import audit, users
from db.engine import Database
from monitoring import login
from monitoring.commands import add_token, add_user
from monitoring.login import safe_target
from monitoring.options import WebOptions
from tests.conftest import MovableClock
from tests.monitoring.browser import HTML, PASSWORD, client, sign_in, signed_in, web


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


async def test_signing_in_opens_a_session_whose_secret_is_stored_nowhere(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        answer = await sign_in(browser, "ada", next="/calls")
        cookies = answer.headers.get_list("set-cookie")
        secret = browser.cookies["quayside_session"]

        assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
        assert (await browser.get("/api/v1/vendors")).status_code == 200
        assert (await browser.get("/login")).headers["location"] == "/"
    assert next(cookie for cookie in cookies if "session" in cookie).endswith("HttpOnly")
    assert all("SameSite=Lax" in cookie for cookie in cookies)
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql("SELECT id FROM user_sessions")).scalars().all()
    assert secret not in rows
    assert sorted(act.act for act in await audit.list_acts(database)) == ["user.added", "user.signed_in"]


async def test_behind_https_cookies_are_secure(database: Database, clock: MovableClock) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with web(database, clock, WebOptions(public_url="https://ops.example.com")) as api, client(api) as browser:
        browser.base_url = "https://ops.example.com"
        answer = await sign_in(browser, "ada")

    assert all(cookie.endswith("Secure") for cookie in answer.headers.get_list("set-cookie"))
    assert "strict-transport-security" in answer.headers


async def test_signing_in_anew_ends_the_session_the_browser_had(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await signed_in(api, database, clock, "viewer")
    browser = await signed_in(api, database, clock, "operator")
    elsewhere = client(api)
    await sign_in(elsewhere, "operator")
    first = browser.cookies["quayside_session"]
    form = {"csrf_token": browser.cookies["_csrf_token"], "password": PASSWORD}

    again = await browser.post("/login", data={**form, "name": "viewer"})  # a form left open in another tab
    second = browser.cookies["quayside_session"]
    thief = client(api)
    thief.cookies.set("quayside_session", first)

    assert (again.status_code, second != first) == (303, True)
    assert (await thief.get("/api/v1/vendors")).status_code == 401
    assert (await browser.get("/api/v1/vendors")).status_code == 200
    assert (await elsewhere.get("/api/v1/vendors")).status_code == 200
    [ended] = [act for act in await audit.list_acts(database) if act.act == "session.ended"]
    assert (ended.user_name, ended.subject, ended.facts) == ("viewer", "operator", {"because": "signed in anew"})


async def test_a_session_cookie_that_was_planted_before_is_worth_nothing_after(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "ada", "admin", PASSWORD, now=clock.now())
    async with client(api) as browser, client(api) as attacker:
        for one in (browser, attacker):
            one.cookies.set("quayside_session", "planted")
        await sign_in(browser, "ada")

        assert "planted" not in [cookie.value for cookie in browser.cookies.jar if cookie.domain]
        assert (await attacker.get("/api/v1/vendors")).status_code == 401


async def test_wrong_name_and_wrong_password_read_the_same(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        name = await sign_in(browser, "nobody")
        password = await sign_in(browser, "ada", "wrong password")

    assert (name.status_code, password.status_code) == (401, 401)
    assert "Name or password is wrong" in name.text
    assert "Name or password is wrong" in password.text


async def test_five_wrong_guesses_lock_even_the_right_password_for_a_while(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        for _ in range(5):
            assert (await sign_in(browser, "ada", "wrong password")).status_code == 401
        locked = await sign_in(browser, "ada")
        clock.move(31)
        after = await sign_in(browser, "ada")

    assert (locked.status_code, after.status_code) == (401, 303)
    assert "user.locked" in [act.act for act in await audit.list_acts(database, subject="ada")]


async def test_one_address_may_not_guess_for_ever(database: Database, clock: MovableClock) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with web(database, clock, WebOptions(guesses_per_minute=3)) as api, client(api) as browser:
        statuses = [(await sign_in(browser, f"user{n}", "wrong password")).status_code for n in range(4)]

    assert statuses == [401, 401, 401, 429]


async def test_a_form_without_its_csrf_token_is_shown_again(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        answer = await browser.post("/login", data={"name": "ada", "password": PASSWORD, "csrf_token": ""})

    assert answer.status_code == 403
    assert "quayside_session" not in browser.cookies


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/calls?vendor=fedex", "/calls?vendor=fedex"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/login", "/"),
        ("", "/"),
    ],
)
def test_signing_in_never_leads_off_the_site(target: str, safe: str) -> None:
    assert safe_target(target) == safe


async def test_signing_out_ends_the_session_and_needs_the_csrf_token(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    session, token = viewer.cookies["quayside_session"], viewer.headers.pop("x-csrftoken")

    refused = await viewer.post("/logout")
    viewer.cookies.set("_csrf_token", token)
    gone = await viewer.post("/logout", data={"csrf_token": token})
    viewer.cookies.set("quayside_session", session)

    assert refused.status_code == 403
    assert (gone.status_code, gone.headers["location"]) == (303, "/login")
    assert (await viewer.get("/api/v1/vendors")).status_code == 401


async def test_the_one_time_link_makes_the_first_user_an_admin_once(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    link = await login.first_link(api.state.site)
    assert link is not None
    once = parse_qs(urlsplit(link).query)["once"][0]
    async with client(api) as browser, client(api) as other:
        weak = await sign_in(browser, "ada", "short", once=once)
        made = await sign_in(browser, "ada", PASSWORD, once=once)
        again = await other.get("/login", params={"once": once})

    user = await users.find_user(database, "ada")
    assert weak.status_code == 401
    assert "at least 10" in weak.text
    assert made.status_code == 303
    assert again.status_code == 410
    assert user is not None
    assert user.role == "admin"
    assert await login.first_link(api.state.site) is None


async def test_the_link_ends_after_an_hour(api: FastAPI, clock: MovableClock) -> None:
    link = await login.first_link(api.state.site)
    assert link is not None
    clock.move(3601)

    async with client(api) as browser:
        assert (await browser.get(link)).status_code == 410


async def test_beyond_loopback_there_is_no_link_and_the_page_says_how_to_add_a_user(
    database: Database, clock: MovableClock
) -> None:
    async with web(database, clock, WebOptions(host="0.0.0.0")) as api, client(api, **HTML) as browser:  # noqa: S104
        link = await login.first_link(api.state.site)
        page = await browser.get("/login")

    assert link is None
    assert "python app.py user add NAME --role admin" in page.text
    assert "one-time link" not in page.text


async def test_the_page_needs_no_script_and_nothing_from_elsewhere(api: FastAPI) -> None:
    await login.first_link(api.state.site)
    async with client(api) as browser:
        page = await browser.get("/login")
        style = await browser.get("/login.css")

    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "prefers-color-scheme: dark" in style.text
    assert "url(" not in style.text


async def test_what_is_typed_comes_back_escaped(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    async with client(api) as browser:
        answer = await sign_in(browser, '"><b>x', "wrong password", next='/"><b>')

    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("name", "role", "password", "sentence"),
    [
        ("a b", "viewer", PASSWORD, "will not do"),
        ("Command", "admin", PASSWORD, "what no person does"),
        ("ada", "root", PASSWORD, "choose one of viewer, operator, admin"),
        ("ada", "viewer", "short", "at least 10"),
        ("correct-horse", "viewer", "Correct-Horse", "is the name"),
        ("ada", "viewer", "x" * 257, "at most 256"),
    ],
)
async def test_the_command_refuses_with_the_remedy(
    database: Database, clock: MovableClock, name: str, role: str, password: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        await add_user(database, name, role, password, now=clock.now())


async def test_a_name_or_token_twice_is_refused(database: Database, clock: MovableClock) -> None:
    await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    await add_token(database, "shop", ["orders"], now=clock.now())

    with pytest.raises(ValueError, match='a user "ada" already'):
        await add_user(database, "ada", "viewer", PASSWORD, now=clock.now())
    with pytest.raises(ValueError, match='a token "shop" already'):
        await add_token(database, "shop", ["orders"], now=clock.now())
    with pytest.raises(ValueError, match="Unknown or missing scope: all"):
        await add_token(database, "other", ["all"], now=clock.now())
