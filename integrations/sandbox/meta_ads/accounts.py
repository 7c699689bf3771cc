"""The ad accounts and what is in them.

Any account whose id has three digits or more is there. Its currency and time zone are those of the settings ``currency``
("USD") and ``time_zone`` ("America/Los_Angeles"), or of ``accounts`` ({id: {"currency", "time_zone"}}) for some.
A campaign has two ad sets and four ads; all their ids bear the account's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.advertising import Campaign, campaigns, decimals
from integrations.sandbox.meta_ads.access import VENDOR
from integrations.sandbox.rates import CURRENCIES
from integrations.sandbox.twin import World

SHARES = {"campaign": (1.0,), "adset": (0.6, 0.4), "ad": (0.33, 0.27, 0.22, 0.18)}
ADS_OF_A_CAMPAIGN = len(SHARES["ad"])
_LEVEL_DIGITS = {"campaign": "0", "adset": "1", "ad": "2"}
_ID = re.compile(r"1202(\d{3,20})(\d{2})([012])(\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A campaign, or one of its ad sets or ads; ``part`` counts from 0."""

    account: str
    campaign: int
    level: str
    part: int

    @property
    def id(self) -> str:
        return f"1202{self.account}{self.campaign:02d}{_LEVEL_DIGITS[self.level]}{self.part}"

    def name(self, campaign: Campaign) -> str:
        """Return the node's name."""
        word = {"campaign": "", "adset": " / set ", "ad": " / ad "}[self.level]
        return f"{campaign.name}{word}{self.part + 1 if word else ''}"


def node(id: str) -> Node | None:
    """Return what an id names, None when it is no campaign, ad set or ad."""
    found = _ID.fullmatch(id)
    if found is None:
        return None
    level = next(name for name, digit in _LEVEL_DIGITS.items() if digit == found[3])
    part = int(found[4])
    return Node(account=found[1], campaign=int(found[2]), level=level, part=part) if part < len(SHARES[level]) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An ad account."""

    id: str  # digits only
    currency: str
    time_zone: str
    campaigns: tuple[Campaign, ...]

    @property
    def name(self) -> str:
        return f"Quayside {self.id}"

    def json(self) -> dict[str, Any]:
        """Return the account's own fields that are played."""
        return {
            "id": f"act_{self.id}",
            "account_id": self.id,
            "name": self.name,
            "account_status": 1,
            "currency": self.currency,
            "timezone_name": self.time_zone,
        }

    def node_json(self, node: Node, campaign: Campaign) -> dict[str, Any]:
        """Return the own fields of a campaign, ad set or ad that are played; a budget is the campaign's."""
        state = "PAUSED" if campaign.paused else "ACTIVE"
        shown = {
            "id": node.id,
            "account_id": self.id,
            "name": node.name(campaign),
            "status": state,
            "effective_status": state if node.level == "campaign" or not campaign.paused else "CAMPAIGN_PAUSED",
        }
        if node.level == "campaign":
            whole = 10 ** decimals(self.currency)
            budget = campaign.budget * CURRENCIES[self.currency][1]
            return shown | {"objective": "OUTCOME_SALES", "daily_budget": str(int(budget * whole))}
        return shown | {"campaign_id": Node(account=self.id, campaign=node.campaign, level="campaign", part=0).id}


def account(world: World, id: str) -> Account | None:
    """Return an account, None when there is none of this id."""
    if not re.fullmatch(r"\d{3,20}", id):
        return None
    own = world.setting(VENDOR, "accounts", {}).get(id, {})
    return Account(
        id=id,
        currency=own.get("currency") or world.setting(VENDOR, "currency", "USD"),
        time_zone=own.get("time_zone") or world.setting(VENDOR, "time_zone", "America/Los_Angeles"),
        campaigns=campaigns(world.seed, VENDOR, id),
    )
