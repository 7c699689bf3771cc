"""One check of a number, whichever interface it came by: the refusals in their order, then the register's answer."""

from __future__ import annotations

import asyncio
import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.twin import World
from integrations.sandbox.vies.states import COMPARING, NOTHING, NUMBERS, SILENT, Trader, trader_of

VENDOR = "vies"
_NUMBER = re.compile(r"[0-9A-Za-z+*.]{2,12}")
# What the test service answers by number, for any country; 100 is valid, 200 is not, and every other number is an outage.
TEST_ERRORS = {
    "201": "INVALID_INPUT",
    "202": "INVALID_REQUESTER_INFO",
    "300": "SERVICE_UNAVAILABLE",
    "301": "MS_UNAVAILABLE",
    "302": "TIMEOUT",
    "400": "VAT_BLOCKED",
    "401": "IP_BLOCKED",
    "500": "GLOBAL_MAX_CONCURRENT_REQ",
    "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
    "600": "MS_MAX_CONCURRENT_REQ",
    "601": "MS_MAX_CONCURRENT_REQ_TIME",
}
_TESTER = Trader(name="John Doe", street="123 Main St", postal_code="", city="Anytown", company_type="")
TRADER_FIELDS = ("name", "company_type", "street", "postal_code", "city")


class Refused(Exception):
    """The number was not checked; the message is the service's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, by whom, and what is said of the trader (``TRADER_FIELDS``, those not given left out)."""

    country: str
    number: str
    requester_country: str = ""
    requester_number: str = ""
    trader: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the register says. ``matches`` has True or False for each trader field that was compared."""

    valid: bool
    name: str = NOTHING
    address: str = NOTHING
    trader: Trader | None = None  # told where the state does and more was sent than the number alone
    identifier: str = ""
    matches: Mapping[str, bool]


class Checks:
    """Answers for all member states. Settings (``World.setting``):

    ``unavailable`` ([]) member states out of order, shown as such by the status page too; ``unmonitored`` ([]) those
    whose availability the page does not know; ``errors`` ({}) member state, or "*" for all, to the code it answers with;
    ``unregistered`` ([]) numbers with their country in front that are nobody's; ``concurrent`` ({"*": 5}) how many
    checks a member state works on at once, ``concurrent_all`` (50) all of them together; ``seconds`` (0) one takes.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._under_way: Counter[str] = Counter()
        self._draw = world.chance("vies:identifiers")

    def __repr__(self) -> str:
        return f"<Checks {self._under_way.total()} under way>"

    def statuses(self) -> dict[str, str]:
        """Return how available each member state is, as the status page says it."""
        down, unknown = self._setting("unavailable", []), self._setting("unmonitored", [])
        return {
            state: "Unavailable" if state in down else "Monitoring Disabled" if state in unknown else "Available"
            for state in NUMBERS
        }

    def is_up(self) -> bool:
        """Say whether the service as a whole answers."""
        return "*" not in self._setting("errors", {})

    async def test(self, question: Question) -> Finding:
        """Return what the test service answers to a number; raises Refused for all but 100 and 200."""
        if question.number == "100":
            return Finding(valid=True, name=_TESTER.name, address="123 Main St, Anytown, UK", matches={})
        if question.number == "200":
            return Finding(valid=False, matches={})
        raise Refused(TEST_ERRORS.get(question.number, "SERVICE_UNAVAILABLE"))

    async def check(self, question: Question) -> Finding:
        """Return what the member state says; raises Refused with the service's code when it says nothing."""
        errors: Mapping[str, str] = self._setting("errors", {})
        if "*" in errors:
            raise Refused(errors["*"])
        state = question.country
        if state not in NUMBERS or not _NUMBER.fullmatch(question.number):
            raise Refused("INVALID_INPUT")
        identified = bool(question.requester_country or question.requester_number)
        if identified and self._holder(question.requester_country, question.requester_number) is None:
            raise Refused("INVALID_REQUESTER_INFO")
        await self._wait_for(state)
        if state in errors:
            raise Refused(errors[state])
        if state in self._setting("unavailable", []):
            raise Refused("MS_UNAVAILABLE")
        trader = self._holder(state, question.number)
        if trader is None:
            return Finding(valid=False, matches={})
        silent = state in SILENT
        return Finding(
            valid=True,
            name=NOTHING if silent else trader.name,
            address=NOTHING if silent else trader.address,
            trader=trader if (identified or question.trader) and not silent else None,
            identifier=self._identifier() if identified else "",
            matches=_compared(trader, question.trader) if state in COMPARING else {},
        )

    async def _wait_for(self, state: str) -> None:
        """Take the member state's time; raises Refused when it, or the whole service, has too much to do at once."""
        limits: Mapping[str, int] = self._setting("concurrent", {"*": 5})
        if self._under_way.total() >= self._setting("concurrent_all", 50):
            raise Refused("GLOBAL_MAX_CONCURRENT_REQ")
        if self._under_way[state] >= limits.get(state, limits.get("*", 5)):
            raise Refused("MS_MAX_CONCURRENT_REQ")
        self._under_way[state] += 1
        try:
            await asyncio.sleep(self._setting("seconds", 0))
        finally:
            self._under_way[state] -= 1

    def _holder(self, state: str, number: str) -> Trader | None:
        if state not in NUMBERS or f"{state}{number}".upper() in self._setting("unregistered", []):
            return None
        return trader_of(self._world.seed, state, number)

    def _identifier(self) -> str:
        """Return a consultation number; each check has its own."""
        return "WAPIAAAA" + "".join(self._draw.choices(string.ascii_letters + string.digits + "-_", k=8))

    def _setting(self, name: str, default: Any) -> Any:
        return self._world.setting(VENDOR, name, default)


def _compared(trader: Trader, said: Mapping[str, str]) -> dict[str, bool]:
    return {name: value.strip().upper() == getattr(trader, name).upper() for name, value in said.items()}
