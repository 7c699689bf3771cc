"""The body of a mail as the contract describes it: which fields there are and of what type.

A shape is the name of a type, a mapping of an object's fields, or a list holding the shape of an array's items.
``custom_args`` of the whole mail is an object here: the contract calls it a string, the vendor's clients send an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations.sandbox.sendgrid.errors import Problem, wrong

_ADDRESS = {"email": "string", "name": "string"}
_SWITCH = {"enable": "boolean"}
MAIL: dict[str, Any] = {
    "personalizations": [
        {
            "from": _ADDRESS,
            "to": [_ADDRESS],
            "cc": [_ADDRESS],
            "bcc": [_ADDRESS],
            "subject": "string",
            "headers": "object",
            "substitutions": "object",
            "dynamic_template_data": "object",
            "custom_args": "object",
            "send_at": "integer",
        }
    ],
    "from": _ADDRESS,
    "reply_to": _ADDRESS,
    "reply_to_list": [_ADDRESS],
    "subject": "string",
    "content": [{"type": "string", "value": "string"}],
    "attachments": [
        {"content": "string", "type": "string", "filename": "string", "disposition": "string", "content_id": "string"}
    ],
    "template_id": "string",
    "headers": "object",
    "categories": ["string"],
    "custom_args": "object",
    "send_at": "integer",
    "batch_id": "string",
    "asm": {"group_id": "integer", "groups_to_display": ["integer"]},
    "ip_pool_name": "string",
    "mail_settings": {
        "bypass_list_management": _SWITCH,
        "bypass_spam_management": _SWITCH,
        "bypass_bounce_management": _SWITCH,
        "bypass_unsubscribe_management": _SWITCH,
        "footer": {"enable": "boolean", "text": "string", "html": "string"},
        "sandbox_mode": _SWITCH,
    },
    "tracking_settings": {
        "click_tracking": {"enable": "boolean", "enable_text": "boolean"},
        "open_tracking": {"enable": "boolean", "substitution_tag": "string"},
        "subscription_tracking": {
            "enable": "boolean",
            "text": "string",
            "html": "string",
            "substitution_tag": "string",
        },
        "ganalytics": {
            "enable": "boolean",
            "utm_source": "string",
            "utm_medium": "string",
            "utm_term": "string",
            "utm_content": "string",
            "utm_campaign": "string",
        },
    },
}


def misfits(value: Any, shape: Any, field: str = "") -> Iterator[Problem]:
    """Yield what is of another type than the shape says, and what the shape does not name."""
    expected = shape if isinstance(shape, str) else "object" if isinstance(shape, dict) else "array"
    given = _type(value)
    if given != expected:
        yield wrong(f"Invalid type. Expected: {expected}, given: {given}.", field)
    elif isinstance(shape, dict):
        for name, inner in value.items():
            inside = f"{field}.{name}" if field else name
            if name in shape:
                yield from misfits(inner, shape[name], inside)
            else:
                yield Problem(f"Additional property {name} is not allowed.", inside)
    elif isinstance(shape, list):
        for index, item in enumerate(value):
            yield from misfits(item, shape[0], f"{field}.{index}")


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
