"""Every way in, walked: pages, callbacks, assets, routes and the WebSocket, as nobody, as a viewer, as who lacks a right.

Each callback stands in one of the two tables below by ``module:function``, each unsafe route of the API in the third.
One that stands in none fails the first tests here, with what to do.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from fastapi import FastAPI

from db import user_rights
from db.engine import Database
from monitoring import dashboard
from monitoring.identity import SCOPES, Identity, token_scopes
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.conftest import MovableClock
from tests.monitoring.browser import HTML, client, running, signed_in, with_token
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.sockets import page_socket

Right = Literal["operate", "trigger", "admin", "own"]

# What changes something, and the right it asks for before anything else. "own" is one's own password and sessions.
ACTING: Mapping[str, Right] = {
    "pages.circuit_dialog:act": "operate",
    "pages.circuit_dialog:take_back": "operate",
    "pages.incident_acts:act_on_incident": "operate",
    "pages.incident_acts:do_to_incident": "operate",
    "pages.game_day:inject": "operate",
    "pages.game_day:play_scenario": "operate",
    "pages.game_day:stop_faults": "operate",
    "pages.letters:settle_letters": "operate",
    "pages.letters:take_letter_back": "operate",
    "pages.letters:ask_letters": "trigger",
    "pages.limits:back_to_file": "operate",
    "pages.limits:edit_limit": "operate",
    "pages.agreeing:save": "operate",
    "pages.settings_kept:save_age": "admin",
    "pages.settings_sessions:end": "own",
    "pages.settings_tokens:make_token": "admin",
    "pages.settings_tokens:revoke": "admin",
    "pages.settings_users:add_user": "admin",
    "pages.settings_users:make_link": "admin",
    "pages.settings_users:save_user": "admin",
    "pages.settings_you:change_password": "own",
    "pages.settings_you:end_my_others": "own",
    "pages.pause_dialog:pause": "operate",
    "pages.pause_dialog:resume": "operate",
    "pages.schedule_dialog:edit_schedule": "operate",
    "pages.plan_dialog:decide": "trigger",
    "pages.plans:plan": "trigger",
    "pages.undo_dialog:undo": "operate",
    "pages.replay_dialog:start_replay": "trigger",
    "pages.replays:cancel_replay": "trigger",
    "pages.settling:settle": "operate",
    "pages.try_out:ask_checkout": "trigger",
    "pages.zone:keep_zone": "own",
    "pages.views:change_view": "own",
    "pages.views:remove_view": "own",
    "pages.views:save_view": "own",
    "pages.backfill:resume_backfill": "trigger",
    "pages.backfill:stop_backfill": "trigger",
    "pages.backfills:begin_backfill": "trigger",
    "pages.syncs:cancel": "trigger",
    "pages.syncs:run_now": "trigger",
}

# What a click or a choice asks for and that only shows something. What follows the URL, the clock or news, and what keeps
# filters and URL the same (``…_from_url``, ``url_from_…``) need not be named: it is walked as well, and must write nothing.
SHOWING = frozenset(
    {
        "live:push_again",
        "live:push_from_the_start",
        "pages.agreeing:ask",
        "pages.audit:suggest",
        "pages.calls:rows",
        "pages.calls:show_columns",
        "pages.calls:show_grid",
        "pages.circuit_dialog:ask",
        "pages.converter:offer",
        "pages.converter:show_conversion",
        "pages.game_day:operations_of_vendor",
        "pages.game_day:value_of_fault",
        "pages.incident_acts:ask_incident",
        "pages.incident_summary:open_summary",
        "pages.limits:ask_limit",
        "pages.settings_kept:ask_age",
        "pages.settings_kept:count",
        "pages.settings_tokens:ask_revoke",
        "pages.settings_tokens:ask_token",
        "pages.settings_users:ask_add_user",
        "pages.settings_users:ask_link",
        "pages.settings_users:ask_user",
        "pages.pause_dialog:ask_pause",
        "pages.schedule_dialog:ask_schedule",
        "pages.schedule_dialog:fill_from_file",
        "pages.schedule_dialog:show_next",
        "pages.plan_dialog:ask",
        "pages.undo_dialog:ask",
        "pages.rates:offer",
        "pages.replay_dialog:ask_replay",
        "pages.replays:ask_cancel_replay",
        "pages.settling:ask",
        "pages.shell:own_range",
        "pages.shell:zoom",
        "pages.backfill:ask_resume",
        "pages.backfill:ask_stop",
        "pages.backfills:ask_backfill",
        "pages.backfills:show_preview",
        "pages.syncs:ask_cancel",
        "pages.try_out:show_command",
        "pages.syncs:ask_cancel_this",
        "pages.vendor:show_charts",
        "pages.views:ask_view",
        "pages.views:show_views",
        "pages.zone:list_zones",
    }
)
_KEEPS_THE_URL = re.compile(r"\w+_from_url|url_from_\w+")
_FOLLOWED = frozenset(
    {"tick", "acted", "url", "zone", "beat", "poll", "clock", "vendor-name", "trace-id", "plan-run"}
    | {"calls-wanted", "replay-id", "backfill-id", "incident-id"}
)

# Unsafe routes of the API and the one scope that opens each.
ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "/api/v1/circuits/{vendor}"): "operate",
    ("POST", "/api/v1/circuits/{vendor}/take-back"): "operate",
    ("DELETE", "/api/v1/limits/{vendor}"): "operate",
    ("POST", "/api/v1/incidents/{id}/acknowledge"): "operate",
    ("POST", "/api/v1/incidents/{id}/hand-back"): "operate",
    ("POST", "/api/v1/incidents/{id}/notes"): "operate",
    ("DELETE", "/api/v1/incidents/{id}/notes/{note}"): "operate",
    ("POST", "/api/v1/incidents/{id}/reopen"): "operate",
    ("POST", "/api/v1/incidents/{id}/resolve"): "operate",
    ("POST", "/api/v1/incidents/{id}/silence"): "operate",
    ("DELETE", "/api/v1/incidents/{id}/silence"): "operate",
    ("POST", "/api/v1/orders"): "orders",
    ("POST", "/api/v1/outcomes/{id}/settle"): "operate",
    ("POST", "/api/v1/plans/{run_id}/apply"): "trigger",
    ("POST", "/api/v1/plans/{run_id}/go-on"): "trigger",
    ("POST", "/api/v1/plans/{run_id}/throw-away"): "trigger",
    ("POST", "/api/v1/conflicts/{id}/undo"): "operate",
    ("POST", "/api/v1/conflicts/runs/{run_id}/undo"): "operate",
    ("POST", "/api/v1/replays"): "trigger",
    ("POST", "/api/v1/replays/preview"): "read",
    ("POST", "/api/v1/replays/{id}/cancel"): "trigger",
    ("POST", "/api/v1/syncs/{name}/backfills"): "trigger",
    ("POST", "/api/v1/syncs/{name}/backfills/preview"): "read",
    ("POST", "/api/v1/syncs/{name}/backfills/{id}/cancel"): "trigger",
    ("POST", "/api/v1/syncs/{name}/backfills/{id}/resume"): "trigger",
    ("POST", "/api/v1/syncs/{name}/runs"): "trigger",
    ("POST", "/api/v1/syncs/{name}/runs/{id}/cancel"): "trigger",
    ("PUT", "/api/v1/limits/{vendor}"): "operate",
    ("PUT", "/api/v1/syncs/{name}/schedule"): "operate",
    ("POST", "/api/v1/dead-letters/retry"): "trigger",
    ("POST", "/api/v1/dead-letters/give-up"): "operate",
    ("POST", "/api/v1/dead-letters/{id}/retry"): "trigger",
    ("POST", "/api/v1/dead-letters/{id}/give-up"): "operate",
    ("POST", "/api/v1/dead-letters/{id}/take-back"): "operate",
    ("DELETE", "/api/v1/syncs/{name}/schedule"): "operate",
    ("POST", "/api/v1/syncs/{name}/pause"): "operate",
    ("POST", "/api/v1/syncs/{name}/resume"): "operate",
    ("PUT", "/api/v1/inventory/{sku}"): "inventory",
}

# What a callback must be given to get as far as asking who it is: component id -> value.
SAMPLES: Mapping[str, Any] = {
    "circuit-seen": ["fedex", 0],
    "circuit-back": {"row": "fedex@0", "act": "take_back"},
    "settle-id": "ZmVkZXgvY3JlYXRlX3NoaXBtZW50L2s",
    "cancel-run": "r1",
    "incident-seen": ["i1", "resolve", [None, None]],
    "incident-now": {"incident": "i1", "now": "acknowledge"},
    "pause-sync": "orders",
    "letters-asked": {"letter": "all", "verdict": "retried"},
    "letters-back": {"back": "l1"},
    "letters-seen": {"id": "all", "verdict": "given_up", "at": "2026-03-02T12:00:00+00:00"},
    "schedule-seen": ["orders", None],
    "plan-decided": {"row": "r1", "how": "apply"},
    "plans-asked": {"row": "orders", "act": "dry_run"},
    "undo-what": {"row": "c1", "act": "undo"},
}
_WILD = {"sync": "orders"}  # a component of many -> which of them


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    api = create_web(database, WebOptions(), vendor_facts(), sync_facts(), clock.now)
    async with running(api):
        yield api


def callbacks(api: FastAPI) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Every callback that runs here and not in the browser: name -> (output, what Dash knows of it)."""
    found = {}
    for output, known in api.state.dash.callback_map.items():
        if (function := known.get("callback")) is not None:
            name = f"{function.__module__.removeprefix('monitoring.')}:{function.__name__}"
            assert name not in found, f"two callbacks are called {name}; give each its own name"
            found[name] = (output, known)
    return found


def payload(output: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser sends when the first input of a callback was clicked."""
    inputs = [_part(one) for one in known["inputs"]]
    first = inputs[0][0] if inputs and isinstance(inputs[0], list) else inputs[0] if inputs else None
    changed = [f"{_id_text(first['id'])}.{first['property']}"] if first else []
    asked = [_target(one) for one in output.strip(".").split("...")] if output.startswith("..") else _target(output)
    return {
        "output": output,
        "outputs": asked,
        "inputs": inputs,
        "changedPropIds": changed,
        "parsedChangedPropsIds": changed,
        "state": [_part(one) for one in known["state"]],
    }


def _target(text: str) -> Any:
    id, _, property = text.rpartition(".")
    if id.startswith("{"):
        return [{"id": _chosen(json.loads(id)), "property": property}]
    return {"id": id, "property": property}


def _part(one: Mapping[str, Any]) -> Any:
    id, property = one["id"], one["property"]
    value = 1 if property in {"n_clicks", "n_submit", "n_intervals"} else SAMPLES.get(id)
    if id.startswith("{"):
        return [{"id": _chosen(json.loads(id)), "property": property, "value": value or 1}]
    return {"id": id, "property": property, "value": value}


def _chosen(id: dict[str, Any]) -> dict[str, Any]:
    return {key: _WILD.get(key, "x") if isinstance(value, list) else value for key, value in id.items()}


def _id_text(id: Any) -> str:
    return id if isinstance(id, str) else json.dumps(id, sort_keys=True, separators=(",", ":"))


async def call(browser: httpx.AsyncClient, output: str, known: Mapping[str, Any]) -> httpx.Response:
    return await browser.post("/_dash-update-component", json=payload(output, known))


_watching: ContextVar[bool] = ContextVar("_watching", default=False)


@contextlib.contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], list[str]]]:
    """Give the rights that are asked about, and the transactions that are begun, while the block runs and because of it:
    what the process does by itself meanwhile is not counted."""
    asked: list[str] = []
    written: list[str] = []
    here = _watching.set(True)
    may, write = Identity.may, Database.write

    def asking(self: Identity, scope: Any) -> bool:
        asked.append(scope)
        return may(self, scope)

    def is_admin(self: Identity) -> bool:
        asked.append("admin")
        return self.role == "admin"

    def writing(self: Database) -> Any:
        if _watching.get():
            written.append("a transaction")
        return write(self)

    with monkeypatch.context() as patched:
        patched.setattr(Identity, "may", asking)
        patched.setattr(Identity, "is_admin", property(is_admin))
        patched.setattr(Database, "write", writing)
        yield asked, written
    _watching.reset(here)


def test_every_callback_that_may_act_is_named_with_its_right(api: FastAPI) -> None:
    strange = []
    for name, (_output, known) in callbacks(api).items():
        inputs = {one["id"] for one in known["inputs"]}
        follows = inputs <= _FOLLOWED or _KEEPS_THE_URL.fullmatch(name.partition(":")[2])
        if name not in ACTING and name not in SHOWING and not follows:
            strange.append(name)
    gone = (set(ACTING) | SHOWING) - set(callbacks(api))

    assert strange == [], "name each in ACTING with the right it asks for, or in SHOWING if it changes nothing"
    assert gone == set(), "there are no such callbacks any more; take them out of the tables"


def test_every_unsafe_route_is_named_with_its_scope(api: FastAPI) -> None:
    served = {
        (method.upper(), path)
        for path, methods in api.openapi()["paths"].items()
        for method in methods
        if method.upper() not in {"GET", "HEAD"}
    }

    assert served == set(ROUTES), "name each unsafe route in ROUTES with the scope that opens it"


async def test_nobody_reaches_any_page_callback_or_asset(api: FastAPI) -> None:
    assets = [f"/assets/{path.name}" for path in (Path(dashboard.__file__).parent / "assets").iterdir()]
    pages = [re.sub(r"\(\?P<[^>]*>[^)]*\)", "x", page.path.pattern) for page in dashboard.PAGES]
    async with client(api) as nobody:
        for path in [*assets, *pages, "/_dash-layout", "/_dash-dependencies", "/_reload-hash"]:
            assert (await nobody.get(path)).status_code == 401, path
        for path in pages:
            answer = await nobody.get(path, headers=HTML)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
        for name, (output, known) in callbacks(api).items():
            answer = await call(nobody, output, known)
            assert answer.status_code == 401, f"{name} let nobody in"


async def test_what_shows_something_writes_nothing(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")

    for name, (output, known) in callbacks(api).items():
        if name in ACTING or known["websocket"]:
            continue
        with watched(monkeypatch) as (_asked, written):
            answer = await call(viewer, output, known)
        assert written == [], f"{name} writes; name it in ACTING with the right it asks for"
        assert answer.status_code not in (401, 403), name


async def test_what_is_pushed_over_the_websocket_writes_nothing(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    pushed = {name: found for name, found in callbacks(api).items() if found[1]["websocket"]}

    assert pushed
    for name, (output, known) in pushed.items():
        with watched(monkeypatch) as (_asked, written):
            async with page_socket(api, viewer) as socket:
                await socket.call(payload(output, known))
                told = await socket.next()
        assert name not in ACTING, f"{name} is only shown, whoever asks; let it act over HTTP"
        assert (told["type"], written) == ("set_props", []), f"{name} told {told} and wrote {written}"


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_nothing_that_acts_can_be_asked_for_over_the_websocket(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    person = await signed_in(api, database, clock, role)
    known_here = callbacks(api)

    for name in ACTING:
        with watched(monkeypatch) as (_asked, written):
            async with page_socket(api, person) as socket:
                await socket.call(payload(*known_here[name]))
                told = await socket.next()
        assert (told, written) == ({}, []), f"{name} answered over the WebSocket; take websocket=True from it"


async def lacking(api: FastAPI, db: Database, clock: MovableClock, right: Right) -> list[httpx.AsyncClient]:
    """Everybody who is signed in and lacks a right, with as many others as a person can have."""
    how: dict[str, Any] = {"by": "ada", "reason": None, "now": clock.now()}
    if right == "admin":
        return [await signed_in(api, db, clock, "viewer"), await signed_in(api, db, clock, "operator")]
    viewer = await signed_in(api, db, clock, "viewer")
    if right == "operate":
        await user_rights.set_trigger(db, "viewer", True, **how)
        return [viewer]
    operator = await signed_in(api, db, clock, "operator")
    await user_rights.set_trigger(db, "operator", False, **how)
    return [viewer, operator]


@pytest.mark.parametrize("right", ["operate", "trigger", "admin"])
async def test_who_lacks_the_right_changes_nothing_by_a_copied_callback(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, right: Right
) -> None:
    known_here = callbacks(api)
    for person in await lacking(api, database, clock, right):
        for name in (name for name, asks in ACTING.items() if asks == right):
            with watched(monkeypatch) as (asked, written):
                answer = await call(person, *known_here[name])
            assert right in asked, (
                f"{name} does not ask for {right} before anything else, or needs a value in SAMPLES to get there; "
                f"it answered {answer.status_code} {answer.text[:200]}"
            )
            assert written == [], f"{name} wrote for somebody who lacks {right}"
            assert "Not allowed" in answer.text, name


async def test_one_scope_opens_each_route_and_no_other_does(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    for scope in sorted(set(ROUTES.values())):
        others = [other for other in SCOPES if scope not in token_scopes([other])]
        opened = await with_token(api, database, clock, scope)
        refused = await with_token(api, database, clock, *others)
        for method, path in (key for key, needed in ROUTES.items() if needed == scope):
            filled = re.sub(r"\{[^}]*\}", "x", path)
            assert (await opened.request(method, filled, json={})).status_code != 403, f"{method} {path}"
            assert (await refused.request(method, filled, json={})).status_code == 403, f"{method} {path}"
