"""``plannedShippingDateAndTime``: MyDHL's own form of a moment, and the ten days it may lie ahead."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.geography import local

# The prose writes a blank before GMT, the examples do not; both are taken.
_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d) ?GMT([+-]\d\d:\d\d)")
_ILL_FORMED = "998: ShipTimeStamp is not well formatted.(Expected Sample Format : '2010-02-11T17:10:09 GMT+01:00')"
_OUT_OF_RANGE = "998: The shipment date cannot be in the past or more than 10 days in future."
_AHEAD = timedelta(days=10)


def read_moment(text: str) -> datetime:
    """Return the moment with its offset; raises Refused 400 when it is of another form."""
    found = _FORM.fullmatch(text)
    try:
        return datetime.fromisoformat(found[1] + found[2]) if found else _refuse()
    except ValueError:
        raise Refused(400, _ILL_FORMED) from None


def check_moment(moment: datetime, now: float) -> None:
    """Refuse a moment that has passed, be it by a second, or lies more than ten days ahead."""
    at = datetime.fromtimestamp(now, UTC)
    if moment < at or moment > at + _AHEAD:
        raise Refused(400, _OUT_OF_RANGE)


def check_day(day: date, country: str, now: float) -> None:
    """Refuse a day that is over in a country, or more than ten days ahead there."""
    today = local(country, now).date()
    if not today <= day <= today + _AHEAD:
        raise Refused(400, _OUT_OF_RANGE)


def _refuse() -> datetime:
    raise Refused(400, _ILL_FORMED)
