"""The euro reference rates of the European Central Bank, whoever hands them on: when they hold, and for any base.

They are set on working days at about 16:00 in Frankfurt and stand until the next. Sources: ecb.europa.eu, euro foreign
exchange reference rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from integrations.errors import InvalidInput
from integrations.types.currency import Rates, rebased

BASE = "EUR"
FIRST_DAY = date(1999, 1, 4)
_PUBLISHED = time(16, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def today(now: datetime) -> date:
    """Return the day it is in Frankfurt."""
    return now.astimezone(_PUBLISHED.tzinfo).date()


def refuse_other_days(label: str, day: date, now: datetime) -> None:
    """Raise InvalidInput for a day before the first rates, or one that is still to come."""
    if day < FIRST_DAY:
        raise InvalidInput(f"{label} has no rates before {FIRST_DAY}.", field="date")
    if day > today(now):
        raise InvalidInput(f"{day} is in the future; ask for a day up to today.", field="date")


def in_base(label: str, day: date, rates: Mapping[str, Decimal], base: str, symbols: tuple[str, ...]) -> Rates:
    """Return a day's units for 1 EUR as rates of any base, as of 16:00 in Frankfurt.

    Raise InvalidInput for a base that is not quoted.
    """
    as_of = datetime.combine(day, _PUBLISHED).astimezone(UTC)
    try:
        return rebased(Rates(base=BASE, as_of=as_of, rates=dict(rates)), base, symbols)
    except KeyError:
        raise InvalidInput(f"{label} does not quote {base}.", field="base") from None
