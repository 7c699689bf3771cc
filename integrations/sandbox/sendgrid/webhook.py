"""The Event Webhook: batches of events, signed with ECDSA P-256 over SHA-256.

What is signed is the time stamp's text followed by the raw body, which ends with a line break: whoever decodes and
encodes it anew verifies something else. The key is always the same, so that it can be set beforehand.
"""

from __future__ import annotations

import base64
import hashlib
from itertools import groupby

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.sendgrid.mailbox import Mailbox
from integrations.sandbox.twin import World

WEBHOOK_ID = "77d4a5da-7015-11ed-a1eb-0242ac120002"
_BATCH = 5  # seconds whose events travel together
_SEED = int.from_bytes(hashlib.sha256(b"quayside sandbox event webhook").digest()) >> 1  # below the curve's order


class Webhook:
    """Makes the deliveries there have been so far. Setting ``repeat_events`` (false): each batch comes twice."""

    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world = world
        self._mailbox = mailbox
        self._key = ec.derive_private_key(_SEED, ec.SECP256R1())

    def public_key(self) -> str:
        """Return the public key as the settings show it: base64 of its DER form."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def make(self, url: str, secret: str) -> list[Delivery]:
        """Return all batches, oldest first. Neither address nor secret goes into the signature."""
        now = int(self._world.now())
        batches = groupby(self._mailbox.events(), key=lambda event: int(event.at // _BATCH))
        made = [
            self._delivery(min((number + 1) * _BATCH, now), [event.json for event in events])
            for number, events in batches
        ]
        return made * (2 if self._world.setting("sendgrid", "repeat_events", False) else 1)

    def _delivery(self, at: int, events: list[dict[str, object]]) -> Delivery:
        body = orjson.dumps(events).decode() + "\r\n"
        signature = self._key.sign(f"{at}{body}".encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return Delivery(
            type=", ".join(str(event["event"]) for event in events),
            headers={
                "Content-Type": "application/json",
                "User-Agent": "SendGrid Event API",
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": str(at),
            },
            body=body,
        )
