"""Bundles are made once and given again as they are; the guard still stands before them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from db.engine import Database
from db.users import close_sessions_of
from monitoring.guard import FILES_FOR
from monitoring.ready_files import ReadyFiles
from tests.conftest import MovableClock
from tests.monitoring.browser import signed_in, web

BUNDLE = "/_dash-component-suites/dash/deps/react@18.v4_4_1m1795637270.3.1.min.js"


class _Maker:
    """Answers anything, and counts how often it had to."""

    def __init__(self, status: int = 200) -> None:
        self.made = 0
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made += 1
        await Response(f"{scope['path']} {self.made}", self._status)(scope, receive, send)


async def _ask(app: ReadyFiles, path: str, query: bytes = b"", accept: bytes = b"gzip") -> bytes:
    body = b""

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            message["headers"].append((b"set-cookie", b"mine=1"))  # as the guard adds to them
            assert [name for name, _ in message["headers"]].count(b"set-cookie") == 1
        body += message.get("body", b"")

    headers = [(b"accept-encoding", accept)]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers}
    await app(scope, receive, send)
    return body


async def test_what_never_changes_is_made_once_for_each_encoding() -> None:
    maker = _Maker()
    files = ReadyFiles(maker)

    first, again = await _ask(files, BUNDLE), await _ask(files, BUNDLE)
    plain = await _ask(files, BUNDLE, accept=b"identity")
    asset = [await _ask(files, "/assets/quayside.css", b"m=1795697054.37") for _ in range(2)]

    assert first == again
    assert plain != first
    assert asset[0] == asset[1]
    assert maker.made == 3


async def test_pages_errors_and_files_without_a_fingerprint_are_made_each_time() -> None:
    maker, broken = _Maker(), _Maker(status=404)
    files, missing = ReadyFiles(maker), ReadyFiles(broken)

    for _ in range(2):
        await _ask(files, "/")
        await _ask(files, "/assets/favicon.svg")
        await _ask(files, "/assets/quayside.css", b"m=1&x=2")
        await _ask(missing, BUNDLE)

    assert (maker.made, broken.made) == (6, 2)


async def test_an_ended_session_gets_no_page_any_more_and_soon_no_file(database: Database, clock: MovableClock) -> None:
    async with web(database, clock) as api:
        viewer = await signed_in(api, database, clock, "viewer")
        asked = "/assets/favicon.svg"
        assert (await viewer.get(asked)).status_code == 200
        await close_sessions_of(database, "viewer")

        page, layout = await viewer.get("/", headers={"accept": "text/html"}), await viewer.get("/_dash-layout")
        clock.move(FILES_FOR.total_seconds())
        file = await viewer.get(asked)

    assert (page.status_code, layout.status_code, file.status_code) == (303, 401, 401)


async def test_a_layout_that_knows_where_it_is_shown_brings_the_page_along(
    database: Database, clock: MovableClock
) -> None:
    async with web(database, clock) as api:
        viewer = await signed_in(api, database, clock, "viewer")
        where = {"pathname": "/", "search": "?find=nobody", "zone": "Europe/Berlin", "hash": ""}
        known, elsewhere, unknown = [
            (await viewer.get("/_dash-layout", params=params)).text
            for params in (where, where | {"pathname": "/nowhere"}, {})
        ]

    assert "No vendor fits the filter." in known or "No vendor is set up." in known
    assert '"value":"nobody"' in known
    assert "There is no such page." in elsewhere
    assert "overview-drawn" not in unknown
