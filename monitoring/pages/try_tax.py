"""Tax by hand: a sale in, what it owes out, with the rule, its date and VIES' word on the buyer's number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitoring.hands import CheckoutByHand, Tried
from monitoring.pages.try_form import Field, Form, Group, Values, address, place, somewhere
from monitoring.pages.try_tax_answer import drawn
from monitoring.sale_lines import sale_lines


def body(values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the API is asked, and what is wrong with which part of it."""
    currency = values["currency"].strip().upper()
    wrong: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    try:
        found = sale_lines(values["lines"], currency)
    except ValueError as error:
        wrong["lines"] = str(error)
    asked: dict[str, Any] = {
        "reference": "TRY-OUT",
        "currency": currency,
        "origin": address(values, "at"),
        "destination": address(values, "to"),
        "lines": found,
    }
    if number := values["number"].strip():
        asked["customer"] = {"vat_number": number}
    if day := values["day"].strip():
        asked["date"] = day
    if values["gross"] == "yes":
        asked["tax_included"] = True
    return asked, wrong


async def ask(checkout: CheckoutByHand, asked: dict[str, Any], values: Values, user: str) -> Tried:
    """Ask what the sale owes."""
    return await checkout.tax(asked, user, values["pays"].strip().upper())


def facts(values: Values) -> Mapping[str, Any]:
    """Return what the audit notes of it."""
    return {"from": values["at_country"].strip().upper()[:2], "to": values["to_country"].strip().upper()[:2]}


FORM = Form(
    name="tax",
    path="/try/tax",
    title="Tax",
    about="what a sale owes now and by which rule, asked by hand",
    button="Ask what it owes",
    harmless="An estimate has no effects: nothing is stored with a tax engine, no invoice is made.",
    route="/api/v1/tax/quotes",
    groups=(
        Group(label="Seller", fields=place("at", "origin", country="DE", postal="20457", city="Hamburg")),
        Group(
            label="Buyer",
            fields=(
                *place("to", "destination", country="FR", postal="75001", city="Paris"),
                Field(
                    name="number",
                    label="VAT number",
                    paths=("customer.vat_number", "customer"),
                    hint="of a business in the Union, with its country's letters; in no link",
                    in_link=False,
                    wide=True,
                ),
            ),
        ),
        Group(
            label="What is sold",
            fields=(
                Field(
                    name="lines",
                    label="Lines",
                    paths=("lines",),
                    value="100.00; 1; standard; BAG",
                    hint="one a line: amount; quantity; tax code or category; SKU. Only the amount is needed",
                    kind="lines",
                ),
                Field(name="currency", label="Currency", paths=("currency",), value="EUR", code="currency"),
                Field(name="pays", label="Buyer's currency", paths=("buyer",), value="EUR", code="currency"),
                Field(
                    name="gross",
                    label="Amounts",
                    paths=("tax_included",),
                    value="no",
                    kind="choice",
                    options=(("no", "without the tax"), ("yes", "tax included")),
                ),
                Field(name="day", label="Tax point", paths=("date",), hint="2026-03-01; empty: today"),
            ),
        ),
    ),
    examples={
        "DE → FR, a consumer": {},
        "DE → FR, a business": {"number": "FR40300000122"},
        "DE → IE, gross, two rates": somewhere("to", "IE", postal="D02 X285", city="Dublin")
        | {"lines": "123.00; 1; standard; BAG\n20.00; 2; zero; BOOK", "gross": "yes", "pays": "USD"},
        "US → US, sales tax": somewhere("at", "US", state="TN", postal="38118", city="Memphis")
        | somewhere("to", "US", state="CA", postal="92614", city="Irvine")
        | {"lines": "39.80; 2; ; BAG", "currency": "USD", "pays": "USD"},
        "AE → SA, an export": somewhere("at", "AE", city="Dubai")
        | somewhere("to", "SA", postal="12611", city="Riyadh")
        | {"currency": "AED", "pays": "SAR"},
        "SA → SA": somewhere("at", "SA", postal="12271", city="Riyadh")
        | somewhere("to", "SA", postal="21577", city="Jeddah")
        | {"currency": "SAR", "pays": "SAR"},
    },
    body=body,
    ask=ask,
    drawn=drawn,
    act="tax.asked_by_hand",
    facts=facts,
)
