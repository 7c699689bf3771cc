"""What Google answers, in our words. Reports are a list of chunks; int64 are texts, and what is nought is left out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations.errors import BusinessFailed, Fault
from integrations.reading import CamelAnswer, read
from integrations.types.base import Currency, Money
from integrations.types.marketing import CampaignSpend
from integrations.vendors.google_ads.declaration import LABEL, NAME

TOO_RECENT_WAIT = 6 * 3600.0  # seconds until Google knows a click or a conversion action
_PREFIXES = ("PROCESSING_ERROR_REASON_", "PROCESSING_ERROR_")
_DONE = frozenset({"DUPLICATE_TRANSACTION_ID", "DUPLICATE_GCLID"})
_LATER = frozenset({"TOO_RECENT_CLICK", "TOO_RECENT_CALL", "DESTINATION_TOO_RECENTLY_CREATED"})
_ABOUT_US: dict[str, str] = {
    "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": (
        "the terms of enhanced conversions are not signed; sign them in the account"
    ),
    "NO_CONSENT": "it was not told of the shopper's consent; set QUAYSIDE_GOOGLE_ADS_CONSENT",
    "UNKNOWN_CONSENT": "it was not told of the shopper's consent; set QUAYSIDE_GOOGLE_ADS_CONSENT",
}
# What it says of one sale, which is a result: nothing that we could mend.
_SAID: dict[str, str] = {
    "EVENT_TOO_OLD": "the sale is too long ago",
    "DENIED_CONSENT": "the shopper did not consent",
    "INVALID_GCLID": "the click id is not one of Google's",
    "INVALID_CLICK": "the click does not count",
    "EXPIRED_CLICK": "the click is older than the conversion action looks back",
    "CLICK_NOT_FOUND": "there was no such click",
    "CONVERSION_PRECEDES_CLICK": "the click came after the sale",
    "INVALID_OPERATING_ACCOUNT_FOR_CLICK": "the click belongs to another account",
    "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER": "the click belongs to another account",
}


class _Customer(CamelAnswer):
    currency_code: Currency


class _Campaign(CamelAnswer):
    id: str
    name: str = ""


class _Metrics(CamelAnswer):
    cost_micros: int = 0
    impressions: int = 0
    clicks: int = 0
    conversions: Decimal = Decimal(0)

    @property
    def nothing(self) -> bool:
        return not (self.cost_micros or self.impressions or self.clicks or self.conversions)


class _Segments(CamelAnswer):
    date: datetime.date


class _Row(CamelAnswer):
    customer: _Customer
    campaign: _Campaign
    segments: _Segments
    metrics: _Metrics = _Metrics()


class _Chunk(CamelAnswer):
    results: tuple[_Row, ...] = ()


class _Stream(CamelAnswer):
    chunks: tuple[_Chunk, ...]


class Ingested(CamelAnswer):
    """An event that was taken, and is yet to be processed."""

    request_id: str


class _ErrorCount(CamelAnswer):
    reason: str = ""


class _ErrorInfo(CamelAnswer):
    error_counts: tuple[_ErrorCount, ...] = ()


class _Status(CamelAnswer):
    request_status: str
    error_info: _ErrorInfo = _ErrorInfo()


class Statuses(CamelAnswer):
    """How far a request is, one status a destination; we have one."""

    request_status_per_destination: tuple[_Status, ...] = ()

    @property
    def processing(self) -> bool:
        known = self.request_status_per_destination
        return not known or known[0].request_status in ("PROCESSING", "REQUEST_STATUS_UNKNOWN")

    @property
    def reasons(self) -> Sequence[str]:
        """Why it failed, '' where Google does not say; () when it did not."""
        if self.processing or self.request_status_per_destination[0].request_status == "SUCCESS":
            return ()
        counts = self.request_status_per_destination[0].error_info.error_counts
        return [_plain(one.reason) for one in counts] or [""]


def spend(body: Any, account: str) -> tuple[CampaignSpend, ...]:
    """Return the days with delivery of all chunks. Raise SchemaDrift."""
    rows = [row for chunk in read(_Stream, {"chunks": body}).chunks for row in chunk.results]
    return tuple(
        CampaignSpend(
            vendor=NAME,
            account_id=account,
            campaign_id=row.campaign.id,
            campaign_name=row.campaign.name,
            date=row.segments.date,
            spend=_money(row.metrics.cost_micros, row.customer.currency_code),
            impressions=row.metrics.impressions,
            clicks=row.metrics.clicks,
            conversions=row.metrics.conversions,
        )
        for row in rows
        if not row.metrics.nothing
    )


def outcome(reasons: Sequence[str]) -> tuple[bool, str]:
    """Return whether a processed event counts, and what Google says of it.

    Raise BusinessFailed where it is not about this sale: the click too fresh, our account not ready, trouble at Google.
    """
    for reason in reasons:
        if reason in _LATER:
            message = f"{LABEL} does not know this click or conversion action yet; send it again in 6 hours."
            raise _failed("too_recent", "ours", message, retry_after=TOO_RECENT_WAIT)
        if reason in _ABOUT_US:
            raise _failed("conversion_refused", "configuration", f"{LABEL} refuses conversions: {_ABOUT_US[reason]}.")
        if reason == "INTERNAL_ERROR":
            raise _failed("internal_error", "theirs", f"{LABEL} lost the conversion on its side; send it again.")
    lost = [reason for reason in reasons if reason not in _DONE]
    if lost:
        return False, f"{LABEL} does not count it: {_SAID.get(lost[0]) or lost[0] or 'it does not say why'}."
    return True, f"{LABEL} has it already." if reasons else ""


def _failed(error_type: str, fault: Fault, message: str, *, retry_after: float | None = None) -> BusinessFailed:
    retryable = fault == "theirs" or retry_after is not None
    return BusinessFailed(
        message, error_type=error_type, fault=fault, retryable=retryable, retry_after=retry_after, sent=False
    )


def _plain(reason: str) -> str:
    for prefix in _PREFIXES:
        if reason.startswith(prefix):
            return reason.removeprefix(prefix)
    return reason


def _money(micros: int, currency: str) -> Money:
    """Return millionths of a currency as money: with its own decimals, or with all six where they tell more."""
    exact = Money(amount=Decimal(micros).scaleb(-6), currency=currency)
    return exact.rounded() if exact.rounded().amount == exact.amount else exact
