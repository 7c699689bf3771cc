"""A believable shop: who buys, from where, in which currency. The same seed gives the same customers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.catalogue import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person and where they want their parcel; ``state`` is empty where the country's addresses have none."""

    name: str
    email: str
    phone: str
    lines: tuple[str, ...]
    city: str
    state: str
    postal_code: str
    country: str
    residential: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """So many of an item; ``unit_price`` in the basket's currency."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    weight_kg: Decimal
    country_of_origin: str
    hs_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What one customer wants to buy."""

    customer: Customer
    currency: str
    lines: tuple[BasketLine, ...]

    @property
    def total(self) -> Decimal:
        """Return the sum of the lines, in the basket's currency."""
        return sum((line.unit_price * line.quantity for line in self.lines), Decimal(0))

    @property
    def weight_kg(self) -> Decimal:
        """Return the weight of the goods."""
        return sum((line.weight_kg * line.quantity for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    country: str
    currency: str
    share: int
    phone: str  # country code and the first digits of a mobile number; the rest is drawn
    digits: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]  # {n} is the house number
    places: tuple[tuple[str, str, str], ...]  # city, state, postal code


_MARKETS = (
    _Market(
        country="US",
        currency="USD",
        share=30,
        phone="+1212555",
        digits=4,
        first=("Olivia", "Marcus", "Dana", "Luis", "Hannah", "Tyrone"),
        last=("Reed", "Alvarez", "Kim", "Foster", "Nguyen", "Brooks"),
        streets=("{n} Maple Avenue", "{n} W 4th Street", "{n} Harbor Drive", "{n} Elm Street"),
        places=(
            ("New York", "NY", "10001"),
            ("Los Angeles", "CA", "90012"),
            ("Austin", "TX", "78701"),
            ("Seattle", "WA", "98101"),
            ("Chicago", "IL", "60601"),
        ),
    ),
    _Market(
        country="GB",
        currency="GBP",
        share=14,
        phone="+44770090",
        digits=4,
        first=("Amelia", "Rhys", "Priya", "Callum"),
        last=("Hughes", "Patel", "Clarke", "Morgan"),
        streets=("{n} High Street", "{n} Station Road", "{n} Quayside"),
        places=(("London", "", "SW1A 1AA"), ("Manchester", "", "M1 1AE"), ("Edinburgh", "", "EH1 1YZ")),
    ),
    _Market(
        country="DE",
        currency="EUR",
        share=10,
        phone="+4915112",
        digits=6,
        first=("Jonas", "Lena", "Mehmet", "Greta"),
        last=("Müller", "Schäfer", "Yilmaz", "Groß"),
        streets=("Hafenstraße {n}", "Lindenallee {n}", "Am Markt {n}"),
        places=(("Berlin", "", "10115"), ("Hamburg", "", "20095"), ("München", "", "80331")),
    ),
    _Market(
        country="FR",
        currency="EUR",
        share=8,
        phone="+33639981",
        digits=3,
        first=("Camille", "Léo", "Inès", "Théo"),
        last=("Lefèvre", "Moreau", "Benali", "Garnier"),
        streets=("{n} rue du Port", "{n} avenue Victor Hugo", "{n} place de la Gare"),
        places=(("Paris", "", "75002"), ("Lyon", "", "69001"), ("Bordeaux", "", "33000")),
    ),
    _Market(
        country="JP",
        currency="JPY",
        share=7,
        phone="+819012",
        digits=6,
        first=("Haruka", "Kenji", "Yui", "Sota"),
        last=("Tanaka", "Sato", "Kobayashi", "Ito"),
        streets=("{n}-4 Jingumae", "{n}-12 Honmachi", "{n}-7 Sakae"),
        places=(("Shibuya-ku", "Tokyo", "150-0001"), ("Osaka", "Osaka", "541-0053"), ("Nagoya", "Aichi", "460-0008")),
    ),
    _Market(
        country="AE",
        currency="AED",
        share=9,
        phone="+97150",
        digits=7,
        first=("Fatima", "Omar", "Layla", "Rashid"),
        last=("Al Mansoori", "Haddad", "Al Suwaidi", "Khan"),
        streets=("Villa {n}, Al Wasl Road", "Apt {n}, Marina Walk", "Office {n}, Hamdan Street"),
        places=(("Dubai", "DU", ""), ("Abu Dhabi", "AZ", ""), ("Sharjah", "SH", "")),
    ),
    _Market(
        country="SA",
        currency="SAR",
        share=6,
        phone="+96650",
        digits=7,
        first=("Noura", "Abdullah", "Reem", "Faisal"),
        last=("Al Qahtani", "Al Harbi", "Al Otaibi", "Zahrani"),
        streets=("{n} King Fahd Road", "{n} Olaya Street", "{n} Prince Sultan Street"),
        places=(("Riyadh", "", "12211"), ("Jeddah", "", "21589"), ("Dammam", "", "31411")),
    ),
    _Market(
        country="KW",
        currency="KWD",
        share=4,
        phone="+9655",
        digits=7,
        first=("Dalal", "Yousef", "Maryam", "Bader"),
        last=("Al Sabah", "Al Rashidi", "Al Mutairi", "Behbehani"),
        streets=("Block {n}, Street 12", "Building {n}, Salem Al Mubarak Street"),
        places=(("Kuwait City", "", "13001"), ("Salmiya", "", "22002")),
    ),
    _Market(
        country="AU",
        currency="AUD",
        share=6,
        phone="+614915",
        digits=5,
        first=("Chloe", "Lachlan", "Mia", "Nikhil"),
        last=("Wilson", "Papadopoulos", "Singh", "Taylor"),
        streets=("{n} George Street", "{n} Collins Street", "{n} Beach Road"),
        places=(("Sydney", "NSW", "2000"), ("Melbourne", "VIC", "3000"), ("Brisbane", "QLD", "4000")),
    ),
    _Market(
        country="CA",
        currency="CAD",
        share=6,
        phone="+1416555",
        digits=4,
        first=("Émilie", "Noah", "Sophie", "Arjun"),
        last=("Tremblay", "MacDonald", "Gagnon", "Gill"),
        streets=("{n} Queen Street W", "{n} rue Sainte-Catherine", "{n} Granville Street"),
        places=(("Toronto", "ON", "M5V 2T6"), ("Montréal", "QC", "H3B 1A7"), ("Vancouver", "BC", "V6C 1T2")),
    ),
)
# What the shop charges for a dollar of its price list: set by people, changed seldom, so no exchange rate of the day.
_PRICE_LIST = {
    "USD": Decimal("1"),
    "GBP": Decimal("0.79"),
    "EUR": Decimal("0.93"),
    "JPY": Decimal("150"),
    "AED": Decimal("3.75"),
    "SAR": Decimal("3.80"),
    "KWD": Decimal("0.310"),
    "AUD": Decimal("1.55"),
    "CAD": Decimal("1.38"),
}
_DECIMALS = {"JPY": 0, "KWD": 3}


def shopper(seed: int, items: Sequence[Item]) -> Iterator[Basket]:
    """Yield baskets without end: one to four different items, mostly one of each, in the customer's own currency."""
    draw = random.Random(f"{seed}:shopper")
    shares = [market.share for market in _MARKETS]
    while True:
        (market,) = draw.choices(_MARKETS, shares)
        chosen = draw.sample(items, min(len(items), draw.choices((1, 2, 3, 4), (58, 26, 11, 5))[0]))
        lines = [
            BasketLine(
                sku=item.sku,
                name=item.name,
                quantity=draw.choices((1, 2, 3), (80, 15, 5))[0],
                unit_price=local_price(item.price, market.currency),
                weight_kg=item.weight_kg,
                country_of_origin=item.country_of_origin,
                hs_code=item.hs_code,
            )
            for item in chosen
        ]
        yield Basket(customer=_customer(draw, market), currency=market.currency, lines=tuple(lines))


def _customer(draw: random.Random, market: _Market) -> Customer:
    first, last = draw.choice(market.first), draw.choice(market.last)
    city, state, postal_code = draw.choice(market.places)
    return Customer(
        name=f"{first} {last}",
        # example.com never reaches anybody (RFC 2606).
        email=f"buyer{draw.randrange(10**6):06d}@example.com",
        phone=market.phone + "".join(str(draw.randrange(10)) for _ in range(market.digits)),
        lines=(draw.choice(market.streets).format(n=draw.randint(1, 240)),),
        city=city,
        state=state,
        postal_code=postal_code,
        country=market.country,
        residential=draw.random() < 0.85,
    )


def local_price(dollars: Decimal, currency: str) -> Decimal:
    """Return what the shop asks in a currency for so many dollars of its price list, in the currency's decimals."""
    return (dollars * _PRICE_LIST[currency]).quantize(smallest(currency), ROUND_HALF_UP)


def smallest(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 1 of the yen, 0.001 of the Kuwaiti dinar, 0.01 of most."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))
