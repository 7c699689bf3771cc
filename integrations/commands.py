"""The commands about vendors and calls: vendors, check, call, calls. Each returns what is printed and an exit code."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import TypeAdapter

from db.calls import CallRow
from integrations.adapter import Adapter, Idempotency, Operation
from integrations.correlation import origin
from integrations.errors import BusinessFailed, HttpFailed, InvalidInput, MissingCredential, QuaysideError
from integrations.limits import edited, is_whole, limits_of, sources_of, usable, values_of
from integrations.options import IntegrationOptions, VendorOptions
from integrations.outcome import Priority
from integrations.proof import shown_proof
from integrations.registry import VENDORS, adapter_class
from integrations.resilience.rate_limiter import kept_for_interactive
from integrations.runtime import Runtime

UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def vendor_list(options: IntegrationOptions) -> list[dict[str, Any]]:
    """Return every vendor as ``vendors --json`` shows it."""
    return [vendor_listed(name, options) for name in VENDORS]


def ready_for(operation: str, options: IntegrationOptions) -> tuple[str, ...]:
    """Return the vendors that can do this and can be called: in the sandbox, or with every credential set."""
    return tuple(
        name
        for name, vendor in options.vendors.items()
        if (declared := adapter_class(name).vendor.operation(operation)) is not None
        and declared.supported
        and all(
            vendor.credentials.get(credential.name)
            for credential in adapter_class(name).vendor.credentials
            if credential.required
        )
    )


def vendor_listed(
    name: str, everything: IntegrationOptions, edits: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Return a vendor as ``vendors --json`` shows it, its quotas under ``edits`` of its limits."""
    vendor, options, reserve = adapter_class(name).vendor, everything.vendors[name], everything.limiter.reserve
    files = limits_of(vendor, options, reserve)
    limits, sources = edited(files, usable(files, edits or {})), sources_of(vendor, options, reserve)
    return {
        "name": name,
        "label": vendor.label,
        "kind": vendor.kind,
        "base_url": options.base_url,
        "docs_url": vendor.docs_url,
        "sandboxed": options.sandboxed,
        "credentials": [
            {
                "env": f"QUAYSIDE_{name.upper()}_{credential.name}",
                "set": credential.name in options.set_credentials,
                "required": credential.required,
            }
            for credential in vendor.credentials
        ],
        "operations": [_operation(operation, adapter_class(name)) for operation in vendor.operations],
        "quotas": [
            {
                "name": quota.name,
                "limit": quota.limit,
                "seconds": quota.seconds,
                "operations": list(quota.operations),
                "reserve": kept_for_interactive(quota.limit, limits.reserve, paced=quota.paced),
                "paced": quota.paced,
            }
            for quota in limits.quotas
        ],
        "limits": [
            {"name": setting, "value": value, "source": sources[setting], "whole": is_whole(setting)}
            for setting, value in values_of(files).items()
        ],
        "region": vendor.region,
        "webhook": f"QUAYSIDE_{name.upper()}_{vendor.webhook.credential}" if vendor.webhook else None,
        "proof": shown_proof(adapter_class(name)),
    }


def _operation(operation: Operation, adapter: type[Adapter]) -> dict[str, Any]:
    fallback = operation.fallback
    return {
        "name": operation.name,
        "supported": operation.supported,
        "idempotent": operation.idempotency is not Idempotency.OURS,
        "repeat": _repeat(operation, adapter),
        "fallback": None if fallback is None else fallback.vendor or fallback.kind,
        "input_schema": operation.input.model_json_schema(mode="validation"),
        "result_schema": TypeAdapter(operation.result).json_schema(mode="serialization"),
        "example": dict(operation.example),
    }


def _repeat(operation: Operation, adapter: type[Adapter]) -> str:
    """Return what makes it safe to send it again after a lost answer: it reads (``read``), it sets a value (``natural``),
    the vendor's key (``key``), our look-up (``look_up``); ``never`` where nothing does."""
    if operation.idempotency is not Idempotency.OURS:
        return {"native": "key"}.get(operation.idempotency.value, operation.idempotency.value)
    return "look_up" if hasattr(adapter, f"look_up_{operation.name}") else "never"


def read_input(vendor: str, operation: str, text: str) -> Mapping[str, Any]:
    """Return the input of ``call``: JSON, @file, - for standard input, or the operation's example when it is empty.

    Raise InvalidInput naming the place.
    """
    if not text:
        declared = adapter_class(vendor).vendor.operation(operation)
        return declared.example if declared else {}
    try:
        raw = sys.stdin.read() if text == "-" else Path(text[1:]).read_text("utf-8") if text[0] == "@" else text
    except OSError as error:
        raise InvalidInput(f"{text[1:]} cannot be read ({error.strerror}).", field="input") from None
    except UnicodeDecodeError:
        where = "Standard input" if text == "-" else text[1:]
        raise InvalidInput(f"{where} is not UTF-8 text; save it as UTF-8.", field="input") from None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The input is not JSON ({error.msg} at line {error.lineno}, column {error.colno}).", field="input"
        ) from None
    if not isinstance(value, dict):
        raise InvalidInput('The input must be a JSON object such as {"base": "USD"}.', field="input")
    return value


def parse_since(text: str | None, now: datetime) -> datetime | None:
    """Return the moment ``--since`` names: 30s, 15m, 1h, 7d before now, or a time. Raise InvalidInput."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    at: datetime | None
    try:
        at = now - int(found[1]) * UNITS[found[2]] if found else datetime.fromisoformat(text)
    except (ValueError, OverflowError):  # no time, or one before the calendar begins
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput(f'--since is "{text}"; give 30s, 15m, 1h, 7d or 2026-10-01T12:00:00Z.', field="since")
    return at


def refuse_missing_sandbox(options: VendorOptions, label: str) -> None:
    """Raise MissingCredential when a vendor's calls go to the sandbox and none is running."""
    if not options.sandboxed:
        return
    address = urlsplit(options.base_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1.0).close()
    except OSError:
        raise MissingCredential(
            f"{label} has no credentials and no sandbox runs at {address.hostname}:{address.port}; "
            "start one with: python app.py sandbox"
        ) from None


async def call(
    runtime: Runtime,
    vendor: str,
    operation: str,
    text: str,
    *,
    priority: Priority,
    idempotency_key: str | None,
    correlation_id: str | None,
) -> tuple[dict[str, Any], int]:
    """Make one call; return its result (with ``stale`` and ids) or ``{error, correlation_id}``, and the exit code."""
    with origin("user", correlation_id=correlation_id) as cause:
        try:
            declared = adapter_class(vendor).vendor
            value = read_input(vendor, operation, text)
            refuse_missing_sandbox(runtime.options.vendors[vendor], declared.label)
            refuse_missing_credentials(runtime.options.vendors[vendor], vendor)
            found = await runtime.gateway.call(
                vendor, operation, value, priority=priority, idempotency_key=idempotency_key
            )
        except QuaysideError as error:
            return {"error": described(error), "correlation_id": cause.correlation_id}, error.exit_code
    declared_operation = adapter_class(found.vendor).vendor.operation(operation)
    kind = TypeAdapter(declared_operation.result if declared_operation else Any)
    return {
        "result": kind.dump_python(found.value, mode="json"),
        "stale": found.stale,
        "vendor": found.vendor,
        "correlation_id": found.correlation_id,
        "call_id": found.call_id,
    }, 0


def refuse_missing_credentials(options: VendorOptions, name: str) -> None:
    """Raise MissingCredential naming the first required setting that is not set."""
    for credential in adapter_class(name).vendor.credentials:
        if credential.required and not options.credentials.get(credential.name):
            setting = f"QUAYSIDE_{name.upper()}_{credential.name}"
            raise MissingCredential(f"{setting} is not set; set it in the environment or in .env.")


def described(error: QuaysideError) -> dict[str, Any]:
    """Return an error as JSON; ``field`` where the input is at fault."""
    facts: dict[str, Any] = {
        "type": error.error_type,
        "retryable": error.retryable,
        "fault": error.fault,
        "message": error.message,
    }
    if isinstance(error, InvalidInput) and error.field:
        facts["field"] = error.field
    return facts


async def check(runtime: Runtime, names: list[str]) -> tuple[dict[str, Any], int]:
    """Prove the credential of each vendor with its cheapest operation. Raise UnknownVendor."""
    chosen = names or list(VENDORS)
    for name in chosen:
        adapter_class(name)
    results = await asyncio.gather(*(_check(runtime, name) for name in chosen))
    return {"vendors": results}, 0 if all(result["ok"] for result in results) else 1


async def _check(runtime: Runtime, name: str) -> dict[str, Any]:
    vendor = adapter_class(name).vendor
    operation = vendor.operation(vendor.check)
    assert operation is not None  # noqa: S101 - a test proves that every vendor's check exists
    error: QuaysideError | None = None
    try:
        with origin("user"):
            refuse_missing_sandbox(runtime.options.vendors[name], vendor.label)
            refuse_missing_credentials(runtime.options.vendors[name], name)
            found = await runtime.gateway.call(name, operation.name, operation.example, priority="interactive")
            if not found.answered:
                message = f"{vendor.label} did not answer; its calls are on record."
                return {"name": name, "ok": False, "error_type": "unanswered", "message": message}
            if found.stale or found.vendor != name:
                message = f"{vendor.label} did not answer; a fallback did."
                return {"name": name, "ok": False, "error_type": "fallback", "message": message}
    except (BusinessFailed, HttpFailed) as caught:
        # Who is asked for something he does not have has let us in: an example need not exist in everybody's account,
        # nor everybody's contract serve its places.
        error = None if caught.error_type in ("not_found", "not_served") else caught
    except QuaysideError as caught:
        error = caught
    return {
        "name": name,
        "ok": error is None,
        "error_type": error.error_type if error else None,
        "message": error.message if error else f"{vendor.label} accepts our credential.",
    }


def calls_json(rows: Sequence[CallRow], options: IntegrationOptions) -> dict[str, Any]:
    """Return recorded calls as ``calls --json`` shows them."""
    return {"calls": [_call_json(row, options) for row in rows]}


def _call_json(row: CallRow, options: IntegrationOptions) -> dict[str, Any]:
    base = options.vendors[row.vendor].base_url if row.vendor in options.vendors else ""
    return {
        "id": row.id,
        "correlation_id": row.correlation_id,
        "vendor": row.vendor,
        "operation": row.operation,
        "priority": row.priority,
        "trigger": row.trigger,
        "started_at": _time(row.started_at),
        "duration": row.duration,
        "outcome": row.outcome,
        "error_type": row.error_type,
        "fault": row.fault,
        "message": row.message,
        "stale": row.stale,
        "answered_by": row.answered_by,
        "idempotency_key": row.idempotency_key,
        "attempts": [
            {
                "id": sent.id,
                "number": sent.number,
                "operation": sent.operation,
                "method": sent.method,
                "url": base + sent.path,
                "status": sent.status,
                "started_at": _time(sent.started_at),
                "duration": sent.duration,
                "error_type": sent.error_type,
                "circuit_state": sent.circuit_state,
                "throttle_wait": sent.throttle_wait,
                "span_id": sent.span_id,
            }
            for sent in row.sent
        ],
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def vendor_lines(vendors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return ``vendors`` for people: where its calls go, what is missing, what it can do."""
    lines = []
    for vendor in vendors:
        missing = [
            credential["env"]
            for credential in vendor["credentials"]
            if credential["required"] and not credential["set"]
        ]
        state = "sandbox" if vendor["sandboxed"] else f"missing {', '.join(missing)}" if missing else "ready"
        names = " ".join(operation["name"] for operation in vendor["operations"])
        lines.append(f"{vendor['name']:<20} {vendor['kind']:<10} {state:<9} {vendor['base_url']}")
        lines.append(f"{'':<20} {names}")
    return lines


def check_lines(found: Mapping[str, Any]) -> list[str]:
    """Return ``check`` for people."""
    return [f"{'ok  ' if one['ok'] else 'FAIL'} {one['name']:<20} {one['message']}" for one in found["vendors"]]


def call_lines(found: Mapping[str, Any]) -> list[str]:
    """Return ``calls`` for people, a line per call."""
    return [
        f"{call['started_at']} {call['vendor']:<20} {call['operation']:<20} {call['outcome']:<8} "
        f"{call['duration']:8.3f} s  {len(call['attempts'])}x  {call['error_type'] or ''}  {call['correlation_id']}"
        for call in found["calls"]
    ] or ["No calls."]
