"""Status callbacks: a form posted for every change of status after the first, signed with the Auth Token.

A new message's first status calls nobody (twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks);
nor does ``sending`` (unconfirmed). The callbacks are made as though StatusCallback, the message's own or that of its
Messaging Service, were the address asked for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urldefrag, urlencode
from uuid import NAMESPACE_URL, uuid5

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.twilio.message import VERSION, Change, Message
from integrations.sandbox.twilio.outbox import Outbox
from integrations.sandbox.twin import World

_SILENT = frozenset({"sending", "accepted"})
_REPORTED = frozenset({"delivered", "undelivered"})  # those carry the network's own time


class Callbacks:
    """Makes the callbacks there have been so far.

    Settings: ``repeat_callbacks`` (false; each comes twice and the later status before the earlier, as may happen),
    ``shared_key`` (none; the id of a key that signs with SHA-256 in place of the Auth Token with SHA-1).
    """

    def __init__(self, world: World, outbox: Outbox) -> None:
        self._world = world
        self._outbox = outbox

    def make(self, url: str, secret: str) -> list[Delivery]:
        """Return all callbacks, signed for the url without its fragment, which only tunes the retries."""
        due = sorted(self._due(), key=lambda one: one[0].at)
        if self._world.setting("twilio", "repeat_callbacks", False):
            due = [*reversed(due), *due]
        return [self._delivery(message, change, urldefrag(url).url, secret) for change, message in due]

    def _due(self) -> Iterator[tuple[Change, Message]]:
        now = self._world.now()
        for message in self._outbox.all():
            for change in message.past(now)[1:]:
                if change.status not in _SILENT:
                    yield change, message

    def _delivery(self, message: Message, change: Change, url: str, secret: str) -> Delivery:
        form = _form(message, change)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid5(NAMESPACE_URL, f"{message.sid}:{change.status}")),
        }
        key, algorithm = self._world.setting("twilio", "shared_key", None), hashlib.sha1
        if key is not None:
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key},algorithm=HMAC_SHA256"
            algorithm = hashlib.sha256
        signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
        digest = hmac.new(secret.encode(), signed.encode(), algorithm).digest()
        headers["X-Twilio-Signature"] = base64.b64encode(digest).decode()
        return Delivery(type=change.status, headers=headers, body=urlencode(form))


def _form(message: Message, change: Change) -> Mapping[str, str]:
    shown = message.json(change.at)
    form = {
        "SmsSid": message.sid,
        "SmsStatus": change.status,
        "MessageStatus": change.status,
        "To": message.to,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": shown["from"] or "",
        "ApiVersion": VERSION,
    }
    if message.service_sid is not None:
        form["MessagingServiceSid"] = message.service_sid
    if shown["error_code"] is not None:
        form |= {"ErrorCode": str(shown["error_code"]), "ErrorMessage": shown["error_message"]}
    if change.status in _REPORTED:
        form["RawDlrDoneDate"] = datetime.fromtimestamp(change.at, UTC).strftime("%y%m%d%H%M")
    return form
