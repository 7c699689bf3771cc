"""The accounts' messages: how they are taken and queued, found again, cancelled, redacted and deleted.

A sender puts out one segment a second (a long code's speed); what comes faster waits, and fails once its validity has
passed. A Messaging Service spreads its messages over a pool of four numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.twilio.errors import Refused, not_found
from integrations.sandbox.twilio.message import FINAL, Change, Message
from integrations.sandbox.twilio.request import SENDER, Form, Wish, text
from integrations.sandbox.twilio.segments import count
from integrations.sandbox.twin import World

DELIVERED, UNDELIVERED, FAILED, SENT = (f"SM{number:032x}" for number in (0x5A01, 0x5A02, 0x5A03, 0x5A04))
POOL = tuple(f"+1500555{number:04d}" for number in range(101, 105))

_KEPT = 50_000  # messages of an account; a demo that runs for weeks must not grow without end
_TO_SENT, _TO_REPORT = 0.4, (0.8, 4.0)  # seconds from sending to sent, from sent to the delivery report
_SAMPLES = {DELIVERED: "delivered", UNDELIVERED: "undelivered:30003", FAILED: "failed:30007", SENT: "sent"}
_SAMPLE_TO, _SAMPLE_BODY, _SAMPLE_AGE = "+14155550123", "Your order SAMPLE-1001 has shipped", 3600.0


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of a list, newest first, and what surrounds them: the tokens of both neighbours, None at the ends."""

    messages: Sequence[Message]
    start: int
    next_token: str | None
    previous_token: str | None


class Outbox:
    """Keeps the messages of every account, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"twilio.delivery:{world.now():.0f}")
        self._accounts: dict[str, dict[str, Message]] = {}
        self._free_at: dict[tuple[str, str], float] = {}  # (account, number) -> when its queue is empty

    def __repr__(self) -> str:
        return f"<Outbox {sum(map(len, self._accounts.values()))} messages of {len(self._accounts)} accounts>"

    def send(self, account: str, wish: Wish, sid: str) -> Message:
        """Take a message: from here on it goes out, whoever hears of it."""
        now, outcome = self._world.now(), self._outcome(wish.to)
        sender = wish.sender or min(POOL, key=lambda number: self._free_at.get((account, number), 0.0))
        message = Message(
            sid=sid,
            account_sid=account,
            to=wish.to,
            sender=sender,
            body=wish.body,
            service_sid=wish.service_sid,
            segments=count(wish.body),
            media=wish.media,
            changes=(),
        )
        message.changes, message.error_code = self._way(message, wish, outcome, now)
        kept = self._accounts.setdefault(account, {})
        kept[sid] = message
        if len(kept) > _KEPT:
            del kept[next(iter(kept))]
        # Twilio has no field for the sender's own reference: only the text can carry one.
        self._world.ledger.effect(vendor="twilio", kind="message", reference=wish.body, id=sid)
        return message

    def get(self, account: str, sid: str, path: str) -> Message:
        """Return a message of the account, a sample made at the first question; raises Refused when it has none."""
        kept = self._accounts.setdefault(account, {})
        if sid in _SAMPLES and sid not in kept:
            kept[sid] = self._sample(account, sid)
        if sid not in kept:
            raise not_found(path)
        return kept[sid]

    def update(self, message: Message, form: Form) -> None:
        """Cancel a scheduled message, or take away the text of one; raises Refused otherwise."""
        now, status, body = self._world.now(), text(form, "Status"), text(form, "Body")
        if (status is None) == (body is None) or status not in (None, "canceled") or body:
            raise Refused(30400, "Parameters are not valid.")
        if body is not None:
            message.redact(now)
        elif message.status(now) != "scheduled":
            raise Refused(30409, "This message cannot be canceled.")
        else:
            message.cancel(now)

    def delete(self, message: Message) -> None:
        """Forget a message; raises Refused while it is on its way (the status 409 is unconfirmed)."""
        if message.status(self._world.now()) not in FINAL:
            raise Refused(20009, "Cannot delete this resource before it is complete", 409)
        del self._accounts[message.account_sid][message.sid]

    def page(self, account: str, wanted: Sequence[tuple[str, Any]], size: int, token: str | None) -> Page:
        """Return the messages all of ``wanted`` hold for, after the one the token names."""
        now = self._world.now()
        found = [
            message
            for message in reversed(self._accounts.get(account, {}).values())
            if all(_fits(message, name, value, now) for name, value in wanted)
        ]
        sids = [message.sid for message in found]
        start = 0
        if token is not None:
            if not token.startswith("PA") or token[2:] not in sids:
                raise Refused(20001, "Invalid PageToken.")
            start = sids.index(token[2:]) + 1
        more = len(found) > start + size
        before = start - size - 1
        return Page(
            messages=found[start : start + size],
            start=start,
            next_token=f"PA{sids[start + size - 1]}" if more else None,
            previous_token=None if start == 0 else f"PA{sids[before]}" if before >= 0 else "",
        )

    def all(self) -> list[Message]:
        """Return every message of every account."""
        return [message for kept in self._accounts.values() for message in kept.values()]

    def _outcome(self, to: str) -> str:
        """Return how a message to a number ends, as the settings have it; in the demo a few are not delivered."""
        asked = self._world.setting("twilio", "outcomes", {})
        if to in asked:
            return str(asked[to])
        if self._world.demo and self._draw.random() < 0.02:
            return self._draw.choice(("undelivered:30003", "undelivered:30005", "undelivered:30008", "sent"))
        return str(self._world.setting("twilio", "outcome", "delivered"))

    def _way(self, message: Message, wish: Wish, outcome: str, now: float) -> tuple[list[Change], int | None]:
        """Return the whole life of a message and the error code it may end with."""
        end, _, code = outcome.partition(":")
        slowness = 1.0 / float(self._world.setting("twilio", "speed", 1))
        taken = now if wish.send_at is None else wish.send_at
        way = [] if wish.send_at is None else [Change(now, "scheduled")]
        queued = taken
        if wish.service_sid is not None:
            way.append(Change(taken, "accepted"))
            queued = taken + 0.2 * slowness
        way.append(Change(queued, "queued"))
        place = (message.account_sid, message.sender)
        begins = max(queued + 0.3 * slowness, self._free_at.get(place, 0.0))
        if begins > taken + wish.validity:
            return [*way, Change(taken + wish.validity, "failed")], 30036
        self._free_at[place] = begins + message.segments
        if end == "failed":
            return [*way, Change(begins, "failed")], int(code or 30008)
        sent = begins + _TO_SENT * slowness
        way += [Change(begins, "sending"), Change(sent, "sent")]
        if end == "sent":  # a network that reports nothing
            return way, None
        way.append(Change(sent + self._draw.uniform(*_TO_REPORT) * slowness, end))
        return way, int(code or 30008) if end == "undelivered" else None

    def _sample(self, account: str, sid: str) -> Message:
        end, _, code = _SAMPLES[sid].partition(":")
        start = self._world.now() - _SAMPLE_AGE
        steps = ["queued", end] if end == "failed" else ["queued", "sending", "sent"]
        steps += [end] if end not in steps else []
        return Message(
            sid=sid,
            account_sid=account,
            to=_SAMPLE_TO,
            sender=SENDER,
            body=_SAMPLE_BODY,
            changes=[Change(start + second, step) for second, step in enumerate(steps)],
            error_code=int(code) if code else None,
        )


def _fits(message: Message, name: str, value: Any, now: float) -> bool:
    if name == "To":
        return bool(message.to == value)
    if name == "From":
        return bool(message.json(now)["from"] == value)
    # What has not gone out yet counts by the day it was taken (unconfirmed), else nothing could be looked up at once.
    at = message.sent_at(now) or message.created
    first, last = value
    if name == "DateSent<":
        return bool(at <= last)
    if name == "DateSent>":
        return bool(at >= first)
    return bool(first <= at <= last)
