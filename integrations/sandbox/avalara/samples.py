"""What the account's default company has before anybody asks: ten weeks of invoices, and documents of known codes.

Nothing of it is an effect: it happened before the ledger looked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox.avalara.documents import Document, Documents
from integrations.sandbox.avalara.models import read_transaction
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.geography import dollars_in
from integrations.sandbox.twin import World

SAVED = "SANDBOX-SAVED"  # can be committed
COMMITTED = "SANDBOX-COMMITTED"  # can be voided and refunded
VOIDED = "SANDBOX-VOIDED"
LOCKED = "SANDBOX-LOCKED"  # was reported: nothing can be done to it
_DAY, _DAYS, _TRADE = 86_400, 70, 60
_FROM = {"line1": "1 Main St", "city": "Irvine", "region": "CA", "country": "US", "postalCode": "92614"}
_BUYERS = (
    ("USD", {"line1": "2 High St", "city": "Austin", "region": "TX", "country": "US", "postalCode": "78701"}),
    ("USD", {"line1": "350 5th Ave", "city": "New York", "region": "NY", "country": "US", "postalCode": "10018"}),
    ("USD", {"line1": "822 Reed St", "city": "Philadelphia", "region": "PA", "country": "US", "postalCode": "19147"}),
    ("USD", {"line1": "9 Elm St", "city": "Newark", "region": "NJ", "country": "US", "postalCode": "07102"}),
    (
        "CAD",
        {"line1": "298 Pinetree", "city": "Beaconsfield", "region": "QC", "country": "CA", "postalCode": "H9W 5E1"},
    ),
    ("GBP", {"line1": "10 Paternoster Sq", "city": "London", "country": "GB", "postalCode": "EC4M 7LS"}),
    ("EUR", {"line1": "Invalidenstr. 116", "city": "Berlin", "country": "DE", "postalCode": "10115"}),
    ("JPY", {"line1": "1-1 Marunouchi", "city": "Tokyo", "country": "JP", "postalCode": "100-0005"}),
)


def make_past(documents: Documents, world: World) -> None:
    """Let the company have sold things over the last weeks, one in fifteen voided since, and make the known documents."""
    draw, start = world.chance("avalara.history"), world.now() - _DAYS * _DAY
    goods = catalogue(world.seed, 60)
    for number in range(_TRADE):
        at = start + number * _DAYS * _DAY / _TRADE + draw.randrange(20 * 3_600)
        currency, buyer = draw.choice(_BUYERS)
        lines = [
            {"sku": item.sku, "amount": dollars_in(world.seed, currency, at, item.price * count)}
            for item, count in ((draw.choice(goods), draw.randint(1, 3)) for _ in range(draw.randint(1, 3)))
        ]
        made = _sell(documents, at, f"H-{1001 + number}", currency, buyer, lines)
        if draw.random() < 1 / 15:
            with documents.time.past(min(at + _DAY, world.now())):
                documents.void(made)
    for code in (SAVED, COMMITTED, VOIDED, LOCKED):
        line = {"sku": goods[0].sku, "amount": Decimal(100)}
        at = world.now() - (45 if code == LOCKED else 2) * _DAY
        made = _sell(documents, at, code, *_BUYERS[0], [line], commit=code != SAVED)
        if code == VOIDED:
            with documents.time.past(at):
                documents.void(made)
        made.locked = code == LOCKED


def _sell(
    documents: Documents,
    at: float,
    code: str,
    currency: str,
    buyer: dict[str, str],
    goods: list[dict[str, Any]],
    *,
    commit: bool = True,
) -> Document:
    lines = [
        {"number": str(index), "quantity": 1, "amount": one["amount"], "itemCode": one["sku"], "taxCode": "P0000000"}
        for index, one in enumerate(goods, 1)
    ]
    sale = {
        "type": "SalesInvoice",
        "code": code,
        "date": datetime.fromtimestamp(at, UTC).date().isoformat(),
        "customerCode": f"CUST-{code}",
        "currencyCode": currency,
        "commit": commit,
        "addresses": {"shipFrom": _FROM, "shipTo": buyer},
        "lines": lines,
    }
    with documents.time.past(at):
        return documents.create(read_transaction(sale))
