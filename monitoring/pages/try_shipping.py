"""Shipping quotes by hand: parcels and two places in, every carrier's answer out, ranked as the API ranks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.context import DashboardContext
from monitoring.hands import CheckoutByHand, Tried
from monitoring.pages.try_form import Field, Form, Group, Values, address, place, somewhere
from monitoring.pages.try_shipping_answer import drawn
from monitoring.parcels import EXAMPLE, parcels
from monitoring.quoted import quoting

_SORTS = (("price", "the cheapest first"), ("speed", "the fastest first"), ("both", "cheap and fast together"))
_STREET = "Main Street 1"  # prices do not depend on it, and some carriers refuse a place without one


def body(values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the API is asked, and what is wrong with which part of it."""
    wrong: dict[str, str] = {}
    found: list[dict[str, str]] = []
    try:
        found = parcels(values["parcels"])
    except ValueError as error:
        wrong["shipment.parcels"] = str(error)
    destination = address(values, "to")
    if values["home"] == "yes":
        destination["residential"] = True
    shipment: dict[str, Any] = {
        "reference": "TRY-OUT",
        "origin": address(values, "at"),
        "destination": destination,
        "parcels": found,
    }
    if amount := values["value"].strip():
        shipment["declared_value"] = {"amount": amount, "currency": values["value_in"].strip().upper()}
    asked: dict[str, Any] = {"shipment": shipment, "currency": values["pays"].strip().upper(), "sort": values["sort"]}
    if values["carriers"]:
        asked["carriers"] = values["carriers"].split(",")
    return asked, wrong


async def ask(checkout: CheckoutByHand, asked: dict[str, Any], _values: Values, user: str) -> Tried:
    """Ask the carriers."""
    return await checkout.quote(asked, user)


def facts(values: Values) -> Mapping[str, Any]:
    """Return what the audit notes of it."""
    return {"from": values["at_country"].strip().upper()[:2], "to": values["to_country"].strip().upper()[:2]}


def _options(context: DashboardContext) -> Mapping[str, Sequence[tuple[str, str]]]:
    return {"carriers": [(one.name, one.label) for one in quoting(context.vendors)]}


FORM = Form(
    name="shipping",
    path="/try/shipping",
    title="Shipping quote",
    about="what the checkout would be told now, asked by hand",
    button="Ask the carriers",
    harmless="A quote has no effects: no label is made and nothing is booked.",
    route="/api/v1/shipping/quotes",
    groups=(
        Group(
            label="From",
            fields=place(
                "at", "shipment.origin", country="US", state="TN", postal="38118", city="Memphis", street=_STREET
            ),
        ),
        Group(
            label="To",
            fields=place("to", "shipment.destination", country="SA", postal="12611", city="Riyadh", street=_STREET),
        ),
        Group(
            label="What, and how it is paid",
            fields=(
                Field(
                    name="parcels",
                    label="Parcels",
                    paths=("shipment.parcels", "shipment"),
                    value=EXAMPLE,
                    hint="one a line: weight (kg, g, lb, oz), then length x width x height (cm, mm, in); 3 x for alike ones",
                    kind="lines",
                ),
                Field(
                    name="value",
                    label="Declared value",
                    paths=("shipment.declared_value.amount", "shipment.declared_value"),
                    value="80.00",
                ),
                Field(
                    name="value_in",
                    label="Its currency",
                    paths=("shipment.declared_value.currency",),
                    code="currency",
                    value="USD",
                ),
                Field(name="pays", label="Buyer's currency", paths=("currency",), value="SAR", code="currency"),
                Field(name="sort", label="Ranked", paths=("sort",), value="price", kind="choice", options=_SORTS),
                Field(
                    name="home",
                    label="Delivered to",
                    paths=("shipment.destination.residential",),
                    value="no",
                    kind="choice",
                    options=(("no", "a business"), ("yes", "a home")),
                ),
                Field(
                    name="carriers",
                    label="Carriers",
                    paths=("carriers",),
                    kind="choices",
                    hint="none chosen: all that are set up and serve the way",
                ),
            ),
        ),
    ),
    examples={
        "US → SA": {},
        "DE → US": somewhere("at", "DE", postal="20457", city="Hamburg")
        | somewhere("to", "US", state="NY", postal="10001", city="New York")
        | {"home": "yes", "value": "120.00", "value_in": "EUR", "pays": "USD"},
        "CN → AU": somewhere("at", "CN", postal="518000", city="Shenzhen")
        | somewhere("to", "AU", state="NSW", postal="2000", city="Sydney")
        | {"parcels": "2 x 800 g 30x20x10 cm", "value": "95.00", "value_in": "USD", "pays": "AUD", "sort": "speed"},
        "AE → SA": somewhere("at", "AE", city="Dubai") | {"value": "300.00", "value_in": "AED"},
        "AU → AU, two parcels": somewhere("at", "AU", state="NSW", postal="2000", city="Sydney")
        | somewhere("to", "AU", state="VIC", postal="3000", city="Melbourne")
        | {"parcels": "2 kg 40x30x20 cm\n800 g 25x18x8 cm", "home": "yes", "value": "", "pays": "AUD", "sort": "both"},
        "CA → CA": somewhere("at", "CA", state="ON", postal="K1A 0B1", city="Ottawa")
        | somewhere("to", "CA", state="BC", postal="V6B 1A1", city="Vancouver")
        | {"value": "", "pays": "CAD", "sort": "speed"},
        "69 kg": {"parcels": "69 kg 100x60x60 cm"},
    },
    body=body,
    ask=ask,
    drawn=drawn,
    act="quote.asked_by_hand",
    facts=facts,
    options=_options,
)
