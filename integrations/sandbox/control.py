"""What a test or a person asks of the sandbox itself: ``/_sandbox/…``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from integrations.sandbox.faults import BadFault
from integrations.sandbox.quotas import read_quotas
from integrations.sandbox.twin import Answer, Ask

if TYPE_CHECKING:
    from integrations.sandbox.server import SandboxServer


class BadControl(ValueError):
    """A request to the sandbox itself that cannot be followed; the message names the field."""


class Control:
    """Answers ``/_sandbox/…``: ledger, faults, settings, reset, health, ping, and the twins' own controls."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server
        self._routes = {
            ("GET", "ping"): self._ping,
            ("GET", "health"): self._health,
            ("GET", "ledger"): self._ledger,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "settings"): self._show_settings,
            ("PUT", "settings"): self._change_settings,
            ("POST", "reset"): self._reset,
        }

    async def answer(self, request: web.BaseRequest, path: str) -> Answer:
        """Return the answer; 400 with the reason for a bad request, 404 for a path there is not."""
        act = self._routes.get((request.method, path))
        try:
            if act is not None:
                body = await request.read() if request.can_read_body else b""
                return act(request, body)
            return await self._twin_control(request, path)
        except (BadFault, BadControl) as problem:
            return Answer.json({"error": str(problem)}, status=400)
        except web.HTTPRequestEntityTooLarge:
            return Answer.json({"error": f"the body is over {self._server.options.body_limit} bytes"}, status=413)

    def _ping(self, request: web.BaseRequest, body: bytes) -> Answer:
        return Answer(headers=(("Content-Type", "application/json"),), body=b'{"ok":true}')

    def _health(self, request: web.BaseRequest, body: bytes) -> Answer:
        options = self._server.options
        return Answer.json(
            {"status": "ok", "vendors": sorted(self._server.mounts), "seed": options.seed, "demo": options.demo}
        )

    def _ledger(self, request: web.BaseRequest, body: bytes) -> Answer:
        vendor, since = request.query.get("vendor"), request.query.get("since")
        if vendor is not None and vendor not in self._server.mounts:
            raise BadControl(f"vendor must be one of {', '.join(sorted(self._server.mounts))}")
        return Answer.json(
            self._server.ledger.view(vendor=vendor, since=None if since is None else _moment(since, "since"))
        )

    def _list_faults(self, request: web.BaseRequest, body: bytes) -> Answer:
        return Answer.json({"faults": self._server.faults.json(), "weather": self._server.weather})

    def _add_faults(self, request: web.BaseRequest, body: bytes) -> Answer:
        self._server.faults.add(_json(body))
        return self._list_faults(request, body)

    def _clear_faults(self, request: web.BaseRequest, body: bytes) -> Answer:
        wanted = request.query.get("id")
        if wanted is not None:  # one of them; the weather is another matter
            if not wanted.isdecimal() or not self._server.faults.end(int(wanted)):
                raise BadControl(f"id: no fault {wanted} is in force")
            return self._list_faults(request, body)
        self._server.faults.clear()
        self._server.weather = False
        return self._list_faults(request, body)

    def _show_settings(self, request: web.BaseRequest, body: bytes) -> Answer:
        return Answer.json(self._server.settings)

    def _change_settings(self, request: web.BaseRequest, body: bytes) -> Answer:
        wanted = _json(body)
        problem = settings_problem(wanted, sorted(self._server.mounts))
        if problem is not None:
            raise BadControl(problem)
        for vendor, values in wanted.items():
            kept = {**self._server.settings.get(vendor, {}), **values}
            self._server.settings[vendor] = {name: value for name, value in kept.items() if value is not None}
        return self._show_settings(request, body)

    def _reset(self, request: web.BaseRequest, body: bytes) -> Answer:
        self._server.reset()
        return Answer.json({"status": "ok"})

    async def _twin_control(self, request: web.BaseRequest, path: str) -> Answer:
        vendor, slash, rest = path.partition("/")
        mount = self._server.mounts.get(vendor)
        found = mount.controls.find(request.method, slash + rest) if mount else None
        if found is None:
            return Answer.json({"error": f"no such control: {request.method} /_sandbox/{path}"}, status=404)
        ask = Ask(
            method=request.method,
            path=slash + rest,
            match=found[1],
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            base_url=f"{request.scheme}://{request.host}/{vendor}",
        )
        return await found[0].answer(ask)


def settings_problem(settings: Any, vendors: Sequence[str]) -> str | None:
    """Return what is wrong with run-time settings, naming the field; None when nothing is."""
    if not isinstance(settings, Mapping):
        return "the body must be a JSON object of vendors, each an object of setting names and values"
    for vendor, values in settings.items():
        if vendor not in vendors:
            return f"{vendor} is no vendor served here; the vendors are {', '.join(vendors)}"
        if not isinstance(values, Mapping):
            return f"{vendor} must be an object of setting names and values"
        if values.get("quotas") is not None:
            try:
                read_quotas(values["quotas"])
            except ValueError as problem:
                return f"{vendor}.{problem}"
    return None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BadControl(f"the body must be JSON: {problem}") from problem


def _moment(text: str, name: str) -> float:
    """Return Unix seconds from Unix seconds or RFC 3339 text."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise BadControl(f"{name} must be Unix seconds or RFC 3339, such as 2026-10-01T12:00:00Z") from problem
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
