"""What a request to send says, held against the contract and the error dictionary.

Magic numbers after twilio.com/docs/iam/test-credentials. The status 429 of a full queue (21611) and the texts are those
seen in recorded answers of test credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from integrations.sandbox.twilio.errors import Refused

LONGEST_BODY, LONGEST_VALIDITY, MOST_MEDIA, LONGEST_CALLBACK = 1600, 36_000, 10, 4000
SENDER = "+15005550006"  # the number that passes all validation
_SOONEST, _LATEST = 300, 35 * 86_400  # seconds ahead a message may be scheduled (errors 35114, 35115)
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SID = {"MG": re.compile(r"MG[0-9a-fA-F]{32}"), "HX": re.compile(r"HX[0-9a-fA-F]{32}")}
_CHOICES = {
    "ContentRetention": ("retain", "discard"),
    "AddressRetention": ("retain", "obfuscate"),
    "TrafficType": ("free",),
    "ScheduleType": ("fixed",),
    "RiskCheck": ("enable", "disable"),
}
_CODES = {"ContentRetention": 30029}  # the other choices: 20001, unconfirmed

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A message to send, found good. ``send_at`` is Unix seconds, None for at once."""

    to: str
    sender: str | None
    service_sid: str | None
    body: str
    media: int
    validity: int
    send_at: float | None


def read_form(body: bytes, content_type: str) -> Form:
    """Return the parameters of a form; a body of another media type holds none, JSON included."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return {}
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


def text(form: Form, name: str) -> str | None:
    """Return a parameter's value, None when it is not there; the last one counts when it is there twice."""
    values = form.get(name)
    return values[-1] if values else None


def read_wish(form: Form, now: float, senders: Sequence[str], opted_out: Sequence[str]) -> Wish:
    """Return what is to be sent; raises Refused, the sender's faults before the recipient's, those before the text's."""
    sender, service, to = text(form, "From"), text(form, "MessagingServiceSid"), text(form, "To")
    if not sender and not service:
        raise Refused(21603, "A 'From' phone number is required.")
    if not to:
        raise Refused(21604, "A 'To' phone number is required.")
    if service and not _SID["MG"].fullmatch(service):
        raise Refused(21705, "The Messaging Service is invalid.")
    if sender:
        _check_sender(sender, senders)
    _check_recipient(to, sender or service or "", opted_out)
    body, media = text(form, "Body") or "", form.get("MediaUrl", ())
    content = text(form, "ContentSid")
    if content is not None and not _SID["HX"].fullmatch(content):
        raise Refused(21655, "The ContentSid is Invalid.")
    if not body and not any(media) and not content:
        raise Refused(21619, "A text message body or media urls must be specified.")
    if len(body) > LONGEST_BODY:
        raise Refused(21617, f"The concatenated message body exceeds the {LONGEST_BODY} character limit.")
    if len(media) > MOST_MEDIA:
        raise Refused(21623, "Number of media files exceeds allowed limit.")
    for name, values in _CHOICES.items():
        if text(form, name) not in (None, *values):
            raise Refused(_CODES.get(name, 20001), f"Invalid {name}.")
    _check_callback(text(form, "StatusCallback"))
    return Wish(
        to=to,
        sender=sender or None,
        service_sid=service or None,
        body=body,
        media=len(media),
        validity=_validity(text(form, "ValidityPeriod")),
        send_at=_send_at(form, now, service),
    )


def _check_sender(sender: str, senders: Sequence[str]) -> None:
    if sender == "+15005550001":
        raise Refused(
            21212, f"The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID."
        )
    if sender == "+15005550008":
        raise Refused(21611, "SMS queue is full.", 429)
    if sender not in senders:
        raise Refused(
            21606,
            f"The From phone number {sender} is not a valid, SMS-capable inbound phone number or short code "
            "for your account.",
        )


def _check_recipient(to: str, sender: str, opted_out: Sequence[str]) -> None:
    # A '+' that was not written %2B arrives as a blank and is no number; so is one without its country code.
    north_american = not to.startswith("+1") or len(to) == len("+15005550006")
    if to == "+15005550001" or not _E164.fullmatch(to) or not north_american:
        raise Refused(21211, f"The 'To' number {to} is not a valid phone number.")
    if to == "+15005550002":
        raise Refused(
            21612,
            f"The 'To' phone number: {to}, is not currently reachable using the 'From' phone number: {sender} via SMS.",
        )
    if to == "+15005550003":
        raise Refused(
            21408,
            f"Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}.",
        )
    if to == "+15005550004" or to in opted_out:
        raise Refused(21610, "Attempt to send to unsubscribed recipient")
    if to == "+15005550009":
        raise Refused(21614, f"To number: {to}, is not a mobile number")
    if to == sender:
        raise Refused(21266, "'To' and 'From' numbers cannot be the same")


def _check_callback(url: str | None) -> None:
    if not url:
        return
    parts = urlsplit(url)
    hostname = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not hostname or "_" in hostname or len(url) > LONGEST_CALLBACK:
        raise Refused(21609, "The StatusCallback URL is not a valid URL.")


def _validity(value: str | None) -> int:
    if value is None:
        return LONGEST_VALIDITY
    if not value.isdecimal() or not 1 <= int(value) <= LONGEST_VALIDITY:
        raise Refused(21624, f"Validity period can only be set to integers between 1 and {LONGEST_VALIDITY} seconds.")
    return int(value)


def _send_at(form: Form, now: float, service: str | None) -> float | None:
    """Return when to send; None when nothing is scheduled. ``SendAt`` alone schedules nothing (unconfirmed)."""
    if text(form, "ScheduleType") != "fixed":
        return None
    if not service:
        raise Refused(35118, "MessagingServiceSid is required to schedule a message.")
    wanted = text(form, "SendAt")
    if not wanted:
        raise Refused(35111, "SendAt timestamp is missing.")
    try:
        moment = datetime.fromisoformat(wanted)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        at = 0.0
    if not _SOONEST <= at - now <= _LATEST:
        raise Refused(
            35114,
            f"SendAt time must be between {_SOONEST} seconds and 35 days ({_LATEST} seconds) in the future, inclusive.",
        )
    return at
