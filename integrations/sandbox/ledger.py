"""The independent witness: every request the sandbox saw and every effect that came of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """One request, noted when its headers were read. ``status`` stays None when no status line was ever sent."""

    vendor: str
    operation: str
    method: str
    path: str
    traceparent: str | None
    idempotency_key: str | None
    status: int | None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEffect:
    """Something that happened for good at a vendor: a payment, a shipment, an order, a message, a stock move."""

    vendor: str
    kind: str
    reference: str
    id: str
    amount: str | None
    at: float


class Ledger:
    """Remembers requests and effects in the order they came; the oldest go first when ``limit`` is reached."""

    def __init__(self, now: Callable[[], float], limit: int) -> None:
        self._now = now
        self._requests: deque[SeenRequest] = deque(maxlen=limit)
        self._effects: deque[SeenEffect] = deque(maxlen=limit)

    def __repr__(self) -> str:
        return f"<Ledger {len(self._requests)} requests, {len(self._effects)} effects>"

    def request(
        self,
        *,
        vendor: str,
        operation: str,
        method: str,
        path: str,
        traceparent: str | None,
        idempotency_key: str | None,
    ) -> SeenRequest:
        """Note a request and return its row, so that the status can be filled in once it is answered."""
        seen = SeenRequest(
            vendor=vendor,
            operation=operation,
            method=method,
            path=path,
            traceparent=traceparent,
            idempotency_key=idempotency_key,
            status=None,
            at=self._now(),
        )
        self._requests.append(seen)
        return seen

    def effect(self, *, vendor: str, kind: str, reference: str, id: str, amount: str | None = None) -> None:
        """Note that something happened for good."""
        self._effects.append(
            SeenEffect(vendor=vendor, kind=kind, reference=reference, id=id, amount=amount, at=self._now())
        )

    def clear(self) -> None:
        """Forget everything."""
        self._requests.clear()
        self._effects.clear()

    def view(self, *, vendor: str | None = None, since: float | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return both lists as JSON values, oldest first; ``since`` (Unix seconds) keeps what came at or after it."""
        return {
            "requests": [
                {
                    "vendor": seen.vendor,
                    "operation": seen.operation,
                    "method": seen.method,
                    "path": seen.path,
                    "traceparent": seen.traceparent,
                    "idempotency_key": seen.idempotency_key,
                    "status": seen.status,
                    "at": utc_text(seen.at),
                }
                for seen in self._requests
                if _wanted(seen.vendor, seen.at, vendor, since)
            ],
            "effects": [
                {
                    "vendor": seen.vendor,
                    "kind": seen.kind,
                    "reference": seen.reference,
                    "id": seen.id,
                    "amount": seen.amount,
                    "at": utc_text(seen.at),
                }
                for seen in self._effects
                if _wanted(seen.vendor, seen.at, vendor, since)
            ],
        }


def _wanted(vendor: str, at: float, only: str | None, since: float | None) -> bool:
    return (only is None or vendor == only) and (since is None or at >= since)


def utc_text(at: float) -> str:
    """Return Unix seconds as RFC 3339 UTC with microseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
