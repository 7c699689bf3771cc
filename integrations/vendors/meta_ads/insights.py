"""What Meta answers about spend, in our words. All its numbers are texts; a row is a campaign's day with delivery."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.reading import Answer, read
from integrations.types.base import Currency, Money
from integrations.types.marketing import CampaignSpend
from integrations.vendors.meta_ads.declaration import NAME

FIELDS = (
    *("account_id", "account_currency", "campaign_id", "campaign_name"),
    *("spend", "impressions", "clicks", "actions"),
)
# The same purchase stands under several of these, so they are never added up: the first that is there counts. Which is
# the widest no source at hand says (unconfirmed).
PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
COMPLETED = "Job Completed"
ENDED = frozenset({"Job Failed", "Job Skipped"})  # unconfirmed


class _Action(Answer):
    action_type: str
    value: Decimal = Decimal(0)


class _Row(Answer):
    account_id: str
    account_currency: Currency
    campaign_id: str
    campaign_name: str = ""
    spend: Decimal
    impressions: int = 0
    clicks: int = 0
    actions: tuple[_Action, ...] = ()
    date_start: datetime.date


class _Cursors(Answer):
    after: str = ""


class _Paging(Answer):
    cursors: _Cursors = _Cursors()
    next: str = Field(default="", repr=False)  # an address with our token in it: only that it is there is of use


class _Page(Answer):
    data: tuple[_Row, ...]
    paging: _Paging = _Paging()


class Started(Answer):
    """A report that Meta makes in its own time."""

    report_run_id: str = Field(pattern=r"^\d+$")


class Report(Answer):
    """How such a report fares."""

    async_status: str
    async_percent_completion: int = 0

    @property
    def done(self) -> bool:
        """Whether it can be read: completed alone is not enough, a completed one may still be filling up."""
        return self.async_status == COMPLETED and self.async_percent_completion == 100

    @property
    def failed(self) -> bool:
        return self.async_status in ENDED


def page(body: Any) -> tuple[tuple[CampaignSpend, ...], str]:
    """Return the rows of an answer and the cursor of the next page, '' at the end. Raise SchemaDrift."""
    found = read(_Page, body)
    after = found.paging.cursors.after if found.paging.next else ""
    if found.paging.next and not after:
        raise SchemaDrift("The answer names a next page and no cursor for it.", field="paging.cursors.after")
    return tuple(_spend(row) for row in found.data), after


def _spend(row: _Row) -> CampaignSpend:
    counted = {action.action_type: action.value for action in row.actions}
    return CampaignSpend(
        vendor=NAME,
        account_id=row.account_id,
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name,
        date=row.date_start,
        spend=Money(amount=row.spend, currency=row.account_currency),
        impressions=row.impressions,
        clicks=row.clicks,
        conversions=next((counted[name] for name in PURCHASES if name in counted), Decimal(0)),
    )
