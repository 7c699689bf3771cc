"""The bodies Klaviyo takes, as its contract describes them, and what is wrong with one that is given.

A shape is the name of a type ("text", "number", "boolean", "object", "moment", "any", with "?" where null will do),
"=a|b" for a choice of words, a mapping of an object's fields ("!" after the name of one that must be there), or a list
holding the shape of an array's items. A field left out of the contract is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox.klaviyo.errors import Problem, wrong

_MARKETING = {"consent!": "=SUBSCRIBED", "consented_at": "moment?"}
_IDENTIFIER = {"type!": "=profile", "id!": "text"}

LOCATION: dict[str, Any] = {
    **dict.fromkeys(("address1", "address2", "city", "country"), "text?"),
    **dict.fromkeys(("latitude", "longitude"), "text|number?"),
    **dict.fromkeys(("region", "zip", "timezone", "ip"), "text?"),
}
PROFILE: dict[str, Any] = {
    **dict.fromkeys(("email", "phone_number", "external_id", "first_name", "last_name", "organization"), "text?"),
    **dict.fromkeys(("locale", "title", "image"), "text?"),
    "location": LOCATION,
    "properties": "object?",
}
PATCHES: dict[str, Any] = {
    "patch_properties": {"append": "object?", "unappend": "object?", "unset": "any"},
    "patch_identifiers": {"append": "object", "unappend": "object"},
}
CREATE_PROFILE = {"data!": {"type!": "=profile", "attributes!": PROFILE}}
UPDATE_PROFILE = {"data!": {"type!": "=profile", "id!": "text", "attributes!": PROFILE, "meta": PATCHES}}
IMPORT_PROFILE = {
    "data!": {"type!": "=profile", "id": "text?", "attributes!": {**PROFILE, "_kx": "text?"}, "meta": PATCHES}
}

METRIC = {"data!": {"type!": "=metric", "attributes!": {"name!": "text", "service": "text?"}}}
EVENT: dict[str, Any] = {
    "properties!": "object",
    "time": "moment?",
    "value": "number?",
    "value_currency": "text?",
    "unique_id": "text?",
    "backfill": "boolean?",
    "metric!": METRIC,
}
_OF_EVENT = {**PROFILE, "anonymous_id": "text?", "_kx": "text?"}
CREATE_EVENT = {
    "data!": {
        "type!": "=event",
        "attributes!": {
            **EVENT,
            "profile!": {
                "data!": {"type!": "=profile", "id": "text?", "attributes!": {**_OF_EVENT, "meta": PATCHES}},
            },
        },
    }
}
CREATE_EVENTS = {
    "data!": {
        "type!": "=event-bulk-create-job",
        "attributes!": {
            "events-bulk-create!": {
                "data!": [
                    {
                        "type!": "=event-bulk-create",
                        "attributes!": {
                            "backfill": "boolean?",
                            "profile!": {
                                "data!": {"type!": "=profile", "id": "text?", "attributes!": _OF_EVENT, "meta": PATCHES}
                            },
                            "events!": {"data!": [{"type!": "=event", "attributes!": EVENT}]},
                        },
                    }
                ]
            }
        },
    }
}

CREATE_LIST = {
    "data!": {
        "type!": "=list",
        "attributes!": {"name!": "text", "opt_in_process": "=double_opt_in|single_opt_in?"},
    }
}
MEMBERS = {"data!": [_IDENTIFIER]}

_TOKEN = {
    "token!": "text",
    "platform!": "=android|ios",
    "vendor!": "=apns|fcm",
    "enablement_status": "=AUTHORIZED|DENIED|NOT_DETERMINED|PROVISIONAL|UNAUTHORIZED?",
    "background": "=AVAILABLE|DENIED|RESTRICTED?",
    "device_metadata": {
        "device_id": "text?",
        "klaviyo_sdk": "=android|flutter|flutter_community|react_native|swift?",
        **dict.fromkeys(("sdk_version", "device_model"), "text?"),
        "os_name": "=android|ios|ipados|macos|tvos?",
        **dict.fromkeys(("os_version", "manufacturer", "app_name", "app_version", "app_build", "app_id"), "text?"),
        "environment": "=debug|release?",
    },
}
SUBSCRIBE = {
    "data!": {
        "type!": "=profile-subscription-bulk-create-job",
        "attributes!": {
            "custom_source": "text?",
            "profiles!": {
                "data!": [
                    {
                        "type!": "=profile",
                        "id": "text?",
                        "attributes!": {
                            "email": "text?",
                            "phone_number": "text?",
                            "subscriptions!": {
                                "email": {"marketing": _MARKETING, "open_tracking": {"consent!": "=SUBSCRIBED"}},
                                "sms": {"marketing": _MARKETING, "transactional": _MARKETING},
                                "whatsapp": {"marketing": _MARKETING, "transactional": _MARKETING},
                                "push": {
                                    "marketing!": _MARKETING,
                                    "tokens": [_TOKEN],
                                    "anonymous_id": "text?",
                                },
                            },
                            "age_gated_date_of_birth": "text?",
                        },
                    }
                ]
            },
            "historical_import": "boolean?",
        },
        "relationships": {"list": {"data": {"type!": "=list", "id!": "text"}}},
    }
}

_TOPICS = {"webhook-topics": {"data": [{"type!": "=webhook-topic", "id!": "text"}]}}
CREATE_WEBHOOK = {
    "data!": {
        "type!": "=webhook",
        "attributes!": {"name!": "text", "description": "text?", "endpoint_url!": "text", "secret_key!": "text"},
        "relationships!": {"webhook-topics!": _TOPICS["webhook-topics"]},
    }
}
UPDATE_WEBHOOK = {
    "data!": {
        "type!": "=webhook",
        "id!": "text",
        "attributes!": {
            **dict.fromkeys(("name", "description", "endpoint_url", "secret_key"), "text?"),
            "enabled": "boolean?",
        },
        "relationships": _TOPICS,
    }
}


def misfits(value: Any, shape: Any, pointer: str = "", resource: str = "") -> Iterator[Problem]:
    """Yield everything in which the value is not of the shape; ``resource`` is whose fields these are."""
    if isinstance(shape, str):
        if not _fits(value, shape):
            yield wrong(_refusal(value, shape, pointer), pointer or "/data")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield wrong("Invalid input. Expected an array.", pointer)
            return
        for index, item in enumerate(value):
            yield from misfits(item, shape[0], f"{pointer}/{index}", resource)
    elif value is not None:  # an object that may be left out may be null as well
        yield from _object(value, shape, pointer, resource)


def _object(value: Any, shape: dict[str, Any], pointer: str, resource: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield wrong("Invalid input. Expected an object.", pointer or "/data")
        return
    if "type!" in shape:
        resource = shape["type!"][1:]
    for name, inner in shape.items():
        known = name.rstrip("!")
        if known in value:
            if name != known and isinstance(inner, dict) and value[known] is None:
                yield wrong(f"'{known}' may not be null.", f"{pointer}/{known}")
            else:
                yield from misfits(value[known], inner, f"{pointer}/{known}", resource)
        elif name != known and known == "data" and pointer:
            yield wrong("'data' key missing in relationship", pointer)
        elif name != known:
            yield wrong(f"'{known}' is a required field.", f"{pointer}/{known}")
    for name in value:
        if name not in shape and f"{name}!" not in shape:
            yield wrong(f"'{name}' is not a valid field for the resource '{resource}'.", f"{pointer}/{name}")


def _fits(value: Any, shape: str) -> bool:
    if value is None:
        return shape == "any" or shape.endswith("?")
    kind = shape.rstrip("?")
    if kind.startswith("="):
        return value in kind[1:].split("|")
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return _is_number(value)
        case "text|number":
            return isinstance(value, str) or _is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "moment":
            return moment(value) is not None
        case _:
            return True


def _refusal(value: Any, shape: str, pointer: str) -> str:
    name = pointer.rpartition("/")[2]
    if value is None:
        return f"'{name}' may not be null."
    if shape.startswith("="):
        return f"'{value}' is not a valid choice for '{name}'."
    if shape.startswith("moment"):
        return f"'{name}' must be a valid ISO 8601 datetime."
    return f"Invalid type for '{name}'."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def moment(value: Any) -> float | None:
    """Return an ISO 8601 time as Unix seconds, None for anything else; one without an offset is UTC (unconfirmed)."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value if value[-1:].upper() != "Z" else f"{value[:-1]}+00:00")
    except ValueError:
        return None
    return (read if read.tzinfo else datetime.fromisoformat(f"{read.isoformat()}+00:00")).timestamp()
