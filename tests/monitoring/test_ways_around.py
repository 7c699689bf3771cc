"""Ways around the guard that a person who wants to get in would try: methods, spellings, headers, sockets, copied ids.

``test_every_way_in.py`` walks what there is; this walks what there should not be.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from db import run_history, saved_views, user_rights, users
from db.engine import Database
from monitoring import dashboard
from monitoring.guard import OPEN_BELOW, OPEN_PATHS
from monitoring.identity import digest
from monitoring.options import WebOptions
from monitoring.pages.settings import PARTS
from monitoring.web import create_web
from tests.conftest import MovableClock
from tests.monitoring import test_every_way_in as walk
from tests.monitoring.browser import HTML, client, running, signed_in
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.sockets import socket_scope

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW")
SOCKET = "/_dash-ws-callback"
OVERRIDES = {"x-http-method-override": "POST", "x-method-override": "POST", "x-http-method": "POST"}


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    """The application with a route that vendors deliver to, as the product has one."""
    brought = APIRouter()

    @brought.post("/webhooks/{vendor}")
    async def deliver(vendor: str) -> dict[str, str]:
        return {"delivered": vendor}

    api = create_web(database, WebOptions(), vendor_facts(), sync_facts(), clock.now, brought=[brought])
    async with running(api):
        yield api


async def raw(api: FastAPI, method: str, target: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Ask for a target exactly as it is spelled, which a well-behaved client would tidy up; return status and body."""
    path, _, query = target.partition("?")
    said: list[Any] = []

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (first := next(asked, None)) is not None:
            return first
        await asyncio.Event().wait()  # whoever asks goes on listening, and says no more
        raise AssertionError

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8050),
    }
    await api(scope, receive, send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:]).decode()


@pytest.mark.parametrize("accept", [{}, HTML], ids=["program", "browser"])
async def test_an_open_path_is_open_to_its_own_methods_only(api: FastAPI, accept: dict[str, str]) -> None:
    below = [
        OPEN_BELOW,
        f"{OPEN_BELOW}fedex",
        f"{OPEN_BELOW}fedex/more",
        f"{OPEN_BELOW}../calls",
        f"{OPEN_BELOW}/calls",
    ]
    for path in [*OPEN_PATHS, *below]:
        allowed = OPEN_PATHS.get(path, {"POST"})
        for method in METHODS:
            status, body = await raw(api, method, path, accept)
            if method in allowed:
                assert status not in (303, 401), f"{method} {path}"
            else:
                assert status == (303 if accept and method == "GET" else 401), f"{method} {path} answered {status}"
            assert "_dash-app" not in body, f"{method} {path} showed the application to nobody"
            assert "dash-renderer" not in body, f"{method} {path} showed the application to nobody"


async def test_only_a_delivery_reaches_the_route_of_the_vendors(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    async with client(api) as vendor:
        delivered = await vendor.post("/webhooks/fedex")

    looked = await viewer.get("/webhooks/fedex", headers=HTML)

    assert (delivered.status_code, delivered.json()) == (200, {"delivered": "fedex"})
    assert (looked.status_code, looked.json()["detail"]) == (
        404,
        "Vendors deliver here, by POST; there is nothing to see.",
    )


SPELLINGS = (
    *("//", "//login", "/login/", "/LOGIN", "/Login", "/login//", "/login/x", "/login/password/", "/login.css/x"),
    *(
        "/login/../calls",
        "/login/..%2fcalls",
        "/login%2f..%2fcalls",
        "/login/%2e%2e/calls",
        "/login;/calls",
        "/login%20",
    ),
    *(
        "/healthz/",
        "/healthz/x",
        "/HEALTHZ",
        "/healthz%2f",
        "/healthz;x",
        "/readyz/../calls",
        "/./healthz",
        "/%2fhealthz",
    ),
    *("/webhooks", "/Webhooks/fedex", "//webhooks/fedex", "/webhooks%2f", "/x/../webhooks/fedex", "/api/../webhooks/x"),
    *("//api/v1/vendors", "/api//v1/vendors", "/API/v1/vendors", "/api/v1/vendors/", "/api/v1/%76endors", "/api/docs/"),
    *("/assets/../healthz", "/assets/..%2f..%2fguard.py", "/assets/%2e%2e/login.css", "/assets//etc/passwd"),
    *("/_dash-update-component/", "//_dash-update-component", "/_DASH-layout", "/_dash-layout/", "/_favicon.ico"),
    *("/metrics/", "/Metrics", "//metrics", "/metrics?format=openmetrics", "/calls.csv", "/api/v1/calls.csv"),
    *(
        "/.env",
        "/.git/config",
        "/.well-known/security.txt",
        "/robots.txt",
        "/static/x",
        "/docs",
        "/redoc",
        "/openapi.json",
    ),
    *("/_mcp", "/_reload-hash", "/_dash-component-suites/dash/deps/polyfill@7.min.js", "/?login", "/calls?/login"),
)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_a_path_lets_nobody_in(api: FastAPI, spelling: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        if method == "POST" and unquote(spelling).startswith(OPEN_BELOW):
            continue  # open, and a path that is no vendor's leads nowhere: the test above
        status, body = await raw(api, method, spelling)
        assert status == 401, f"{method} {spelling} answered {status} {body[:200]}"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-original-url": "/healthz", "x-rewrite-url": "/healthz"},
        {"x-forwarded-prefix": "/login", "x-script-name": "/login"},
        {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "x-forwarded-host": "localhost"},
        {"x-forwarded-user": "ada", "remote-user": "ada", "x-remote-user": "ada", "x-auth-request-user": "ada"},
        {"cookie": "quayside_session="},
        {"cookie": "quayside_session=; quayside_session=x"},
        {"cookie": 'quayside_session="\\'},
        {"authorization": ""},
        {"quayside.warm_up": "true", "x-quayside-warm-up": "1"},
        OVERRIDES,
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_no_header_lets_nobody_in(api: FastAPI, headers: dict[str, str]) -> None:
    for path in ("/", "/calls", "/api/v1/vendors", "/metrics", "/assets/quayside.css", "/_dash-layout"):
        assert (await raw(api, "GET", path, headers))[0] == 401, path
    assert (await raw(api, "POST", "/_dash-update-component", headers))[0] == 401


async def test_what_is_stored_of_a_session_is_no_way_in(api: FastAPI, database: Database, clock: MovableClock) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    stored = digest(viewer.cookies["quayside_session"])

    status, _ = await raw(api, "GET", "/api/v1/vendors", {"cookie": f"quayside_session={stored}"})

    assert status == 401


async def test_asking_by_get_acts_nowhere_whatever_it_says_it_is(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await signed_in(api, database, clock, "admin")
    reads = [path for path, methods in api.openapi()["paths"].items() if "get" in methods]

    for path in [
        *reads,
        *(path for _method, path in walk.ROUTES),
        *OPEN_PATHS,
        "/calls.csv",
        "/",
        "/calls",
        "/metrics",
    ]:
        filled = re.sub(r"\{[^}]*\}", "x", path)
        with walk.watched(monkeypatch) as (_asked, written):
            answer = await admin.get(f"{filled}?_method=POST", headers=OVERRIDES)
        assert written == [], f"GET {path} wrote"
        assert answer.status_code < 500 or path == "/readyz", f"GET {path} answered {answer.status_code}"


async def test_what_is_sent_as_a_form_or_a_file_is_no_callback(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await signed_in(api, database, clock, "operator")
    output, known = walk.callbacks(api)["pages.syncs:run_now"]
    sent = json.dumps(walk.payload(output, known))
    token = operator.headers.pop("x-csrftoken")

    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        with walk.watched(monkeypatch) as (_asked, written):
            foreign = await operator.post(  # what a page of somebody else could let a browser send
                f"/_dash-update-component?csrf_token={token}", content=sent, headers={"content-type": content_type}
            )
        assert (foreign.status_code, written) == (403, []), content_type


def test_no_page_takes_a_file_and_no_script_of_ours_sends_by_itself() -> None:
    here = Path(dashboard.__file__).parent
    pages = "".join(path.read_text(encoding="utf-8") for path in here.rglob("*.py"))
    scripts = "".join(path.read_text(encoding="utf-8") for path in (here / "assets").glob("*.js"))

    assert re.findall(r"dcc\.Upload|UploadFile|python_multipart", pages) == []
    assert re.findall(r"XMLHttpRequest|sendBeacon|\.submit\(|new WebSocket|EventSource|\beval\(", scripts) == []
    asked = re.findall(r"(?<!window\.)\bfetch\([^;]*;", scripts)
    assert len(asked) == 1  # head.js asks early for what the renderer asks for anyway
    assert "method" not in asked[0]


class Socket:
    """A WebSocket of somebody, driven by hand; ``said`` is what the application sent."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said: list[dict[str, Any]] = []
        self.heard = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.said.append(message)
        self.heard.set()

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the first message of a kind, once it is there."""
        async with asyncio.timeout(10):
            while not (found := [message for message in self.said if message["type"] == kind]):
                self.heard.clear()
                await self.heard.wait()
        return found[0]

    def ask(self, payload: Any) -> None:
        """Send what a page sends to run a callback."""
        text = json.dumps({"type": "callback_request", "requestId": "1", "rendererId": "r", "payload": payload})
        self.told.put_nowait({"type": "websocket.receive", "text": text})


@asynccontextmanager
async def socket(api: FastAPI, path: str, headers: Mapping[str, str]) -> AsyncIterator[Socket]:
    """Open a WebSocket; an error of the application ends it, as a server ends it."""
    here = Socket()
    here.told.put_nowait({"type": "websocket.connect"})
    running_here = asyncio.create_task(api(socket_scope(headers, path), here.told.get, here.send))
    running_here.add_done_callback(lambda _task: here.heard.set())
    try:
        yield here
    finally:
        here.told.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait({running_here}, timeout=10)
        running_here.cancel()
        await asyncio.gather(running_here, return_exceptions=True)


def of(browser: httpx.AsyncClient) -> dict[str, str]:
    """The headers with which a browser opens a WebSocket."""
    return {
        "host": "127.0.0.1:8050",
        "origin": "http://127.0.0.1:8050",
        "cookie": f"quayside_session={browser.cookies['quayside_session']}",
    }


async def test_nobody_opens_a_socket_anywhere(api: FastAPI) -> None:
    home = {"host": "127.0.0.1:8050", "origin": "http://127.0.0.1:8050"}
    for path in (
        SOCKET,
        *OPEN_PATHS,
        f"{OPEN_BELOW}fedex",
        "/",
        "/calls",
        "/api/v1/calls",
        f"//{SOCKET}",
        f"{SOCKET}/",
    ):
        async with socket(api, path, {**home, "authorization": "Bearer x"}) as opened:
            closed = await opened.until("websocket.close")
        assert (len(opened.said), closed["code"]) == (1, 4401), path


async def test_a_socket_opens_at_one_path_only(api: FastAPI, database: Database, clock: MovableClock) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    for path in (
        "/",
        "/login",
        f"{OPEN_BELOW}fedex",
        "/calls",
        "/api/v1/calls",
        f"{SOCKET}/",
        "/_dash-update-component",
    ):
        async with socket(api, path, of(viewer)) as opened:
            await opened.until("websocket.close")
        assert [message["type"] for message in opened.said] == ["websocket.close"], path


async def test_no_act_goes_over_a_socket_whoever_sends_it(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    admin = await signed_in(api, database, clock, "admin")
    known_here = walk.callbacks(api)
    over_sockets = {name for name, (_output, known) in known_here.items() if known["websocket"]}

    assert over_sockets.isdisjoint(walk.ACTING)
    for person in (viewer, admin):
        for name in walk.ACTING:
            with walk.watched(monkeypatch) as (asked, written):
                async with socket(api, SOCKET, of(person)) as opened:
                    await opened.until("websocket.accept")
                    opened.ask(walk.payload(*known_here[name]))
            assert (asked, written) == ([], []), f"{name} was run over a WebSocket"


@pytest.mark.parametrize("change", ["revoked", "demoted", "nothing"])
async def test_what_comes_over_an_open_socket_is_judged_by_the_rights_of_now(
    api: FastAPI, database: Database, clock: MovableClock, change: str
) -> None:
    operator = await signed_in(api, database, clock, "operator")
    guard = api.state.guard
    guard.sockets._every = 3600.0  # the look at all sockets is not what is tested here

    async with socket(api, SOCKET, of(operator)) as opened:
        await opened.until("websocket.accept")
        if change == "revoked":
            await users.close_sessions_of(database, "operator")
        elif change == "demoted":
            await user_rights.set_role(database, "operator", "viewer", by="ada", reason=None, now=clock.now())
        opened.told.put_nowait({"type": "websocket.receive", "text": '{"type": "heartbeat"}'})
        answer = await opened.until("websocket.send" if change == "nothing" else "websocket.close")

    assert answer.get("code") == (None if change == "nothing" else 4401)


async def test_a_copied_id_ends_no_session_and_changes_no_view_of_somebody_else(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    admin = await signed_in(api, database, clock, "admin")
    hers = digest(admin.cookies["quayside_session"])
    await saved_views.save(database, owner="admin", name="night", address="/calls", shared=True, now=clock.now())
    [view] = await saved_views.seen_by(database, "viewer")
    known_here = walk.callbacks(api)
    monkeypatch.setitem(walk._WILD, "end", hers)
    for name, value in {"view-id": view.id, "view-name": "mine now", "view-shared": True}.items():
        monkeypatch.setitem(walk.SAMPLES, name, value)

    for name in ("pages.settings_sessions:end", "pages.views:change_view", "pages.views:remove_view"):
        assert (await walk.call(viewer, *known_here[name])).status_code == 200, name
    still = await saved_views.seen_by(database, "admin")

    assert (await admin.get("/api/v1/vendors")).status_code == 200
    assert [(one.name, one.owner, one.shared) for one in still] == [("night", "admin", True)]


async def test_what_only_an_admin_or_operator_reads_is_not_shown_by_a_copied_callback(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    admin = await signed_in(api, database, clock, "admin")
    viewer = await signed_in(api, database, clock, "viewer")
    secret_name = "zebra-the-unseen"
    await users.add_user(database, name=secret_name, role="operator", password_hash=None, now=clock.now())
    seen: dict[str, list[bool]] = {}
    for name, (output, known) in walk.callbacks(api).items():
        if name in walk.ACTING or known["websocket"]:
            continue
        parts = [f"?part={part}" for part in PARTS] if name.startswith("pages.settings") else [""]
        for part in parts:
            sent = walk.payload(output, known)
            for one in [*sent["inputs"], *sent["state"]]:
                if isinstance(one, dict) and one["id"] == "url" and one["property"] == "search":
                    one["value"] = part
                if isinstance(one, dict) and one["id"] == "url" and one["property"] == "pathname":
                    one["value"] = "/settings"
            answers = [await person.post("/_dash-update-component", json=sent) for person in (admin, viewer)]
            seen.setdefault(name, []).append(secret_name in answers[0].text)
            assert secret_name not in answers[1].text, f"{name} {part} showed a viewer what is not theirs"

    assert any(any(found) for found in seen.values()), "not even an admin was shown it: the walk sees nothing"


@pytest.mark.parametrize("name", ["pages.syncs:run_now", "pages.plans:plan"])
async def test_only_a_sync_is_started_by_a_copied_callback(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    operator = await signed_in(api, database, clock, "operator")
    for asked, number in (("fedex", 0), ("nothing", 0), ("orders", 1)):
        monkeypatch.setitem(walk._WILD, "sync", asked)
        monkeypatch.setitem(walk.SAMPLES, "plans-asked", {"row": asked, "act": "dry_run"})
        await walk.call(operator, *walk.callbacks(api)[name])

        assert len(await run_history.queued(database)) == number, asked


async def test_page_that_stays_open_while_its_reader_loses_a_right_goes_on(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    output, known = walk.callbacks(api)["pages.syncs:show"]
    sent = walk.payload(output, known)
    for part in sent["outputs"]:
        if isinstance(part, list):  # as drawn for an operator: a button of each sync
            part[:] = [{**part[0], "id": {**part[0]["id"], "sync": facts.name}} for facts in sync_facts()]
    answer = await viewer.post("/_dash-update-component", json=sent)

    assert answer.status_code == 200
    shown = answer.json()["response"]
    assert all(shown[f'{{"act":"run","sync":"{facts.name}"}}'] == {"disabled": True} for facts in sync_facts())


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
async def test_no_callback_that_only_shows_fails(
    api: FastAPI, database: Database, clock: MovableClock, role: str
) -> None:
    person = await signed_in(api, database, clock, role)
    failed = {}
    for name, (output, known) in walk.callbacks(api).items():
        if name not in walk.ACTING and not known["websocket"]:
            answer = await walk.call(person, output, known)
            if answer.status_code not in (200, 204):
                failed[name] = (answer.status_code, answer.text)

    assert failed == {}


async def test_what_fails_in_dash_itself_is_logged_and_has_a_correlation_id(
    api: FastAPI, database: Database, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    answer = await viewer.post("/_dash-update-component", json={"output": "page.children"})

    assert answer.status_code == 500
    document = answer.json()
    assert document["type"] == "urn:quayside:problem:internal_error"
    (line,) = [record for record in caplog.records if record.message == "request.failed"]
    assert document["correlation_id"] == line.__dict__["correlation_id"] != ""
