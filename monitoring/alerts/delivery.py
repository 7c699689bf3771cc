"""What each channel still has to read of the incidents: one message each, edited in place; told again while nobody acts.

Steps: what a channel has not read → is it silenced by now → claim → message (slack.py) → send → note. Several processes
may do it at the same time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from db.engine import Database
from db.incidents import Incident, find_incident
from db.notices import (
    Notice,
    claim_notice,
    claim_reminder,
    due_notices,
    due_reminders,
    notice_failed,
    notice_sent,
    reminded,
)
from monitoring.alerts.slack import Message, message
from monitoring.facts import SendNotice
from monitoring.options import AlertOptions

log = logging.getLogger(__name__)

_SENDING = timedelta(seconds=120)  # a claimed notice is due again after that: its sender has died
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0
_TRIES_OF_A_HOPELESS_EDIT = 8


class Delivery:
    """Tells the channels. ``send`` None: there is no way to any, incidents stand on the page only."""

    def __init__(
        self, db: Database, options: AlertOptions, send: SendNotice | None, now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._options = options
        self._send = send
        self._now = now

    async def deliver(self) -> int:
        """Tell each channel what it has not read yet, and again what nobody has taken up; return how many messages.

        A message that could not be sent stays a row and is tried again with growing waits, for as long as it takes.
        """
        if self._send is None:
            return 0
        sent = 0
        for channel in self._options.channels:
            for incident, notice in await due_notices(self._db, channel, now=self._now()):
                sent += await self._tell(self._send, incident, notice)
            for incident, notice in await due_reminders(self._db, channel, now=self._now()):
                sent += await self._tell_again(self._send, incident, notice)
        return sent

    async def _tell(self, send: SendNotice, listed: Incident, notice: Notice) -> bool:
        """Post or edit one message. A first post keeps its draft until it is known to be out."""
        incident = await find_incident(self._db, listed.id)  # the messages before it may have taken a while
        if incident is None or (incident.state == "firing" and incident.is_silenced(self._now())):
            return False
        text, version = await self._message(incident), incident.version
        draft: Mapping[str, Any] | None = None
        if notice.message_id is None:
            if notice.draft is not None:
                text = Message(text=notice.draft["text"], blocks=notice.draft["blocks"])
                version = notice.draft_version or 1
            draft = {"text": text.text, "blocks": list(text.blocks)}
        claimed = await claim_notice(
            self._db,
            notice,
            until=self._now() + _SENDING,
            draft=draft,
            draft_version=version if draft is not None else None,
        )
        if not claimed:
            return False
        try:
            message_id = await send(notice.channel, text.text, text.blocks, incident.id, notice.message_id)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._not_sent(notice, version, error)
            return False
        await notice_sent(
            self._db,
            notice,
            message_id=message_id,
            version=version,
            now=self._now(),
            remind_at=self._next(incident) if notice.message_id is None else None,
            said=_said(incident, notice),
        )
        return True

    async def _tell_again(self, send: SendNotice, incident: Incident, notice: Notice) -> bool:
        """Post one more message, since nobody has taken the incident up or its silence is over."""
        now = self._now()
        if not await claim_reminder(self._db, notice, remind_at=self._next(incident)):
            return False
        text = await self._message(incident, again=now)
        key = f"{incident.id}-again-{notice.reminders + 1}"
        where = f"Slack channel {notice.channel}"
        try:
            await send(notice.channel, text.text, text.blocks, key, None)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("notice.failed", extra={"channel": notice.channel, "reason": _reason(error)})
            await reminded(
                self._db,
                notice,
                said=f"{where} could not be told again: {_reason(error)}",
                arrived=False,
                again_at=now + timedelta(seconds=_LONGEST_WAIT),
                now=now,
            )
            return False
        await reminded(self._db, notice, said=f"{where} was told again.", arrived=True, now=now)
        return True

    def _next(self, incident: Incident) -> datetime | None:
        """Return when people are to be told again; None for what can wait, and for what somebody looks after."""
        if incident.severity != "page" or incident.acknowledged_by is not None or not self._options.remind_every:
            return None
        return self._now() + timedelta(seconds=self._options.remind_every)

    async def _not_sent(self, notice: Notice, version: int, error: Exception) -> None:
        """Put a notice off. An edit that can never succeed (the message was deleted) is given up in the end."""
        reason = _reason(error)
        log.warning("notice.failed", extra={"channel": notice.channel, "reason": reason})
        hopeless = not getattr(error, "retryable", True)
        now = self._now()
        if notice.message_id is not None and hopeless and notice.tries >= _TRIES_OF_A_HOPELESS_EDIT:
            await notice_sent(self._db, notice, message_id=notice.message_id, version=version, now=now)
            return
        wait = min(_FIRST_WAIT * 2 ** min(notice.tries, 10), _LONGEST_WAIT)
        first = f"Slack channel {notice.channel} could not be told: {reason} It is tried again until it arrives."
        await notice_failed(
            self._db,
            notice,
            error=reason,
            due_at=now + timedelta(seconds=wait),
            now=now,
            said=first if notice.error is None else "",
        )

    async def _message(self, incident: Incident, *, again: datetime | None = None) -> Message:
        cause = await find_incident(self._db, incident.inhibited_by) if incident.inhibited_by else None
        return message(incident, public_url=self._options.public_url, cause=cause.title if cause else None, again=again)


def _said(incident: Incident, notice: Notice) -> str:
    """Return what the timeline says of a message that arrived; "" for an edit that only brings newer numbers."""
    where = f"Slack channel {notice.channel}"
    after = f" at try {notice.tries + 1}" if notice.tries and notice.error is not None else ""
    if incident.state == "resolved":
        return f"{where} was told that it is over{after}."
    if notice.message_id is None or after:
        return f"{where} was told{after}."
    return ""


def _reason(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
