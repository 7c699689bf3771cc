"""A time zone that a setting names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.errors import InvalidInput


def zone_named(vendor: str, name: str) -> ZoneInfo:
    """Return the zone a vendor's TIME_ZONE names. Raise InvalidInput naming the setting when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f'QUAYSIDE_{vendor.upper()}_TIME_ZONE is "{name}", which is no time zone; write it as America/New_York.',
            field="TIME_ZONE",
        ) from None
