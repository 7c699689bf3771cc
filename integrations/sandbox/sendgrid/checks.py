"""What a mail must be like beyond its types, in SendGrid's words.

After the page of errors (twilio.com/docs/sendgrid/api-reference/mail-send/errors) and recorded answers.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from integrations.sandbox.sendgrid.errors import Problem, Refused, wrong
from integrations.sandbox.sendgrid.schema import MAIL, misfits

MOST_RECIPIENTS, MOST_GROUPS, LARGEST_ARGS, LATEST = 1000, 25, 10_000, 72 * 3600
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[A-Za-z]{2,}")
_TEMPLATE = re.compile(r"d-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = ("text/plain", "text/html")
_RESERVED = frozenset(
    (
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    )
)


def check(mail: Any, now: float) -> dict[str, Any]:
    """Return the mail; raises Refused with everything that is wrong with it, its types before all else."""
    found = list(misfits(mail, MAIL)) or list(_faults(mail, now))
    if found:
        raise Refused(400, found)
    checked: dict[str, Any] = mail
    return checked


def _faults(mail: dict[str, Any], now: float) -> Iterator[Problem]:
    people = mail.get("personalizations", [])
    if not people:
        yield Problem(
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#-Personalizations-Errors",
        )
    if len(people) > MOST_RECIPIENTS:
        yield wrong(
            f"The personalization block is limited to {MOST_RECIPIENTS} personalizations per API request. You have "
            f"provided {len(people)} personalizations. Please consider splitting this into multiple requests and "
            "resending your request.",
            "personalizations",
        )
    for index, person in enumerate(people):
        yield from _personalization(person, f"personalizations.{index}", mail, now)
    count = sum(len(person.get(part, ())) for person in people for part in ("to", "cc", "bcc"))
    if count > MOST_RECIPIENTS:
        yield wrong(
            f"There is a limit of {MOST_RECIPIENTS} total recipients (to + cc + bcc) per request.", "personalizations"
        )
    yield from _sender(mail)
    yield from _text(mail, people)
    yield from _send_at(mail, "send_at", now)
    yield from _args(mail.get("custom_args", {}), "custom_args", {})
    yield from _headers(mail.get("headers", {}), "headers")
    yield from _categories(mail.get("categories", []))
    yield from _attachments(mail.get("attachments", []))
    yield from _delivery(mail)


def _personalization(person: dict[str, Any], field: str, mail: dict[str, Any], now: float) -> Iterator[Problem]:
    if not person.get("to"):
        yield wrong(
            "The to array is required for all personalization objects, and must have at least one email object with a "
            "valid email address.",
            f"{field}.to",
        )
    seen: set[str] = set()
    for part in ("to", "cc", "bcc"):
        for index, address in enumerate(person.get(part, ())):
            email = address.get("email", "")
            if not _ADDRESS.fullmatch(email):
                yield wrong("Does not contain a valid address.", f"{field}.{part}.{index}.email")
            elif email.lower() in seen:
                yield Problem(
                    "Each email address in the personalization block should be unique between to, cc, and bcc. We found "
                    f"the first duplicate instance of [{email}] in the {field}.{part} field.",
                    field,
                    "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.recipient-errors",
                )
            seen.add(email.lower())
    yield from _send_at(person, f"{field}.send_at", now)
    yield from _args(person.get("custom_args", {}), f"{field}.custom_args", mail.get("custom_args", {}))
    yield from _headers(person.get("headers", {}), f"{field}.headers")
    if not all(isinstance(value, str) for value in person.get("substitutions", {}).values()):
        yield wrong(
            "The substitution values must be an object of key/value pairs, where the values are all strings.",
            f"{field}.substitutions",
        )


def _sender(mail: dict[str, Any]) -> Iterator[Problem]:
    email = mail.get("from", {}).get("email")
    if not email:
        yield wrong(
            "The from object must be provided for every email send. It is an object that requires the email parameter, "
            'but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or '
            '{"email" : "example@example.com", "name" : "Example Recipient"}.',
            "from.email",
        )
    elif not _ADDRESS.fullmatch(email):
        yield wrong("The from email does not contain a valid address.", "from.email")
    if "reply_to" in mail and not _ADDRESS.fullmatch(mail["reply_to"].get("email", "")):
        yield wrong("The reply_to email does not contain a valid address.", "reply_to.email")
    if "reply_to" in mail and "reply_to_list" in mail:
        yield wrong("Only one of reply_to and reply_to_list can be used.", "reply_to_list")  # words unconfirmed
    for index, address in enumerate(mail.get("reply_to_list", ())):
        if not _ADDRESS.fullmatch(address.get("email", "")):
            yield wrong("Does not contain a valid address.", f"reply_to_list.{index}.email")


def _text(mail: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[Problem]:
    template = mail.get("template_id")
    if template is not None and not _TEMPLATE.fullmatch(template):
        yield wrong(f"The template_id must be a valid GUID, you provided '{template}'.", "template_id")
        template = None
    if not template and not mail.get("subject") and not all(person.get("subject") for person in people):
        yield wrong(
            "The subject is required. You can get around this requirement if you use a template with a subject defined "
            "or if every personalization has a subject defined.",
            "subject",
        )
    content = mail.get("content", [])
    if not template and not content:
        yield wrong(
            "Unless a valid template_id is provided, the content parameter is required. There must be at least one "
            "defined content block. We typically suggest both text/plain and text/html blocks are included, but only "
            "one block is required.",
            "content",
        )
    for index, block in enumerate(content):
        for name in ("type", "value"):
            if not block.get(name):
                yield wrong(
                    f"The content {name} must be a string at least one character in length.", f"content.{index}.{name}"
                )
    types = [block.get("type", "").lower() for block in content]
    if any(types.count(kind) > 1 for kind in _KINDS):
        yield Problem("If present, text/plain and text/html may only be provided once.", "content")
    elif types != sorted(types, key=lambda kind: _KINDS.index(kind) if kind in _KINDS else len(_KINDS)):
        yield wrong(
            "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain "
            "needs to be first, followed by text/html, followed by any other content.",
            "content",
        )


def _delivery(mail: dict[str, Any]) -> Iterator[Problem]:
    group = mail.get("asm", {"group_id": 1})
    if "group_id" not in group:
        yield wrong("The asm group_id is required.", "asm.group_id")  # words unconfirmed, as the two below
    if len(group.get("groups_to_display", ())) > MOST_GROUPS:
        yield wrong(f"There is a limit of {MOST_GROUPS} groups to display.", "asm.groups_to_display")
    if not 2 <= len(mail.get("ip_pool_name", "main")) <= 64:
        yield wrong("The length of ip_pool_name should be between 2 and 64 characters.", "ip_pool_name")


def _send_at(part: dict[str, Any], field: str, now: float) -> Iterator[Problem]:
    if part.get("send_at", 0) > now + LATEST:  # milliseconds are a date in the far future
        yield wrong("Scheduling more than 72 hours in advance is forbidden.", field)


def _args(args: dict[str, Any], field: str, inherited: dict[str, Any]) -> Iterator[Problem]:
    if not all(isinstance(value, str) for value in args.values()):
        yield wrong("All values of custom arguments object must be strings", field)
    elif _size(inherited) < LARGEST_ARGS <= _size({**inherited, **args}):
        yield wrong(f"The combined size of custom arguments may not exceed {LARGEST_ARGS} bytes.", field)


def _size(args: dict[str, Any]) -> int:
    return sum(len(name.encode()) + len(str(value).encode()) for name, value in args.items())


def _headers(headers: dict[str, Any], field: str) -> Iterator[Problem]:
    if not all(isinstance(value, str) for value in headers.values()):
        yield wrong("The header values must be strings.", field)
    for name in headers:
        if name.lower() in _RESERVED:
            yield wrong("Header can not be one of the reserved keys.", f"{field}.{name}")
        elif not name.isascii() or " " in name:
            yield wrong("Header keys can't contain non-ASCII characters and empty spaces.", f"{field}.{name}")


def _categories(categories: list[str]) -> Iterator[Problem]:
    if len(categories) > 10:
        yield wrong(
            "There is a limit of 10 categories for each email that is sent. You provided "
            f"{len(categories)} categories.",
            "categories",
        )
    for category in categories:
        if len(category) > 255:
            yield wrong(
                f"Each category must not be longer than 255 characters. {category[:20]}… exceeds this limit.",
                "categories",
            )
        elif not category.isascii():
            yield wrong("Categories can not contain non-ASCII characters.", "categories")
    twice = next((category for category in categories if categories.count(category) > 1), None)
    if twice is not None:
        yield wrong(
            f"The categories must be a unique list, and you have included {twice} more than once.", "categories"
        )


def _attachments(attachments: list[dict[str, Any]]) -> Iterator[Problem]:
    for index, attachment in enumerate(attachments):
        field = f"attachments.{index}"
        if not attachment.get("filename"):
            yield wrong("filename is required.", f"{field}.filename")
        try:
            decoded = base64.b64decode(attachment.get("content", ""), validate=True)
        except (binascii.Error, ValueError):
            yield wrong("The attachment content must be base64 encoded.", f"{field}.content")
        else:
            if not decoded:
                yield wrong(
                    "The attachment content must be a string at least one character in length.", f"{field}.content"
                )
        if attachment.get("disposition", "attachment") not in ("inline", "attachment"):
            yield wrong(
                'The disposition of your attachment can be either "inline" or "attachment". You provided '
                f"{attachment['disposition']}.",
                f"{field}.disposition",
            )
