"""Alerts over a database, a clock that tests move, and a channel that remembers what it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from db import incidents
from db.engine import Database
from db.incidents import Incident
from monitoring.alerts.incidents import Alerts
from monitoring.options import AlertOptions
from tests.conftest import MovableClock
from tests.monitoring.evidence import SYNCS, VENDORS

OPTIONS = AlertOptions(
    channels=("C0ALERTS",), public_url="https://ops.example.com", late_after={"orders": 1e6, "currency": 1e6}
)


class Slack:
    """A channel: remembers every message and its edits; can be away, or lose an answer after posting."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}  # message id -> text as it stands
        self.posts: dict[str, str] = {}  # alert key -> message id: what the gateway's idempotency key gives
        self.sent: list[tuple[str, str | None]] = []
        self.away = False
        self.loses_answers = False
        self.contents: dict[str, list[str]] = {}

    async def send(
        self, channel: str, text: str, blocks: Sequence[Mapping[str, Any]], alert_key: str, message_id: str | None
    ) -> str:
        if self.away:
            raise ConnectionError("Slack does not answer.")
        self.sent.append((text, message_id))
        if message_id is None:
            self.contents.setdefault(alert_key, []).append(repr((text, list(blocks))))
            message_id = self.posts.setdefault(alert_key, f"17.{len(self.posts)}")
        self.messages[message_id] = text
        if self.loses_answers:
            raise TimeoutError("No answer.")
        return message_id


class Watch:
    """Alerts over a database, a clock and a channel."""

    def __init__(self, db: Database, clock: MovableClock, options: AlertOptions = OPTIONS) -> None:
        self.db, self.clock, self.slack, self.options = db, clock, Slack(), options
        self.alerts = self.fresh()

    def fresh(self) -> Alerts:
        return Alerts(self.db, self.options, VENDORS, SYNCS, self.slack.send, self.clock.now)

    async def after(self, seconds: float, *, step: float = 15) -> None:
        """Let time pass, judging and telling at every step."""
        while True:
            await self.alerts.evaluate()
            await self.alerts.deliver()
            if seconds <= 0:
                return
            self.clock.move(min(step, seconds))
            seconds -= step

    async def all(self) -> list[Incident]:
        return await incidents.list_incidents(self.db, states=("pending", "firing", "resolved"))

    async def by_rule(self, rule: str) -> Incident:
        (found,) = [one for one in await self.all() if one.rule == rule]
        return found
