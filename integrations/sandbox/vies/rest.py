"""The REST interface: business errors come with 200 and a body of another shape, as the service has been seen to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from integrations.sandbox.twin import Answer, Ask, World
from integrations.sandbox.vies.checks import TRADER_FIELDS, VENDOR, Checks, Finding, Question, Refused
from integrations.sandbox.vies.states import NOTHING

_NAMES = {  # the fields' own names, which differ from SOAP's
    "name": "traderName",
    "company_type": "traderCompanyType",
    "street": "traderStreet",
    "postal_code": "traderPostalCode",
    "city": "traderCity",
}
_APPROXIMATE = {
    "name": "Name",
    "street": "Street",
    "postal_code": "PostalCode",
    "city": "City",
    "company_type": "CompanyType",
}
_TEXTS = ("countryCode", "vatNumber", "requesterMemberStateCode", "requesterNumber", *_NAMES.values())

Check = Callable[[Question], Awaitable[Finding]]


def refusal(code: str, status: int) -> Answer:
    """Return an error in the body all errors have; ``message`` is left out, as the service mostly does."""
    return Answer.json({"actionSucceed": False, "errorWrappers": [{"error": code}]}, status)


class Rest:
    """Setting: ``rest_error_status`` (200), the status of business errors; the contract says 400 and 500."""

    def __init__(self, world: World, checks: Checks) -> None:
        self._world = world
        self._checks = checks

    async def check(self, ask: Ask) -> Answer:
        """Answer ``POST /check-vat-number``."""
        return await self._answer(ask, self._checks.check)

    async def test(self, ask: Ask) -> Answer:
        """Answer ``POST /check-vat-test-service``."""
        return await self._answer(ask, self._checks.test)

    async def status(self, ask: Ask) -> Answer:
        """Answer ``GET /check-status``."""
        countries = [
            {"countryCode": state, "availability": availability}
            for state, availability in self._checks.statuses().items()
        ]
        return Answer.json({"vow": {"available": self._checks.is_up()}, "countries": countries})

    async def look(self, ask: Ask) -> Answer:
        """Answer ``GET /ms/{state}/vat/{number}``, which no contract describes.

        An outage is ``isValid: false`` as well; only ``userError`` tells it from a number that is not valid.
        """
        question = Question(
            country=ask.match["state"],
            number=ask.match["number"],
            requester_country=ask.query.get("requesterMemberStateCode", ""),
            requester_number=ask.query.get("requesterNumber", ""),
            trader={},
        )
        try:
            finding = await self._checks.check(question)
            word = "VALID" if finding.valid else "INVALID"
        except Refused as no:
            finding, word = Finding(valid=False, matches={}), str(no)
        told = {name[0].lower() + name[1:]: _told(finding, field) for field, name in _APPROXIMATE.items()}
        return Answer.json(
            {
                "isValid": finding.valid,
                "requestDate": self._now(),
                "userError": word,
                "name": finding.name,
                "address": finding.address,
                "requestIdentifier": finding.identifier,
                "originalVatNumber": question.number,
                "vatNumber": question.number,
                "viesApproximate": told | {f"match{name}": 3 for name in _APPROXIMATE.values()},
            }
        )

    async def _answer(self, ask: Ask, check: Check) -> Answer:
        question = _question(ask.body)
        if question is None:
            return refusal("INVALID_INPUT", 400)
        try:
            finding = await check(question)
        except Refused as no:
            return refusal(str(no), int(self._world.setting(VENDOR, "rest_error_status", 200)))
        value = {
            "countryCode": question.country,
            "vatNumber": question.number,
            "requestDate": self._now(),
            "valid": finding.valid,
            "requestIdentifier": finding.identifier,
            "name": finding.name,
            "address": finding.address,
        }
        value |= {_NAMES[field]: _told(finding, field) for field in TRADER_FIELDS}
        value |= {f"{_NAMES[field]}Match": _match(finding.matches, field) for field in TRADER_FIELDS}
        return Answer.json(value)

    def _now(self) -> str:
        return f"{datetime.fromtimestamp(self._world.now(), UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _question(body: bytes) -> Question | None:
    """Return what a body asks, None when it is no JSON object of texts."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or any(not isinstance(value.get(name), str | None) for name in _TEXTS):
        return None
    return Question(
        country=value.get("countryCode") or "",
        number=value.get("vatNumber") or "",
        requester_country=value.get("requesterMemberStateCode") or "",
        requester_number=value.get("requesterNumber") or "",
        trader={field: value[name] for field, name in _NAMES.items() if value.get(name)},
    )


def _told(finding: Finding, field: str) -> str:
    return NOTHING if finding.trader is None else str(getattr(finding.trader, field))


def _match(matches: Mapping[str, bool], field: str) -> str:
    return "NOT_PROCESSED" if field not in matches else "VALID" if matches[field] else "INVALID"
