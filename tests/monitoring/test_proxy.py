"""Single sign-on: whom a proxy vouches for gets in, from its address only, and out when it no longer does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import Headers

from db import audit, user_rights, user_sessions, users
from db.engine import Database
from monitoring.commands import add_user
from monitoring.options import WebOptions
from monitoring.proxy import address_of
from tests.conftest import MovableClock
from tests.monitoring.browser import HTML, PASSWORD, sign_in, web

OPTIONS = WebOptions(
    proxies=["10.0.0.0/24"],
    proxy_user_header="X-Forwarded-User",
    proxy_groups_header="X-Forwarded-Groups",
    proxy_groups={"ops": "operator", "boss": "admin"},
)

IDLE = timedelta(hours=12)


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock, OPTIONS) as api:
        yield api


def coming(api: FastAPI, address: str = "10.0.0.5", **headers: str) -> httpx.AsyncClient:
    """Somebody whose connection comes from this address."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.ASGITransport(app=api, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8050", headers=named)


async def role_of(db: Database, name: str) -> str | None:
    user = await users.find_user(db, name)
    return user.role if user else None


async def test_the_proxy_lets_somebody_in_with_the_role_of_the_groups(api: FastAPI, database: Database) -> None:
    async with coming(api, x_forwarded_user="mira", x_forwarded_groups="staff, ops") as browser:
        page = await browser.get("/", headers=HTML)
        shown = await browser.get("/api/v1/vendors")
        unsafe = await browser.post("/api/v1/syncs/orders/runs")
        browser.headers["x-csrftoken"] = browser.cookies["_csrf_token"]
        acted = await browser.post("/api/v1/syncs/orders/runs")
        login = await browser.get("/login?next=/calls")

    assert (page.status_code, shown.status_code, unsafe.status_code, acted.status_code) == (200, 200, 403, 202)
    assert login.headers["location"] == "/calls"
    assert await role_of(database, "mira") == "operator"
    acts = await audit.list_acts(database, subject="mira")
    assert sorted(act.act for act in acts) == ["user.added", "user.signed_in"]


async def test_the_same_header_from_anywhere_else_is_refused_everywhere(api: FastAPI, database: Database) -> None:
    async with coming(api, "192.0.2.7", x_forwarded_user="mira", x_forwarded_groups="boss") as browser:
        for path in ("/", "/login", "/api/v1/vendors", "/assets/quayside.css"):
            answer = await browser.get(path, headers=HTML)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:quayside:problem:untrusted_proxy")
        assert (await browser.get("/healthz")).status_code == 200

    assert await role_of(database, "mira") is None


async def test_a_session_of_the_proxy_ends_where_the_proxy_says_so(api: FastAPI) -> None:
    async with coming(api, x_forwarded_user="mira") as browser:
        await browser.get("/", headers=HTML)
        cookies = dict(browser.cookies)
    async with coming(api) as silent, coming(api, "192.0.2.7") as around, coming(api, x_forwarded_user="vik") as other:
        for browser in (silent, around, other):
            browser.cookies.update(cookies)
            assert (await browser.get("/api/v1/vendors")).status_code == 401


@pytest.mark.parametrize("path", ["/", "/calls?vendor=fedex", "/login"])
async def test_who_is_no_longer_vouched_for_comes_to_the_form_and_not_in_circles(
    api: FastAPI, database: Database, clock: MovableClock, path: str
) -> None:
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    async with coming(api, x_forwarded_user="mira") as browser:
        await browser.get("/", headers=HTML)
        del browser.headers["x-forwarded-user"]
        browser.follow_redirects = True
        form = await browser.get(path, headers=HTML)
        let_in = await sign_in(browser, "vik")
        page = await browser.get("/", headers=HTML)

    assert (form.status_code, form.url.path, "Sign in" in form.text) == (200, "/login", True)
    assert (let_in.status_code, page.url.path) == (200, "/")
    assert [one.user_name for one in await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE)] == ["vik"]


async def test_another_person_at_the_same_browser_ends_the_session_of_the_first(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    async with coming(api, x_forwarded_user="mira") as browser:
        await browser.get("/", headers=HTML)
        browser.headers["x-forwarded-user"] = "vik"
        await browser.get("/", headers=HTML)
        await browser.get("/calls", headers=HTML)

    assert [one.user_name for one in await user_sessions.open_sessions(database, now=clock.now(), idle=IDLE)] == ["vik"]


async def test_new_groups_give_another_role_but_never_end_the_last_admin(api: FastAPI, database: Database) -> None:
    for groups, expected in (("boss", "admin"), ("ops", "admin"), ("", "admin")):
        async with coming(api, x_forwarded_user="mira", x_forwarded_groups=groups) as browser:
            await browser.get("/", headers=HTML)
        assert await role_of(database, "mira") == expected
    async with coming(api, x_forwarded_user="boss", x_forwarded_groups="boss") as browser:
        await browser.get("/", headers=HTML)
    async with coming(api, x_forwarded_user="mira", x_forwarded_groups="ops") as browser:
        await browser.get("/", headers=HTML)

    assert await role_of(database, "mira") == "operator"


async def test_who_is_disabled_stays_out_and_a_strange_name_is_refused(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    await user_rights.disable(database, "vik", by="ada", reason=None, now=clock.now())

    for name, kind in (("vik", "not_let_in"), ("a b<script>", "bad_proxy_user"), ("", "bad_proxy_user")):
        async with coming(api, x_forwarded_user=name) as browser:
            answer = await browser.get("/", headers=HTML)
        assert (answer.status_code, answer.json()["type"]) == (403, f"urn:quayside:problem:{kind}")


async def test_without_a_default_role_only_whom_an_admin_added_comes_in(
    database: Database, clock: MovableClock
) -> None:
    options = WebOptions(proxies=["10.0.0.5"], proxy_user_header="Remote-User", proxy_role="")
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    async with web(database, clock, options) as api:
        statuses = []
        for name in ("vik", "eve"):
            async with coming(api, remote_user=name) as browser:
                statuses.append((await browser.get("/", headers=HTML)).status_code)

    assert statuses == [200, 403]


async def test_people_behind_one_proxy_are_locked_out_one_by_one(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await add_user(database, "vik", "viewer", PASSWORD, now=clock.now())
    for number in range(11):
        async with coming(api, x_forwarded_for="198.51.100.1") as guesser:
            answer = await sign_in(guesser, f"user{number}", "wrong password")
    async with coming(api, x_forwarded_for="203.0.113.9, 198.51.100.1") as liar:
        lied = await sign_in(liar, "vik")
    async with coming(api, x_forwarded_for="198.51.100.2") as other:
        let_in = await sign_in(other, "vik")

    assert (answer.status_code, lied.status_code, let_in.status_code) == (429, 429, 303)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "1.1.1.1, 203.0.113.9, 10.0.0.9", "203.0.113.9"),
        ("10.0.0.5", "", ""),
    ],
)
def test_a_request_comes_from_the_last_address_that_is_no_proxy(peer: str, forwarded: str, expected: str) -> None:
    found = address_of({"client": (peer, 1)}, Headers({"x-forwarded-for": forwarded}), OPTIONS)

    assert found == expected


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"proxy_user_header": "Remote-User"}, "anybody could say who they are"),
        ({"proxies": ["10.0.0.300"]}, "write an address or a network"),
        ({"proxies": "10.0.0.5"}, 'write a list: \\["10.0.0.5"\\]'),
        ({"proxies": ["10.0.0.5"], "proxy_user_header": "Remote User"}, "write a header name"),
        ({"proxy_role": "root"}, "choose one of viewer, operator, admin"),
        ({"proxy_groups_header": "G", "proxy_groups": {"ops": "root"}}, "web.proxy_groups.ops"),
        ({"proxy_groups": {"ops": "admin"}}, "without web.proxy_groups_header"),
    ],
)
def test_a_setting_that_would_let_in_too_many_is_refused_at_start(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WebOptions(**values)  # type: ignore[arg-type]  # what a file may hold
