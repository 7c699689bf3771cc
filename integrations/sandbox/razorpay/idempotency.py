"""Refunds once per ``X-Refund-Idempotency``; nothing else at Razorpay knows a key.

The docs say 400 (code BAD_REQUEST) and 409 on the same page for a key that comes again with another body: 400 here,
unless the setting ``idempotency_mismatch_status`` says otherwise. How long a key is kept is not published: for good.
Refusals are not kept (unconfirmed).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.sandbox.razorpay.errors import Refused, invalid
from integrations.sandbox.twin import Answer

_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")


@dataclass(slots=True)
class _Kept:
    fingerprint: bytes
    answer: Answer | None = None  # None while the first request is still running


class Keys:
    """The keys seen, by account key; the account is one, the keys are not shared."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}

    def __repr__(self) -> str:
        return f"<Keys {len(self._kept)} kept>"

    def claim(self, owner: str, key: str, fingerprint: bytes, *, mismatch_status: int) -> Answer | None:
        """Return the answer kept under the key, or None and hold the key for this request.

        Raises ``Refused``: 400 for a key of another form, 409 while the first request runs, for another body 400.
        """
        if not _KEY.fullmatch(key):
            raise invalid("The idempotency key must be at least 10 characters of letters, digits, - and _.")
        kept = self._kept.get((owner, key))
        if kept is None:
            self._kept[owner, key] = _Kept(fingerprint)
            return None
        if kept.fingerprint != fingerprint:
            raise Refused(
                mismatch_status, "Different request with the same idempotency key has already been processed."
            )
        if kept.answer is None:
            raise Refused(409, "Another request with the same idempotency key is still in progress.")
        return kept.answer

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        """Keep the answer for the requests to come."""
        self._kept[owner, key].answer = answer

    def give_back(self, owner: str, key: str) -> None:
        """Forget a key whose request came to nothing."""
        self._kept.pop((owner, key), None)
