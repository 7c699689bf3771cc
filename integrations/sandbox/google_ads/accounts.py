"""The customers and what is in them.

Any customer whose id has three to ten digits is there, and so is any conversion action with a numeric id. Settings:
``currency`` ("USD"), ``time_zone`` ("America/New_York"), ``customers`` ({id: {"currency", "time_zone", "problem": one of
AuthorizationError, "manager": true}}), ``manager`` (None; the manager account that requests must come through),
``conversion_actions`` (None; the ids of those there are).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.sandbox.advertising import Campaign, campaigns
from integrations.sandbox.google_ads.errors import AdsRefused, Problem, request_error
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

CHANNELS = ("SEARCH", "PERFORMANCE_MAX", "SHOPPING", "DISPLAY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A Google Ads account; a manager has no campaigns of its own."""

    id: str
    currency: str
    time_zone: str
    manager: bool
    campaigns: tuple[Campaign, ...]

    @property
    def resource_name(self) -> str:
        return f"customers/{self.id}"

    def campaign_id(self, campaign: Campaign) -> int:
        """Return the id of a campaign, unlike that of any other customer's."""
        return int(self.id) * 100 + campaign.number


def customer(world: World, id: str) -> Customer:
    """Return a customer; raises ``AdsRefused`` for an id that is none (dashes and all) or may not be seen."""
    if not re.fullmatch(r"\d{3,10}", id):
        raise request_error("INVALID_CUSTOMER_ID", f"Invalid customer ID '{id}'.")
    own = world.setting(VENDOR, "customers", {}).get(id, {})
    if own.get("problem"):
        raise denied(own["problem"])
    manager = bool(own.get("manager")) or id == world.setting(VENDOR, "manager", None)
    return Customer(
        id=id,
        currency=own.get("currency") or world.setting(VENDOR, "currency", "USD"),
        time_zone=own.get("time_zone") or world.setting(VENDOR, "time_zone", "America/New_York"),
        manager=manager,
        campaigns=() if manager else campaigns(world.seed, VENDOR, id),
    )


def has_action(world: World, id: str) -> bool:
    """Say whether there is a conversion action of this id."""
    known = world.setting(VENDOR, "conversion_actions", None)
    return bool(re.fullmatch(r"\d{1,19}", id)) and (known is None or id in {str(one) for one in known})


def denied(code: str) -> AdsRefused:
    """Return the refusal of a caller who may not see a customer."""
    sentences = {
        "CUSTOMER_NOT_ENABLED": "The customer account can't be accessed because it is not yet enabled or has been "
        "deactivated.",
        "USER_PERMISSION_DENIED": "User doesn't have permission to access customer. Note: If you're accessing a client "
        "customer, the manager's customer id must be set in the 'login-customer-id' header.",
    }
    sentence = sentences.get(code, "The caller does not have permission.")
    return AdsRefused(Problem(kind="authorizationError", code=code, message=sentence))
