"""The conversions counted, whichever API they came by, and the clicks that lead to something else.

A conversion counts once for an order id and action, and once for a click, moment and action. These click ids stand for
what Google may say of a click: ``sandbox_`` and a name of ``CLICKS``. Setting ``recent_actions`` ([]; ids of conversion
actions that were made too recently to take anything).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

OLDEST = timedelta(days=90)  # the longest window between click and conversion


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one refusal is called: ConversionUploadError by the Ads API, ProcessingErrorReason by the Data Manager API."""

    upload: str
    processing: str


_REASON = "PROCESSING_ERROR_REASON_"
CLICKS = {
    "expired": Outcome("EXPIRED_EVENT", f"{_REASON}EXPIRED_CLICK"),
    "foreign": Outcome("INVALID_CUSTOMER_FOR_CLICK", f"{_REASON}INVALID_OPERATING_ACCOUNT_FOR_CLICK"),
    "not_found": Outcome("EVENT_NOT_FOUND", f"{_REASON}CLICK_NOT_FOUND"),
    "precedes": Outcome("CONVERSION_PRECEDES_EVENT", f"{_REASON}CONVERSION_PRECEDES_CLICK"),
    "too_recent": Outcome("TOO_RECENT_EVENT", f"{_REASON}TOO_RECENT_CLICK"),
    "unparseable": Outcome("UNPARSEABLE_GCLID", f"{_REASON}INVALID_GCLID"),
}
TOO_OLD = Outcome("EXPIRED_EVENT", f"{_REASON}EVENT_TOO_OLD")
RECENT_ACTION = Outcome("TOO_RECENT_CONVERSION_ACTION", f"{_REASON}DESTINATION_TOO_RECENTLY_CREATED")
SAME_ORDER = Outcome("ORDER_ID_ALREADY_IN_USE", f"{_REASON}DUPLICATE_TRANSACTION_ID")
SAME_CLICK = Outcome("CLICK_CONVERSION_ALREADY_EXISTS", f"{_REASON}DUPLICATE_GCLID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One conversion. ``click`` and ``order`` are '' when there is none."""

    customer: str
    action: str
    click: str
    order: str
    at: datetime
    value: float | None
    currency: str


class Conversions:
    """What was counted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._orders: set[tuple[str, str, str]] = set()
        self._clicks: set[tuple[str, str, str, float]] = set()
        self._count = 0

    def __repr__(self) -> str:
        return f"<Conversions {self._count} counted>"

    def refusal(self, one: Conversion) -> Outcome | None:
        """Return why a conversion would not count, None when it would."""
        if one.action in {str(action) for action in self._world.setting(VENDOR, "recent_actions", ())}:
            return RECENT_ACTION
        if one.click.startswith("sandbox_") and one.click[8:] in CLICKS:
            return CLICKS[one.click[8:]]
        if one.at.timestamp() < self._world.now() - OLDEST.total_seconds():
            return TOO_OLD
        if one.order and (one.customer, one.action, one.order) in self._orders:
            return SAME_ORDER
        if one.click and (one.customer, one.action, one.click, one.at.timestamp()) in self._clicks:
            return SAME_CLICK
        return None

    def count(self, one: Conversion) -> None:
        """Count a conversion."""
        self._count += 1
        if one.order:
            self._orders.add((one.customer, one.action, one.order))
        if one.click:
            self._clicks.add((one.customer, one.action, one.click, one.at.timestamp()))
        amount = None if one.value is None else f"{Decimal(str(one.value))} {one.currency}".strip()
        self._world.ledger.effect(
            vendor=VENDOR,
            kind="conversion",
            reference=one.order or one.click,
            id=f"{one.customer}:{one.action}:{self._count}",
            amount=amount,
        )
