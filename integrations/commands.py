"""The commands about vendors and calls: vendors, check, call, calls. Each returns what is printed and an exit code."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import TypeAdapter

from integrations.adapter import Idempotency, Operation
from integrations.correlation import origin
from integrations.errors import InvalidInput, MissingCredential, QuaysideError
from integrations.options import IntegrationOptions, VendorOptions
from integrations.outcome import Priority
from integrations.registry import VENDORS, adapter_class
from integrations.runtime import Runtime


def vendor_list(options: IntegrationOptions) -> list[dict[str, Any]]:
    """Return every vendor as ``vendors --json`` shows it."""
    return [_vendor(name, options.vendors[name]) for name in VENDORS]


def _vendor(name: str, options: VendorOptions) -> dict[str, Any]:
    vendor = adapter_class(name).vendor
    quotas = options.quotas if options.quotas is not None else vendor.quotas
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
        "operations": [_operation(operation) for operation in vendor.operations],
        "quotas": [{"name": quota.name, "limit": quota.limit, "seconds": quota.seconds} for quota in quotas],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    fallback = operation.fallback
    return {
        "name": operation.name,
        "idempotent": operation.idempotency is not Idempotency.OURS,
        "fallback": None if fallback is None else fallback.vendor or fallback.kind,
        "input_schema": operation.input.model_json_schema(mode="validation"),
        "result_schema": TypeAdapter(operation.result).json_schema(mode="serialization"),
        "example": dict(operation.example),
    }


def parse_input(text: str) -> Mapping[str, Any]:
    """Return the JSON object of ``call``'s argument. Raise InvalidInput naming the place."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The input is not JSON ({error.msg} at line {error.lineno}, column {error.colno}).", field="input"
        ) from None
    if not isinstance(value, dict):
        raise InvalidInput('The input must be a JSON object such as {"base": "USD"}.', field="input")
    return value


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
    value: Mapping[str, Any],
    *,
    priority: Priority,
    idempotency_key: str | None,
    correlation_id: str | None,
) -> tuple[dict[str, Any], int]:
    """Make one call; return its result (with ``stale`` and ids) or ``{error, correlation_id}``, and the exit code."""
    with origin("user", correlation_id=correlation_id) as cause:
        try:
            declared = adapter_class(vendor).vendor
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
            if found.stale or found.vendor != name:
                message = f"{vendor.label} did not answer; a fallback did."
                return {"name": name, "ok": False, "error_type": "fallback", "message": message}
    except QuaysideError as caught:
        error = caught
    return {
        "name": name,
        "ok": error is None,
        "error_type": error.error_type if error else None,
        "message": error.message if error else f"{vendor.label} accepts our credential.",
    }
