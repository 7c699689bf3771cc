"""How often each operation may be asked: a window of a second, one of a minute, and for some one of a day."""

from __future__ import annotations

from integrations.sandbox.twin import Quota

STEADY = ".steady"
_BURST_AND_STEADY = {"XS": (1, 15), "S": (3, 60), "M": (10, 150), "L": (75, 750), "XL": (350, 3500)}
_OPERATIONS = {
    "upsert_profile": "L",
    "create_profile": "L",
    "update_profile": "L",
    "subscribe_profiles": "L",
    "look_up": "L",  # profiles and lists
    "look_up_analytics": "M",  # with additional-fields[profile]=predictive_analytics
    "look_up_members": "XS",  # with include=lists or segments, or additional-fields[list]=profile_count
    "look_up_events": "XL",
    "look_up_metrics": "M",  # and one event by its id
    "look_up_accounts": "XS",
    "track_event": "XL",
    "track_events": "M",
    "create_list": "M",
    "change_list": "M",
    "webhooks": "XS",
}
_A_DAY = {"create_list": 150}

QUOTAS: tuple[Quota, ...] = tuple(
    quota
    for operation, tier in _OPERATIONS.items()
    for quota in (
        Quota(name=f"{operation}.burst", limit=_BURST_AND_STEADY[tier][0], seconds=1.0, operations=(operation,)),
        Quota(name=f"{operation}{STEADY}", limit=_BURST_AND_STEADY[tier][1], seconds=60.0, operations=(operation,)),
        *(
            (Quota(name=f"{operation}.daily", limit=_A_DAY[operation], seconds=86_400.0, operations=(operation,)),)
            if operation in _A_DAY
            else ()
        ),
    )
)
