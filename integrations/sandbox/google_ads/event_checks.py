"""What the Data Manager API refuses at once: every violation is named, and one refuses the whole request.

The reasons are those of google/ads/datamanager/v1/error.proto; the paths of fields are as its guide to errors shows them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.google_ads.accounts import has_action
from integrations.sandbox.rates import CURRENCIES
from integrations.sandbox.twin import World

Violation = tuple[str, str, str]  # field, description, reason
MOST_EVENTS, MOST_DESTINATIONS, MOST_IDENTIFIERS = 2_000, 10, 10
_CLICKS = ("gclid", "gbraid", "wbraid", "dclid", "impressionId", "leadId", "matchId", "mobileDeviceId", "ppid")
_DESCRIPTIONS = {
    "DUPLICATE_DESTINATION_REFERENCE": "Two or more destinations in the request have the same reference.",
    "INVALID_BASE64_ENCODING": "The base64 encoded value is malformed.",
    "INVALID_CONVERSION_ACTION_ID": "Conversion action ID is not valid.",
    "INVALID_COUNTRY_CODE": "Country code is not valid.",
    "INVALID_CURRENCY_CODE": "The currency code is not supported.",
    "INVALID_DESTINATION": "This Destination is not valid.",
    "INVALID_EVENT": "This event is not valid.",
    "INVALID_HEX_ENCODING": "The HEX encoded value is malformed.",
    "INVALID_NUMBER_FORMAT": "String is not a valid number.",
    "INVALID_SHA256_FORMAT": "The SHA256 encoded value is malformed.",
    "NO_IDENTIFIERS_PROVIDED": "Events data contains no user identifiers or ad identifiers.",
    "REQUIRED_FIELD_MISSING": "Required field is missing.",
    "TOO_MANY_DESTINATIONS": "Maximum number of destinations allowed per request is 10.",
    "TOO_MANY_EVENTS": "Maximum number of events allowed per request is 10,000.",
    "TOO_MANY_USER_IDENTIFIERS": "Maximum number of user identifiers allowed per audience member is 10.",
}


def violations(world: World, request: Mapping[str, Any]) -> list[Violation]:
    """Return all that is wrong with a request, in the order of its fields."""
    destinations, events = request.get("destinations", []), request.get("events", [])
    found: list[Violation] = []
    if not destinations:
        found.append(_violation("destinations", "REQUIRED_FIELD_MISSING"))
    if len(destinations) > MOST_DESTINATIONS:
        found.append(_violation("destinations", "TOO_MANY_DESTINATIONS"))
    for place, destination in enumerate(destinations):
        found += _destination(world, destination, f"destinations[{place}]")
    references = [one["reference"] for one in destinations if one.get("reference")]
    if len(set(references)) < len(references):
        found.append(_violation("destinations", "DUPLICATE_DESTINATION_REFERENCE"))
    if not events:
        found.append(_violation("events", "REQUIRED_FIELD_MISSING"))
    if len(events) > MOST_EVENTS:
        return [*found, _violation("events.events", "TOO_MANY_EVENTS")]
    encoding = request.get("encoding", "ENCODING_UNSPECIFIED")
    if encoding == "ENCODING_UNSPECIFIED" and any(_identifiers(event) for event in events):
        found.append(_violation("encoding", "REQUIRED_FIELD_MISSING"))
    for place, event in enumerate(events):
        found += _event(event, references, encoding, f"events.events[{place}]")
    return found


def _destination(world: World, destination: Mapping[str, Any], at: str) -> list[Violation]:
    found = []
    for name in ("loginAccount", "linkedAccount", "operatingAccount"):
        account = destination.get(name)
        path = f"{at}.{re.sub('[A-Z]', lambda letter: '_' + letter[0].lower(), name)}"
        if account is None:
            if name == "operatingAccount":
                found.append(_violation(path, "REQUIRED_FIELD_MISSING"))
        elif not account.get("accountId"):
            found.append(_violation(f"{path}.account_id", "REQUIRED_FIELD_MISSING"))
        elif not account["accountId"].isascii() or not account["accountId"].isdigit():
            found.append(_violation(f"{path}.account_id", "INVALID_NUMBER_FORMAT"))
        elif name == "operatingAccount" and (account.get("accountType") or account.get("product")) != "GOOGLE_ADS":
            found.append(_violation(f"{path}.account_type", "INVALID_DESTINATION"))
    action = destination.get("productDestinationId", "")
    if not action:
        found.append(_violation(f"{at}.product_destination_id", "REQUIRED_FIELD_MISSING"))
    elif not has_action(world, action):
        found.append(_violation(f"{at}.product_destination_id", "INVALID_CONVERSION_ACTION_ID"))
    return found


def _event(event: Mapping[str, Any], references: Sequence[str], encoding: str, at: str) -> list[Violation]:
    found = []
    if "eventTimestamp" not in event:
        found.append(_violation(f"{at}.event_timestamp", "REQUIRED_FIELD_MISSING"))
    for place, reference in enumerate(event.get("destinationReferences", [])):
        if reference not in references:
            found.append(_violation(f"{at}.destination_references[{place}]", "INVALID_DESTINATION"))
    currency = event.get("currency", "")
    if currency and currency not in CURRENCIES:
        found.append(_violation(f"{at}.currency", "INVALID_CURRENCY_CODE"))
    identifiers, clicks = _identifiers(event), event.get("adIdentifiers", {})
    if not identifiers and not clicks.get("encryptedUserIds") and not any(clicks.get(name) for name in _CLICKS):
        found.append(_violation(at, "NO_IDENTIFIERS_PROVIDED"))
    if len(identifiers) > MOST_IDENTIFIERS:
        found.append(_violation(f"{at}.user_data.user_identifiers", "TOO_MANY_USER_IDENTIFIERS"))
    for place, identifier in enumerate(identifiers):
        reason = _identifier(identifier, encoding)
        if reason:
            found.append(_violation(f"{at}.user_data.user_identifiers[{place}]", reason))
    return found


def _identifiers(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event.get("userData", {}).get("userIdentifiers", [])
    return found


def _identifier(identifier: Mapping[str, Any], encoding: str) -> str:
    """Return the reason why an identifier is refused, '' when it is not."""
    address = identifier.get("address", {})
    hashed = [identifier[name] for name in ("emailAddress", "phoneNumber") if identifier.get(name)]
    hashed += [address[name] for name in ("givenName", "familyName") if address.get(name)]
    if not hashed:
        return "REQUIRED_FIELD_MISSING"
    if address and not re.fullmatch("[A-Za-z]{2}", address.get("regionCode", "")):
        return "INVALID_COUNTRY_CODE"
    return next((reason for reason in (_hash(text, encoding) for text in hashed) if reason), "")


def _hash(text: str, encoding: str) -> str:
    if encoding == "BASE64":
        try:
            return "" if len(base64.b64decode(text, validate=True)) == 32 else "INVALID_SHA256_FORMAT"
        except (binascii.Error, ValueError):
            return "INVALID_BASE64_ENCODING"
    if not re.fullmatch("([0-9A-Fa-f]{2})+", text):
        return "INVALID_HEX_ENCODING"
    return "" if len(text) == 64 else "INVALID_SHA256_FORMAT"


def _violation(at: str, reason: str) -> Violation:
    return at, _DESCRIPTIONS[reason], reason
