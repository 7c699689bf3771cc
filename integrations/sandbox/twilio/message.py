"""One text message and the way it goes: its whole life is laid out when it is taken, and shown as far as it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from integrations.sandbox.twilio.segments import price

VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled"})
_BEFORE_SENDER = frozenset({"accepted", "scheduled", "canceled"})
# What a message ends with, by the error code of the status (twilio.com/docs/api/errors).
REASONS = {
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30034: "Message from an Unregistered Number",
    30036: "Validity Period Expired",
    30450: "Message delivery blocked",
}


@dataclass(frozen=True, slots=True)
class Change:
    """The message takes a status at a moment (Unix seconds)."""

    at: float
    status: str


@dataclass(slots=True, kw_only=True)
class Message:
    """A message; ``changes`` are in order and the first is its making. ``sender`` is the number it goes out from."""

    sid: str
    account_sid: str
    to: str
    sender: str
    body: str
    changes: Sequence[Change]
    service_sid: str | None = None
    error_code: int | None = None
    segments: int = 1
    media: int = 0
    redacted_at: float | None = None

    @property
    def created(self) -> float:
        """Return when it was taken."""
        return self.changes[0].at

    def past(self, now: float) -> list[Change]:
        """Return the changes that have happened; the first always has."""
        return [change for change in self.changes if change.at <= now] or [self.changes[0]]

    def status(self, now: float) -> str:
        """Return the status at a moment."""
        return self.past(now)[-1].status

    def sent_at(self, now: float) -> float | None:
        """Return when it went out, None while it has not."""
        return next((change.at for change in self.past(now) if change.status == "sent"), None)

    def cancel(self, now: float) -> None:
        """End a scheduled message."""
        self.changes = [*self.past(now), Change(now, "canceled")]

    def redact(self, now: float) -> None:
        """Take the text away."""
        self.body, self.redacted_at = "", now

    def json(self, now: float) -> dict[str, Any]:
        """Return the Message resource as it stands at a moment.

        Through a Messaging Service the sender is not known while the message is accepted or scheduled: ``from`` is
        null and ``num_segments`` "0".
        """
        past, sent = self.past(now), self.sent_at(now)
        status = past[-1].status
        unassigned = self.service_sid is not None and all(change.status in _BEFORE_SENDER for change in past)
        failed = status in ("undelivered", "failed")
        path = f"/{VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "body": self.body,
            "date_created": rfc_2822(self.created),
            "date_sent": None if sent is None else rfc_2822(sent),
            "date_updated": rfc_2822(max(past[-1].at, self.redacted_at or 0.0)),
            "direction": "outbound-api",
            "error_code": self.error_code if failed else None,
            "error_message": REASONS.get(self.error_code or 0, "Unknown error") if failed else None,
            "from": None if unassigned else self.sender,
            "messaging_service_sid": self.service_sid,
            "num_media": str(self.media),
            "num_segments": "0" if unassigned else str(self.segments),
            "price": None if sent is None else price(self.to, self.segments),
            "price_unit": "USD",
            "sid": self.sid,
            "status": status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": self.to,
            "uri": f"{path}.json",
        }


def rfc_2822(at: float) -> str:
    """Return Unix seconds as Twilio writes a moment: RFC 2822, always +0000."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))
