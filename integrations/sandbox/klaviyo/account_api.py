"""Whose account a key opens, over HTTP. No contract of it is at hand: the fields are those the official client reads."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.klaviyo import paging
from integrations.sandbox.klaviyo.account import ACCOUNT_ID
from integrations.sandbox.twin import Ask

Found = tuple[int, dict[str, Any] | None]

_ATTRIBUTES: dict[str, Any] = {
    "test_account": True,
    "contact_information": {
        "default_sender_name": "Quayside Outfitters",
        "default_sender_email": "shop@quayside.example",
        "website_url": "https://quayside.example",
        "organization_name": "Quayside Outfitters",
        "street_address": {
            "address1": "1 Long Wharf",
            "address2": "",
            "city": "Boston",
            "region": "MA",
            "country": "US",
            "zip": "02110",
        },
    },
    "industry": "Ecommerce",
    "timezone": "US/Eastern",
    "preferred_currency": "USD",
    "public_api_key": ACCOUNT_ID,
    "locale": "en-US",
}


def accounts(ask: Ask) -> Found:
    """Return the one account there is, whatever key is used."""
    page = paging.page(ask, [ACCOUNT_ID], str, usual=1, most=1)
    return 200, paging.collection(ask, page, lambda id: paging.resource(ask, "account", id, _ATTRIBUTES))
