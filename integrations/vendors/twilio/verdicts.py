"""How Twilio's refusals are judged: ``{"code", "message", "more_info", "status"}``, by code and then by status.

Twilio asks not to build fine logic on its codes, which were split into finer ones in July 2024: those that mean
something to a shop are listed, every other is judged by its status. Its texts quote numbers, so none is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from integrations.classify import by_status
from integrations.error_body import told
from integrations.errors import Fault
from integrations.outcome import Response, Verdict
from integrations.vendors.twilio.declaration import LABEL

QUEUE_FULL = 21611
# code -> (error_type, fault, sentence)
_CODES: Mapping[int, tuple[str, Fault, str]] = {
    21211: (
        "invalid_recipient",
        "ours",
        "does not take the recipient's number; it is not one, or lacks its country code",
    ),
    21408: ("region_not_enabled", "configuration", "is not allowed to send to that country; enable it in the console"),
    21606: ("sender_not_usable", "configuration", "cannot send from our number; check QUAYSIDE_TWILIO_FROM"),
    21610: ("opted_out", "ours", "will not send: the recipient has said STOP. Never send to this number again"),
    21612: ("unreachable_recipient", "ours", "cannot reach that number from our sender"),
    21614: ("not_a_mobile", "ours", "says that the number is no mobile phone"),
    21617: ("too_long", "ours", "says that the text is too long; 1,600 characters are the most"),
    21659: ("sender_not_usable", "configuration", "cannot send from our number; check QUAYSIDE_TWILIO_FROM"),
    21703: ("sender_not_usable", "configuration", "has no number in our messaging service; add one"),
    21705: ("sender_not_usable", "configuration", "does not know our messaging service; check its SID"),
}


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    if response.status < 300:
        return None
    code = _code(response)
    if code in _CODES:
        error_type, fault, sentence = _CODES[code]
        return Verdict(error_type=error_type, fault=fault, message=f"{LABEL} {sentence}.", counts=False, untouched=True)
    if code == QUEUE_FULL:
        return Verdict(
            error_type="queue_full",
            fault="ours",
            message=f"{LABEL}'s queue of our sender is full; this message was not taken, and may be sent again later.",
            counts=False,
            untouched=True,
        )
    verdict = by_status(LABEL, response)
    if verdict is not None and response.status == 404:
        return replace(verdict, error_type="not_found", message=f"{LABEL} knows no such message or account.")
    return verdict


def _code(response: Response) -> int:
    code = told(response).get("code")
    return code if isinstance(code, int) else 0
