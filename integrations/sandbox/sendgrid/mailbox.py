"""The mails taken and what becomes of them: processed, delivered or not, opened; who is written to no more.

A mail's whole life is laid out when it is taken. An address that bounced, or whose owner wants no mail, is on a list;
mail to it is taken with 202 all the same and dropped afterwards.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.twin import World

BOUNCED, UNSUBSCRIBED = "bounced@example.com", "unsubscribed@example.com"  # on their lists from the start
USER_ID = 31_337

_KEPT = 50_000  # mails; a demo that runs for weeks must not grow without end
_DELIVERED = "250 2.0.0 OK {at} quayside-sandbox - gsmtp"
_NO_SUCH = "550 5.1.1 The email account that you tried to reach does not exist."
# Seconds after the step before, and what the event carries besides the usual.
_STEPS: dict[str, tuple[float, dict[str, Any]]] = {
    "processed": (0.3, {}),
    "deferred": (2.0, {"response": "451 4.7.1 try again later", "attempt": "1"}),
    "delivered": (1.6, {"response": _DELIVERED, "tls": 1}),
    "bounce": (
        1.9,
        {"type": "bounce", "reason": _NO_SUCH, "status": "5.1.1", "bounce_classification": "Invalid Address", "tls": 1},
    ),
    "blocked": (
        1.9,
        {
            "event": "bounce",
            "type": "blocked",
            "reason": "554 5.7.1 The message was blocked by the recipient's policy.",
            "status": "5.7.1",
            "bounce_classification": "Reputation",
            "tls": 1,
        },
    ),
    "dropped": (0.4, {"reason": "Bounced Address", "status": "5.0.0"}),
    "open": (40.0, {"useragent": "Mozilla/5.0 (sandbox)", "ip": "192.0.2.10", "sg_machine_open": False}),
    "click": (9.0, {"useragent": "Mozilla/5.0 (sandbox)", "ip": "192.0.2.10", "url": "https://shop.example/orders"}),
    "spamreport": (60.0, {}),
    "unsubscribe": (60.0, {}),
    "group_unsubscribe": (60.0, {"asm_group_id": 1, "ip": "192.0.2.10", "useragent": "Mozilla/5.0 (sandbox)"}),
    "group_resubscribe": (60.0, {"asm_group_id": 1, "ip": "192.0.2.10", "useragent": "Mozilla/5.0 (sandbox)"}),
}
_CLOSING = {"open", "click", "spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe"}  # no smtp-id


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happens to one mail at a moment (Unix seconds)."""

    at: float
    json: dict[str, Any]


@dataclass(slots=True)
class Lists:
    """Who is written to no more, by address in lower case: since when, and for bounces why."""

    bounces: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsubscribes: dict[str, float] = field(default_factory=dict)


class Mailbox:
    """Keeps the mails' events in the order they were laid out, and the lists."""

    def __init__(self, world: World) -> None:
        self._world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._draw: random.Random = world.chance(f"sendgrid.mail:{world.now():.0f}")
        self._events: dict[str, list[Event]] = {}  # mail -> events
        day_ago = world.now() - 86_400
        self.lists = Lists(
            bounces={BOUNCED: _bounce(BOUNCED, day_ago, _NO_SUCH, "5.1.1")}, unsubscribes={UNSUBSCRIBED: day_ago}
        )

    def __repr__(self) -> str:
        return f"<Mailbox {len(self._events)} mails, {len(self.lists.bounces)} bounces>"

    def new_id(self) -> str:
        """Return what X-Message-Id will hold: 22 characters that were not given out before."""
        return base64.urlsafe_b64encode(self._draw.randbytes(16)).decode().rstrip("=")

    def send(self, mail: dict[str, Any], message_id: str) -> None:
        """Take a mail that was found good: from here on it goes out, whoever hears of it."""
        now = self._world.now()
        for number, person in enumerate(mail["personalizations"]):
            args = {**mail.get("custom_args", {}), **person.get("custom_args", {})}
            starts = max(now, float(person.get("send_at", mail.get("send_at", 0))))
            for place, (part, address) in enumerate(_recipients(person)):
                self._lay_out(mail, args, address, starts, message_id, f"{number}-{place}-{part}")
            self._world.ledger.effect(
                vendor="sendgrid",
                kind="message",
                reference=str(args.get("message_key", "")),
                id=message_id if number == 0 else f"{message_id}.{number}",
            )

    def events(self) -> list[Event]:
        """Return what has happened so far, oldest first."""
        now = self._world.now()
        return sorted(
            (event for events in self._events.values() for event in events if event.at <= now), key=lambda one: one.at
        )

    def bounces(self) -> list[dict[str, Any]]:
        """Return the bounces there have been, oldest first."""
        now = self._world.now()
        return [bounce for bounce in self.lists.bounces.values() if bounce["created"] <= now]

    def _lay_out(
        self, mail: dict[str, Any], args: dict[str, Any], email: str, starts: float, message_id: str, place: str
    ) -> None:
        sg_message_id = f"{message_id}.recvd-{self._draw.getrandbits(40):010x}-1-{int(starts):X}-{place}.0"
        common: dict[str, Any] = {**args, "email": email, "sg_message_id": sg_message_id}
        if mail.get("categories"):
            common["category"] = list(mail["categories"])
        at, laid = starts, []
        for step, name in enumerate(self._steps(mail, email)):
            seconds, facts = _STEPS[name]
            at += seconds * self._draw.uniform(0.7, 1.3) / float(self._world.setting("sendgrid", "speed", 1))
            shown = {**common, "timestamp": int(at), "event": name, **facts}
            if name not in _CLOSING:
                shown["smtp-id"] = f"<{message_id}@geopod-ismtpd-2>"
            if name == "delivered":
                shown["response"] = _DELIVERED.format(at=int(at))
            if name == "dropped":
                shown["reason"] = self._reason(email)
            word = f"{name}-{step}-{USER_ID}-{message_id}-{place}"
            shown["sg_event_id"] = base64.urlsafe_b64encode(word.encode()).decode().rstrip("=")
            laid.append(Event(at=at, json=shown))
            self._list(name, email, at, facts)
        self._events[sg_message_id] = laid
        if len(self._events) > _KEPT:
            del self._events[next(iter(self._events))]

    def _steps(self, mail: dict[str, Any], email: str) -> Sequence[str]:
        """Return the events of a mail, as the settings have it; in the demo people open and a few addresses are bad."""
        settings = mail.get("mail_settings", {})
        if self._reason(email) and not settings.get("bypass_list_management", {}).get("enable"):
            return ("dropped",)
        asked = self._world.setting("sendgrid", "outcomes", {}).get(email.lower())
        if asked is None and self._world.demo and self._draw.random() < 0.5:
            asked = self._draw.choices(("delivered,open", "deferred,delivered", "bounce"), (90, 7, 3))[0]
        steps = str(asked or self._world.setting("sendgrid", "outcome", "delivered")).split(",")
        return ["processed", *(step for step in steps if step in _STEPS)]

    def _reason(self, email: str) -> str:
        """Return why an address is written to no more; '' when it is."""
        now, low = self._world.now(), email.lower()
        if low in self.lists.bounces and self.lists.bounces[low]["created"] <= now:
            return "Bounced Address"
        return "Unsubscribed Address" if self.lists.unsubscribes.get(low, now + 1) <= now else ""

    def _list(self, name: str, email: str, at: float, facts: dict[str, Any]) -> None:
        low, listed = email.lower(), self.lists
        if name == "bounce" and at < listed.bounces.get(low, {}).get("created", math.inf):
            listed.bounces[low] = _bounce(email, at, facts["reason"], facts["status"])
        elif name == "unsubscribe":
            listed.unsubscribes[low] = min(at, listed.unsubscribes.get(low, math.inf))


def _recipients(person: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("to", "cc", "bcc"):
        for address in person.get(part, ()):
            yield part, address["email"]


def _bounce(email: str, at: float, reason: str, status: str) -> dict[str, Any]:
    return {"created": int(at), "email": email, "reason": reason, "status": status}
