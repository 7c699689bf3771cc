"""What an order is paid with, and what each does in the sandbox (developer.paypal.com/tools/sandbox/card-testing).

A wallet needs the buyer on PayPal's page; a card, a vaulted wallet or a billing agreement pays at once. A card declines
when its name is one of the triggers; a vault id or billing agreement that holds a trigger declines likewise (ours: PayPal
has no such test for saved ones).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import malformed, unprocessable

TRIGGERS: dict[str, str] = {  # name on the card -> response code of the processor
    "CCREJECT-REFUSED": "0500",
    "CCREJECT-SF": "9500",
    "CCREJECT-EC": "5400",
    "CCREJECT-IRC": "5180",
    "CCREJECT-IF": "5120",
    "CCREJECT-LS": "9520",
    "CCREJECT-IA": "1330",
    "CCREJECT-BANK_ERROR": "5100",
    "CCREJECT-CVV_F": "00N7",
}
_BRANDS = (
    (re.compile(r"3[47]\d{13}"), "AMEX"),
    (re.compile(r"(5[1-5]|2[2-7])\d{14}"), "MASTERCARD"),
    (re.compile(r"(6011|65)\d{12,}"), "DISCOVER"),
    (re.compile(r"35\d{14}"), "JCB"),
    (re.compile(r"(50|6[37])\d{10,17}"), "MAESTRO"),
    (re.compile(r"4\d{12,18}"), "VISA"),
)
_STEP_UP = frozenset({"4868719166101368", "4868719181895556"})  # cards that ask the buyer to authenticate


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A way to pay: ``direct`` needs no buyer, ``processor`` is the code a card is declined with."""

    kind: str
    direct: bool
    processor: str | None = None
    return_url: str | None = None
    cancel_url: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)


def read_source(reader: Reader | None, now: float) -> Source | None:
    """Return the payment source of a request, None without one; raises ``Refused`` for one that cannot be used."""
    if reader is None or not reader.raw:
        return None
    if len(reader.raw) > 1:
        raise malformed("INVALID_PARAMETER_VALUE", reader.pointer)
    (kind,) = reader.raw
    if kind == "card":
        return _card(reader.required_object(kind), now)
    if kind == "paypal":
        return _wallet(Reader(reader.raw[kind] or {}, reader.at(kind)))
    if kind == "token":
        token = reader.required_object(kind)
        id = token.required_text("id", high=255, pattern=r"[0-9a-zA-Z_-]+")
        token.choice("type", ("BILLING_AGREEMENT",))
        return Source(kind="paypal", direct=True, processor=_trigger(id), shown={})
    raise unprocessable("PAYMENT_SOURCE_CANNOT_BE_USED", reader.at(kind))


def _card(card: Reader, now: float) -> Source:
    vault_id = card.text("vault_id", high=255, pattern=r"[0-9a-zA-Z_-]+")
    name = card.text("name", low=1, high=300)
    context = card.object("experience_context")
    urls = _urls(context)
    if vault_id is not None:
        shown = {"last_digits": "7777", "brand": "VISA", "type": "CREDIT"}
        return Source(kind="card", direct=True, processor=_trigger(vault_id), shown=shown, **urls)
    number = card.text("number", low=13, high=19, pattern=r"\d+")
    expiry = card.text("expiry", low=7, high=7, pattern=r"[0-9]{4}-(0[1-9]|1[0-2])")
    if number is None:
        raise malformed("MISSING_REQUIRED_PARAMETER", card.at("number"))
    if expiry is None:
        raise malformed("MISSING_REQUIRED_PARAMETER", card.at("expiry"))
    if expiry < datetime.fromtimestamp(now, UTC).strftime("%Y-%m"):
        raise unprocessable("CARD_EXPIRED", card.at("expiry"), expiry)
    brand = next((name for pattern, name in _BRANDS if pattern.fullmatch(number)), None)
    if brand is None or not _luhn(number):
        raise unprocessable("PAYMENT_SOURCE_CANNOT_BE_USED", card.at("number"))
    shown = {"last_digits": number[-4:], "brand": brand, "type": "CREDIT", "expiry": expiry}
    if name is not None and len(name) > 1:
        shown = {"name": name, **shown}
    return Source(
        kind="card", direct=not _challenged(card, number), processor=_trigger(name or ""), shown=shown, **urls
    )


def _wallet(wallet: Reader) -> Source:
    saved = wallet.text("vault_id", high=255, pattern=r"[0-9a-zA-Z_-]+") or wallet.text(
        "billing_agreement_id", low=2, high=128, pattern=r"[a-zA-Z0-9-]+"
    )
    wallet.text("email_address", low=3, high=254)
    context = wallet.object("experience_context")
    if context is not None:
        context.choice("shipping_preference", ("GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"))
        context.choice("landing_page", ("LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE"))
        context.choice("user_action", ("CONTINUE", "PAY_NOW"))
        context.choice("payment_method_preference", ("UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED"))
        context.text("brand_name", high=127)
    return Source(kind="paypal", direct=saved is not None, processor=_trigger(saved or ""), shown={}, **_urls(context))


def _urls(context: Reader | None) -> dict[str, str | None]:
    if context is None:
        return {}
    return {name: context.text(name, pattern=r"[a-zA-Z][a-zA-Z0-9+.-]*:.+") for name in ("return_url", "cancel_url")}


def _challenged(card: Reader, number: str) -> bool:
    """Return True when the buyer must authenticate: the shop asked for it, or it is a step-up test card."""
    attributes = card.object("attributes")
    verification = attributes.object("verification") if attributes is not None else None
    return number in _STEP_UP or (verification is not None and verification.text("method") == "SCA_ALWAYS")


def _trigger(text: str) -> str | None:
    upper = text.upper()
    return next((code for trigger, code in TRIGGERS.items() if trigger in upper), None)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
