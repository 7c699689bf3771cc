"""Faults injected into the sandbox on purpose, to see how we react. Only ever the sandbox of this machine.

The address is the sandbox's own, never a vendor's, and a fault is only for a vendor whose calls go to the sandbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from integrations.errors import InvalidInput, QuaysideError, TransportFailed
from integrations.options import IntegrationOptions
from integrations.registry import adapter_class
from integrations.transport.http import HttpTransport

_WAIT = 5.0  # seconds


class SandboxAway(QuaysideError):
    """The sandbox does not answer; start it with: python app.py sandbox."""

    error_type = "sandbox_away"
    fault = "configuration"


class SandboxFaults:
    """The faults of the sandbox that listens on a port of this machine."""

    def __init__(self, options: IntegrationOptions, port: int) -> None:
        self._options = options
        self._url = f"http://127.0.0.1:{port}/_sandbox/faults"
        self._injecting = asyncio.Lock()  # between looking for the same fault and putting it in force

    def __repr__(self) -> str:
        return f"<SandboxFaults {self._url}>"

    def vendors(self) -> Mapping[str, Sequence[str]]:
        """Return the vendors that a fault can be for, each with its operations."""
        return {
            name: [
                *(operation.name for operation in adapter_class(name).vendor.operations if operation.supported),
                *(("sign_in",) if adapter_class(name).vendor.sign_in is not None else ()),
            ]
            for name, vendor in self._options.vendors.items()
            if vendor.sandboxed
        }

    async def active(self) -> Sequence[Mapping[str, Any]]:
        """Return the faults in force. Raise SandboxAway."""
        return await self._ask("GET", self._url)

    async def inject(self, faults: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Put faults in force; return all that are, these last.

        Raise InvalidInput, with none of them in force, also when one of them is in force already: a second click adds
        nothing. Raise SandboxAway.
        """
        known = self.vendors()
        for fault in faults:
            if fault.get("vendor") not in known:
                raise InvalidInput(
                    f"The calls of {fault.get('vendor')} do not go to the sandbox; no fault can be injected.",
                    field="vendor",
                )
        async with self._injecting:
            there = {_same(fault) for fault in await self.active()}
            for fault in faults:
                if _same(fault) in there:
                    where = fault.get("operation") or "every operation"
                    raise InvalidInput(
                        f"{fault['vendor']} has {fault.get('fault')} on {where} already; stop it first.", field="fault"
                    )
            return await self._ask("POST", self._url, orjson.dumps(list(faults)))

    async def stop(self, id: int | None) -> Sequence[Mapping[str, Any]]:
        """End one fault, or all of them and the weather; return what is still in force. Raise InvalidInput, SandboxAway."""
        return await self._ask("DELETE", self._url if id is None else f"{self._url}?id={id}")

    async def _ask(self, method: str, url: str, content: bytes | None = None) -> Sequence[Mapping[str, Any]]:
        transport = HttpTransport(proxies={})
        try:
            answer = await transport.send("The sandbox", method, url, {}, content, _WAIT)
        except TransportFailed:
            raise SandboxAway(str(SandboxAway.__doc__)) from None
        finally:
            await transport.aclose()
        told = orjson.loads(answer.body)
        if answer.status != 200:
            raise InvalidInput(f"The sandbox refuses it: {told.get('error', answer.status)}.", field="fault")
        found: Sequence[Mapping[str, Any]] = told["faults"]
        return found


def _same(fault: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes two faults the same."""
    return fault.get("vendor"), fault.get("operation"), fault.get("fault")
