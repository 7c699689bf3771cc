"""What the scheduler needs of the gateway, as a contract: the real one, and a fake in tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pydantic import BaseModel

from integrations.outcome import CallResult, Priority


class Calls(Protocol):
    """Calls vendors; ``integrations.gateway.Gateway`` does."""

    async def call(
        self,
        vendor: str,
        operation: str,
        value: BaseModel | Mapping[str, Any],
        *,
        priority: Priority = "batch",
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> CallResult:
        """Make one call. Raise an error of ``integrations.errors``."""

    def session(self, vendor: str) -> AbstractAsyncContextManager[None]:
        """Let the calls to a vendor inside share one session, signed out at the end."""


class NamedCalls(Protocol):
    """Calls vendors under call ids that are known before."""

    async def call(
        self,
        vendor: str,
        operation: str,
        value: BaseModel | Mapping[str, Any],
        *,
        priority: Priority = "batch",
        idempotency_key: str | None = None,
        call_id: str | None = None,
    ) -> CallResult:
        """Make one call, recorded under ``call_id``. Raise an error of ``integrations.errors``."""

    def session(self, vendor: str) -> AbstractAsyncContextManager[None]:
        """Let the calls to a vendor inside share one session, signed out at the end."""
