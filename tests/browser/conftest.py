"""A seeded web process and a real Chromium, for tests that look at pages as a person would.

The browser is Chromium or Chrome of the system, or the one named by ``QUAYSIDE_CHROMIUM``. A test fails on any console
error, any error of the page, and any request that leaves this machine. With ``QUAYSIDE_PICTURES=on`` the walks leave
pictures of what they saw in ``tests/screenshots``. ``QUAYSIDE_LATENCY=400`` lets every question of a page to the server take
400 ms longer, which finds tests and pages that are right only while the server is quick.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, async_playwright, expect
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Request as PlaywrightRequest

from db import processes, users
from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from monitoring.facts import VendorFacts
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.hands import Hands
from monitoring.identity import csrf_of, digest
from monitoring.options import WebOptions
from monitoring.web import create_web
from scheduler.triggers import next_times
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.seed import Day, seed_day

expect.set_options(timeout=15_000)  # a laden machine is slow, not wrong
SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")  # the first is the same engine with less around it
PICTURES = os.environ.get("QUAYSIDE_PICTURES", "") == "on"
UPDATES = re.compile("_dash-update-component")
LATENCY = float(os.environ.get("QUAYSIDE_LATENCY", "0")) / 1000  # s


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A running web process: its address, its database, the day in it, and secrets of a session per role."""

    url: str
    db: Database
    day: Day
    sessions: dict[str, str]


def chromium_path() -> str:
    """Return the browser to use. Raise when there is none: a browser test is never skipped."""
    for found in (os.environ.get("QUAYSIDE_CHROMIUM"), *map(shutil.which, BROWSERS)):
        if found:
            return found
    raise RuntimeError("no Chromium found; install one or name it in QUAYSIDE_CHROMIUM")


@contextlib.asynccontextmanager
async def serving(
    db: Database,
    *,
    port: int = 0,
    hands: Hands | None = None,
    vendors: Sequence[VendorFacts] | None = None,
    lost: bool = False,
) -> AsyncIterator[int]:
    """Serve the web application of a database in this loop; give its port. Windows leave it before it ends, unless it is
    to be ``lost`` to them."""
    facts = vendor_facts() if vendors is None else vendors
    api = create_web(db, WebOptions(port=port or 8050), facts, sync_facts(), hands=hands)
    server = uvicorn.Server(
        uvicorn.Config(
            api, port=port, log_config=None, access_log=False, ws="websockets-sansio", timeout_graceful_shutdown=1
        )
    )
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.01)
        port = int(server.servers[0].sockets[0].getsockname()[1])
        yield port
    finally:
        for visitor in [] if lost else list(VISITORS):
            if visitor.web.url.endswith(f":{port}"):
                await visitor.go_away()
        server.should_exit = True
        await task


async def sign_in(db: Database, name: str, role: users.Role) -> str:
    """Add a user with an open session; return the session's secret."""
    now, secret = datetime.now(UTC), secrets.token_urlsafe(16)
    await users.add_user(db, name=name, role=role, password_hash="-", now=now)
    await users.open_session(
        db, session_id=digest(secret), user_name=name, now=now, expires_at=now + timedelta(hours=1), agent=None
    )
    return secret


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield started
        await started.close()


async def open_empty(path: Path) -> Database:
    """Return a migrated, empty SQLite database."""
    db = open_database(f"sqlite:///{path}", Seal(["a key for the tests only"]))
    await migrate(db)
    return db


@pytest.fixture(scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    db = await open_empty(tmp_path_factory.mktemp("browser") / "quayside.db")
    day = await seed_day(db)
    sessions = {"operator": await sign_in(db, "mira", "operator"), "viewer": await sign_in(db, "vik", "viewer")}
    sessions["admin"] = await sign_in(db, "ada", "admin")
    alive = asyncio.create_task(_scheduler_lives(db))
    async with serving(db, hands=Hands(next_times=next_times)) as port:
        yield Web(url=f"http://127.0.0.1:{port}", db=db, day=day, sessions=sessions)
    alive.cancel()
    await db.close()


async def _scheduler_lives(db: Database) -> None:
    """Beat as a scheduler does, so that only the test of its silence sees the banner."""
    while True:
        await processes.beat(db, "scheduler-seed", now=datetime.now(UTC))
        await asyncio.sleep(2)


DRAWN = "() => [...document.querySelectorAll('#page .dash-graph')].every(graph => graph.querySelector('.main-svg'))"


CUT_OFF = ("Failed to fetch", "did not respond", "ERR_ABORTED")  # what a page says of its requests while it is left


class Visitor:
    """One person's browser window. ``problems`` is what went wrong in it; ``expected`` may forgive some."""

    def __init__(self, context: BrowserContext, page: Page, web: Web, *, alone: bool) -> None:
        self.context = context
        self.page = page
        self.web = web
        self.alone = alone
        self.problems: list[str] = []
        self.expected: Callable[[str], bool] = lambda _problem: False
        self._leaving = False
        self._asked: set[PlaywrightRequest] = set()  # what the page waits for
        page.on("request", self._ask)
        page.on("requestfinished", lambda request: self._asked.discard(request))
        page.on("requestfailed", lambda request: self._asked.discard(request))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note(f"page: {error}"))
        context.on("request", self._check)

    async def go_away(self) -> None:
        """Leave the page, whose server is about to end; what it says from now on is no problem."""
        self.expected = lambda _problem: True
        with contextlib.suppress(PlaywrightError):  # the test has closed it
            for page in self.context.pages:
                await page.goto("about:blank")

    def leave(self) -> None:
        """Watch the window no more."""
        self.context.remove_listener("request", self._check)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text}")

    def _check(self, request: PlaywrightRequest) -> None:
        if not request.url.startswith((self.web.url, "data:", "blob:")):
            self._note(f"left the machine: {request.url}")

    def _ask(self, request: PlaywrightRequest) -> None:
        if UPDATES.search(request.url):
            self._asked.add(request)

    def _note(self, problem: str) -> None:
        if not self.expected(problem) and not (self._leaving and any(word in problem for word in CUT_OFF)):
            self.problems.append(problem)

    async def open(self, path: str) -> Page:
        """Open a page and wait until its parts are no longer loading."""
        self._leaving = True
        await self.page.goto(self.web.url + path)
        self._leaving = False
        await self.settled()
        return self.page

    async def settled(self) -> None:
        """Wait until no part of the page is loading."""
        await self.page.wait_for_selector("#page h1, #page .q-state")
        await self.page.locator("#page [aria-busy=true]").last.wait_for(state="detached")
        await self.page.wait_for_function(DRAWN)

    @contextlib.asynccontextmanager
    async def unanswered(self) -> AsyncIterator[None]:
        """Let the page wait for every answer of the server as long as this lasts."""
        over = asyncio.Event()

        async def hold(route: Route) -> None:
            await over.wait()
            await route.continue_()

        await self.page.route(UPDATES, hold)
        yield
        over.set()

    async def answered(self) -> None:
        """Wait until the page waits for no answer."""
        while self._asked:
            await self.page.wait_for_timeout(20)

    async def pause(self) -> None:
        """Pause the live updates, and wait until the last of them has come: from then on nothing is drawn anew."""
        await self.page.get_by_label("Live updates").focus()
        await self.page.keyboard.press("Space")
        await expect(self.page.locator("#live-word")).to_have_text("Paused")
        await self.answered()

    async def picture(self, name: str) -> None:
        """Wait until the page stands still; write a picture of all of it, where pictures are wanted."""
        await self.page.wait_for_timeout(350)  # entrance animations of the kit
        if not PICTURES:
            return
        SCREENSHOTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


async def _later(route: Route) -> None:
    await asyncio.sleep(LATENCY)
    with contextlib.suppress(PlaywrightError):  # the page has been left
        await route.continue_()


VISITORS: list[Visitor] = []  # whose windows are open


class Windows:
    """Browser contexts of the tests of a file, used again one after the other: with a warm cache a page opens in about four
    fifths of the time. What a test leaves in one (pages, cookies, storage) is taken away before the next."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[BrowserContext]] = {}

    async def take(self, web: Web, role: str, *, width: int, scheme: str, alone: bool) -> Visitor:
        """Return a signed-in window. One that is to be ``alone`` has a cache and permissions of its own."""
        idle = self._idle.setdefault(web.url, [])
        if idle and not alone:
            context = idle.pop()
        else:
            context = await self._browser.new_context(timezone_id="Asia/Dubai")
        secret = web.sessions[role]
        await context.add_cookies(
            [
                {"name": SESSION_COOKIE, "value": secret, "url": web.url},
                {"name": CSRF_COOKIE, "value": csrf_of(secret), "url": web.url},
            ]
        )
        page = await context.new_page()
        if LATENCY:
            await page.route(UPDATES, _later)
        await page.set_viewport_size({"width": width, "height": 900 if width > 800 else 844})
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        visitor = Visitor(context, page, web, alone=alone)
        VISITORS.append(visitor)
        return visitor

    async def give_back(self, visitor: Visitor) -> None:
        """Clear a window for the next test; close what cannot be cleared."""
        visitor.leave()
        VISITORS.remove(visitor)
        context = visitor.context
        try:
            await visitor.page.evaluate("() => localStorage.clear()")
            for page in context.pages:
                await page.close()
            await context.clear_cookies()
        except PlaywrightError:  # it shows no page of ours, or the test has closed it
            visitor.alone = True
        if visitor.alone:
            await context.close()
        else:
            self._idle[visitor.web.url].append(context)

    async def close(self) -> None:
        for contexts in self._idle.values():
            for context in contexts:
                await context.close()


@pytest.fixture(scope="module")
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    found = Windows(browser)
    yield found
    await found.close()


@pytest.fixture
async def visit(windows: Windows, web: Web) -> AsyncIterator[Callable[..., object]]:
    """Give a function that opens a window: (role, width, scheme) -> Visitor. Fail on whatever went wrong in any."""
    visitors: list[Visitor] = []

    async def window(
        role: str = "operator",
        *,
        width: int = 1440,
        scheme: str = "light",
        on: Web | None = None,
        alone: bool = False,
    ) -> Visitor:
        visitor = await windows.take(on or web, role, width=width, scheme=scheme, alone=alone)
        visitors.append(visitor)
        return visitor

    yield window
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        await windows.give_back(visitor)
    assert problems == []
