"""A believable shop: what it sells. The same seed gives the same goods, so the ERP and the shop can be seeded alike."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing for sale. ``price`` and ``cost`` are in ``currency``; ``hs_code`` is the six-digit customs heading."""

    sku: str
    name: str
    category: str
    weight_kg: Decimal
    price: Decimal
    cost: Decimal
    currency: str
    country_of_origin: str
    hs_code: str
    quantity: int  # in the warehouse on the first day


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    code: str
    category: str
    nouns: tuple[str, ...]
    hs_codes: tuple[str, ...]
    origins: tuple[str, ...]
    weight: tuple[float, float]  # kg
    price: tuple[float, float]  # USD


_KINDS = (
    _Kind(
        code="APP",
        category="Apparel",
        nouns=("Tee", "Overshirt", "Merino Jumper", "Rain Jacket", "Chinos", "Linen Dress"),
        hs_codes=("610910", "620520", "611011", "620193", "620342", "620444"),
        origins=("PT", "TR", "BD", "VN", "IN"),
        weight=(0.15, 1.2),
        price=(18, 190),
    ),
    _Kind(
        code="BAG",
        category="Bags",
        nouns=("Backpack", "Tote", "Weekender", "Card Holder", "Sling"),
        hs_codes=("420292", "420222", "420212", "420231", "420292"),
        origins=("IT", "CN", "VN", "IN"),
        weight=(0.08, 2.4),
        price=(24, 320),
    ),
    _Kind(
        code="HOM",
        category="Home",
        nouns=("Stoneware Mug", "Linen Cushion", "Table Lamp", "Wool Throw", "Carafe", "Serving Bowl"),
        hs_codes=("691200", "940490", "940521", "630120", "701337", "691110"),
        origins=("PT", "CN", "IN", "TR"),
        weight=(0.3, 4.5),
        price=(12, 180),
    ),
    _Kind(
        code="ELE",
        category="Electronics",
        nouns=("Earbuds", "Power Bank", "USB-C Hub", "Desk Speaker", "Travel Charger"),
        hs_codes=("851830", "850760", "847330", "851822", "850440"),
        origins=("CN", "VN", "TW", "KR"),
        weight=(0.06, 1.6),
        price=(19, 260),
    ),
    _Kind(
        code="BTY",
        category="Beauty",
        nouns=("Face Oil", "Hand Balm", "Oud Perfume", "Clay Mask", "Shampoo Bar"),
        hs_codes=("330499", "330499", "330300", "330499", "340111"),
        origins=("FR", "AE", "KR", "GB"),
        weight=(0.05, 0.6),
        price=(9, 145),
    ),
    _Kind(
        code="OUT",
        category="Outdoor",
        nouns=("Trail Bottle", "Head Torch", "Camp Stove", "Trekking Pole", "Dry Bag"),
        hs_codes=("732393", "851310", "732111", "660200", "392690"),
        origins=("CN", "TW", "DE", "US"),
        weight=(0.1, 2.8),
        price=(14, 210),
    ),
    _Kind(
        code="TOY",
        category="Toys",
        nouns=("Wooden Blocks", "Puzzle", "Plush Bear", "Card Game", "Kite"),
        hs_codes=("950300", "950300", "950300", "950440", "950300"),
        origins=("DE", "CN", "VN", "PL"),
        weight=(0.15, 1.9),
        price=(8, 85),
    ),
)
_SERIES = (
    "Harbour",
    "Quay",
    "Beacon",
    "Tidal",
    "Meridian",
    "Lantern",
    "Compass",
    "Drift",
    "Anchor",
    "Lagoon",
    "Mistral",
)
_FINISHES = ("Black", "Sand", "Sea Green", "Navy", "Rust", "Ivory", "Charcoal", "Olive", "Plum", "Slate", "Coral")
_CENT = Decimal("0.01")


@lru_cache(maxsize=8)
def catalogue(seed: int, size: int = 3000) -> tuple[Item, ...]:
    """Return ``size`` items; a larger catalogue of the same seed begins with the smaller one."""
    draw = random.Random(f"{seed}:catalogue")
    return tuple(_item(draw, number) for number in range(1, size + 1))


def _item(draw: random.Random, number: int) -> Item:
    kind = draw.choice(_KINDS)
    which = draw.randrange(len(kind.nouns))
    low, high = kind.price
    # Most things are cheap and a few are dear: the square of a uniform draw leans to the low end.
    price = Decimal(int(low + (high - low) * draw.random() ** 2)) - _CENT
    cost = (price * Decimal(draw.randint(32, 61)) / 100).quantize(_CENT, ROUND_HALF_UP)
    weight = Decimal(str(round(draw.uniform(*kind.weight), 3)))
    sold_out, scarce = draw.random() < 0.04, draw.random() < 0.15
    quantity = 0 if sold_out else draw.randint(1, 9) if scarce else draw.randint(10, 480)
    return Item(
        sku=f"{kind.code}-{number:05d}",
        name=f"{draw.choice(_SERIES)} {kind.nouns[which]}, {draw.choice(_FINISHES)}",
        category=kind.category,
        weight_kg=weight,
        price=price,
        cost=cost,
        currency="USD",
        country_of_origin=draw.choice(kind.origins),
        hs_code=kind.hs_codes[which],
        quantity=quantity,
    )
