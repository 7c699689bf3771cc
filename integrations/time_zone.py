"""Time zones: the one that a setting names, and those of a country by the tz database (the file zone.tab, of tzdata)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from importlib import resources
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


def zone_in(country: str, now: datetime, home: ZoneInfo | None = None) -> tzinfo:
    """Return a zone of a country (ISO 3166-1 alpha-2): ``home`` where it lies there, else the one farthest ahead now.

    What begins today there has begun, or is still to begin, everywhere in the country; it is past nowhere. A country
    the tz database does not know has ``home``, or UTC.
    """
    names = _zones().get(country, ())
    if home is not None and (home.key in names or not names):
        return home
    there = [now.astimezone(ZoneInfo(name)) for name in names]
    return max(there, key=lambda local: local.replace(tzinfo=UTC)).tzinfo or UTC if there else UTC


def day_in(country: str, now: datetime) -> date:
    """Return which day it is in a country, by the zone of ``zone_in``."""
    return now.astimezone(zone_in(country, now)).date()


@cache
def _zones() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _place, name, *_comment = line.split("\t")
            found[country].append(name)
    return found
