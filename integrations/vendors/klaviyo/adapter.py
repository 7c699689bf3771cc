"""Klaviyo's operations: a shopper saved under whatever identifies them, and what they did.

Both may be sent again after a lost answer. A profile is found by its identifiers and written over; an event carries our
reference as ``unique_id``, and of one profile and metric only the first with it is kept. For how long Klaviyo knows one
again is not stated (unconfirmed); a second send within one call is seconds later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import SchemaDrift, Unsupported
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.reading import Answer, read
from integrations.types.marketing import (
    AcceptedEvent,
    Conversion,
    Profile,
    SavedProfile,
    SentConversion,
    SpendPage,
    SpendQuery,
    TrackedEvent,
)
from integrations.types.messages import TokenCheck, TokenQuery
from integrations.vendors.klaviyo import documents, events, verdicts
from integrations.vendors.klaviyo.declaration import ACCOUNTS, EVENTS, LABEL, NAME, PROFILE_IMPORT, REVISION, VENDOR

JSON_API = "application/vnd.api+json"


class _Resource(Answer):
    id: str


class _One(Answer):
    data: _Resource


class _Several(Answer):
    data: tuple[_Resource, ...]


class Klaviyo(Adapter):
    """The REST API, revision 2026-07-15, with a private key."""

    vendor: ClassVar[Vendor] = VENDOR

    async def upsert_profile(self, exchange: Exchange, value: Profile) -> SavedProfile:
        """Create the shopper's profile or write over what is given; what is '' is left as it is there.

        Raise InvalidInput for what Klaviyo would refuse, HttpFailed (duplicate_profile) when the identifiers given
        belong to different profiles.
        """
        response = await exchange.send(_write(PROFILE_IMPORT, documents.profile(value)))
        saved = read(_One, response.json(), status=response.status)
        if response.status not in (200, 201):
            raise SchemaDrift(f"{LABEL} did not say that it saved the profile.", field="status", status=response.status)
        return SavedProfile(vendor=NAME, profile_id=saved.data.id, created=response.status == 201)

    async def track_event(self, exchange: Exchange, value: TrackedEvent) -> AcceptedEvent:
        """Hand over what a shopper did; the profile is made or written over with what the event says of it.

        Klaviyo only says that it took the event: what it finds wrong later is told to nobody.
        """
        response = await exchange.send(_write(EVENTS, documents.event(value, exchange.now())))
        if response.status != 202 or response.body.strip():
            raise SchemaDrift(f"{LABEL} did not say that it took the event.", field="body", status=response.status)
        return AcceptedEvent(vendor=NAME, reference=value.reference)

    async def daily_spend(self, exchange: Exchange, value: SpendQuery) -> SpendPage:
        """Raise Unsupported: Klaviyo sells no advertising."""
        raise Unsupported(f"{LABEL} sells no advertising; ask the vendors that do.", field="operation")

    async def send_conversion(self, exchange: Exchange, value: Conversion) -> SentConversion:
        """Raise Unsupported: Klaviyo hears of sales as events, by ``track_event``."""
        raise Unsupported(f"{LABEL} has no conversions; tell it of sales with track_event.", field="operation")

    async def check_token(self, exchange: Exchange, value: TokenQuery) -> TokenCheck:
        """Return whose key it is. Only what is public of the account is asked for; the rest is its owner's address."""
        query = [("fields[account]", "public_api_key")]
        headers = {"revision": REVISION, "accept": JSON_API}
        request = Request(method="GET", path=ACCOUNTS, template=ACCOUNTS, query=query, headers=headers)
        response = await exchange.send(request)
        found = read(_Several, response.json(), status=response.status)
        if not found.data:
            raise SchemaDrift(f"{LABEL} names no account for our key.", field="data", status=response.status)
        return TokenCheck(vendor=NAME, account=found.data[0].id)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"authorization": f"Klaviyo-API-Key {self.credential('PRIVATE_KEY')}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        return verdicts.quotas(response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the events of a delivery, proven by its signature."""
        return events.events(delivery, self.setting("WEBHOOK_SECRET"))


def _write(path: str, document: Mapping[str, Any]) -> Request:
    headers = {"revision": REVISION, "accept": JSON_API, "content-type": JSON_API}
    return Request(method="POST", path=path, template=path, headers=headers, json=document)
