"""Reads what a request says of shipments and items, noting everything that is wrong with it rather than the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from integrations.sandbox.australia_post import places
from integrations.sandbox.australia_post.errors import Refused, shipping, unprocessable, wrong_suburb
from integrations.sandbox.australia_post.products import CUBING_FACTOR, MAXIMUM_COVER, PRODUCTS, Product

_LONGEST = Decimal(105)
_LARGEST = Decimal("0.25")
_REFERENCE = 50
_ITEMS = 20
_TOO_LONG = (("width", "42006"), ("height", "42007"), ("length", "42008"))
_CLASSES = ("DOCUMENT", "GIFT", "SAMPLE", "OTHER", "RETURN", "SALE_OF_GOODS")


class Reader:
    """A JSON object and where it stands; its problems gather in one list."""

    def __init__(self, value: Any, path: str, problems: list[dict[str, Any]]) -> None:
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}
        self.path = path
        self.problems = problems
        if not isinstance(value, dict):
            self.missing("")

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return ".".join(filter(None, (self.path, name)))

    def missing(self, name: str) -> None:
        """Note that a field is not there."""
        self.problems.append(shipping("40002", name or self.path, field=self.at(name)))

    def text(self, name: str, *, needed: bool = False, most: int | None = None) -> str:
        """Return a text, "" when it is absent; a number is taken for its digits."""
        value = self.value.get(name)
        text = "" if value is None or isinstance(value, dict | list | bool) else str(value)
        if not text and needed:
            self.missing(name)
        if most is not None and len(text) > most:
            self.problems.append(shipping("44010", name, field=self.at(name), most=str(most)))
        return text

    def number(self, name: str, *, needed: bool = False) -> Decimal | None:
        """Return a number above 0, which may come as text (``"10"``); None when it is absent."""
        value = self.value.get(name)
        try:
            number = None if value is None or isinstance(value, bool) else Decimal(str(value))
        except InvalidOperation:
            number = None
        if number is not None and (not number.is_finite() or number <= 0):
            number = None
        if number is None and (needed or value is not None):
            self.missing(name)
        return number

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean, which may come as text."""
        value = self.value.get(name, default)
        return value.lower() == "true" if isinstance(value, str) else bool(value)

    def object(self, name: str) -> Reader:
        """Return a needed object."""
        return Reader(self.value.get(name), self.at(name), self.problems)

    def objects(self, name: str) -> list[Reader]:
        """Return a needed list of objects, empty when it is absent or empty."""
        value = self.value.get(name)
        if not isinstance(value, list) or not value:
            self.missing(name)
            return []
        return [Reader(item, f"{self.at(name)}[{index}]", self.problems) for index, item in enumerate(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One item. ``kg`` is its weight, ``charged`` what it counts for; ``told`` is what was asked for it."""

    product: Product | None
    reference: str
    kg: Decimal
    charged: Decimal
    cover: Decimal | None
    told: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One shipment as it was asked for."""

    reference: str
    references: Sequence[str]
    origin: str  # the postcodes
    destination: str
    country: str
    parcels: Sequence[Parcel]
    told: dict[str, Any]


def body(content: bytes) -> Reader:
    """Return the JSON object of a request; raises Refused, 422, for anything else."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise Refused(422, unprocessable("The body is no JSON document.")) from None
    if not isinstance(value, dict):
        raise Refused(422, unprocessable("The body is no JSON object."))
    return Reader(value, "", [])


def done(asked: Reader) -> None:
    """Raise Refused, 400, with everything found wrong."""
    if asked.problems:
        raise Refused(400, *asked.problems)


def wishes(asked: Reader, allowed: Sequence[str], *, priced_only: bool = False) -> list[Wish]:
    """Return the shipments of a request; raises Refused with everything that is wrong with them.

    To be priced a shipment needs no names and lines. ``allowed`` are the contract's product ids.
    """
    found = [_wish(one, allowed, priced_only) for one in asked.objects("shipments")]
    done(asked)
    return found


def parcel(asked: Reader, allowed: Sequence[str], *, product_needed: bool = True) -> Parcel:
    """Return one item, noting sizes and weights no product takes."""
    product_id = asked.text("product_id", needed=product_needed)
    product = PRODUCTS.get(product_id) if product_id in allowed else None
    if product_id and product is None:
        asked.problems.append(shipping("42012", product_id, field=asked.at("product_id")))
    reference = asked.text("item_reference", most=_REFERENCE)
    kg = asked.number("weight", needed=True)
    cubic = _cubic(asked)
    if kg is not None and kg > (product.heaviest if product else max(one.heaviest for one in PRODUCTS.values())):
        asked.problems.append(shipping("42010", f"{kg:f}", field=asked.at("weight")))
    if product is not None and asked.flag("contains_dangerous_goods", False):
        asked.problems.append(shipping("44003", product.id, field=asked.path))
    weight = kg or Decimal(1)
    return Parcel(
        product=product,
        reference=reference,
        kg=weight,
        charged=max(weight, cubic * CUBING_FACTOR),
        cover=_cover(asked),
        told=asked.value,
    )


def _cubic(asked: Reader) -> Decimal:
    """Return the item's volume in cubic metres: the contract is volumetric, so all three lengths are needed."""
    sizes = {name: asked.number(name, needed=True) for name, _ in _TOO_LONG}
    known = {name: size for name, size in sizes.items() if size is not None}
    if len(known) < len(sizes):
        return Decimal(0)
    for name, code in _TOO_LONG:
        if known[name] > _LONGEST:
            asked.problems.append(shipping(code, f"{known[name]:f}", field=asked.at(name)))
    cubic = known["length"] * known["width"] * known["height"] / 1_000_000
    if cubic > _LARGEST:
        asked.problems.append(shipping("42009", f"{cubic.normalize():f}", field=asked.path))
    if sum(size >= 5 for size in known.values()) < 2:
        asked.problems.append(shipping("42011", field=asked.path))
    return cubic


def _cover(asked: Reader) -> Decimal | None:
    features = asked.value.get("features")
    if not isinstance(features, dict) or "TRANSIT_COVER" not in features:
        return None
    cover = asked.object("features").object("TRANSIT_COVER").object("attributes").number("cover_amount", needed=True)
    if cover is not None and cover > MAXIMUM_COVER:
        asked.problems.append(shipping("46000", f"{cover:f}", field=asked.at("features")))
    return cover


def _wish(asked: Reader, allowed: Sequence[str], priced_only: bool) -> Wish:
    reference = asked.text("shipment_reference", most=_REFERENCE)
    references = [asked.text(f"customer_reference_{number}", most=_REFERENCE) for number in (1, 2)]
    given = asked.value.get("sender_references")
    if isinstance(given, list):
        references = [str(item) for item in given]
    origin, _ = _address(asked.object("from"), priced_only)
    recipient = asked.object("to")
    destination, country = _address(recipient, priced_only)
    if asked.flag("email_tracking_enabled", False) and not priced_only:
        recipient.text("email", needed=True)
    items = asked.objects("items")
    if len(items) > _ITEMS:
        asked.problems.append(shipping("44031", str(_ITEMS), field=asked.at("items")))
    parcels = [parcel(item, allowed) for item in items]
    for item, one in zip(items, parcels, strict=True):
        _check_lane(item, one.product, country, priced_only)
    return Wish(
        reference=reference,
        references=[name for name in references if name],
        origin=origin,
        destination=destination,
        country=country,
        parcels=parcels,
        told=asked.value,
    )


def _address(asked: Reader, priced_only: bool) -> tuple[str, str]:
    """Return postcode and country, noting an address that is incomplete or whose parts do not belong together."""
    country = asked.text("country", most=2).upper() or "AU"
    if not priced_only:
        asked.text("name", needed=True, most=40)
        lines = asked.value.get("lines")
        if not isinstance(lines, list) or not 1 <= len(lines) <= 3 or not all(isinstance(line, str) for line in lines):
            asked.missing("lines")
        elif any(len(line) > (60 if place == 1 else 40) for place, line in enumerate(lines)):
            asked.problems.append(shipping("44010", "lines", field=asked.at("lines"), most="40"))
    suburb = asked.text("suburb", needed=True, most=40)
    at_home = country == "AU"
    state, postcode = asked.text("state", needed=at_home), asked.text("postcode", needed=at_home, most=10)
    if at_home and suburb and state and postcode and not places.fits(suburb, state, postcode):
        asked.problems.append(wrong_suburb(suburb, asked.at("suburb")))
    return postcode, country


def _check_lane(asked: Reader, product: Product | None, country: str, priced_only: bool) -> None:
    """Note a product that does not go there, and goods that leave the country undeclared."""
    if product is not None and product.abroad != (country != "AU"):
        asked.problems.append(shipping("42002", product.id, field=asked.at("product_id")))
    if product is None or not product.abroad or priced_only:
        return
    kind = asked.text("classification_type", needed=True)
    if kind and kind not in _CLASSES:
        asked.missing("classification_type")
    if kind == "OTHER":
        asked.text("description_of_other", needed=True)
    for content in asked.objects("item_contents"):
        content.text("description", needed=True)
        content.text("country_of_origin", needed=True)
        content.number("quantity", needed=True)
        content.number("value", needed=True)
