"""Find out whether Stripe did what we asked, by our reference in the metadata.

The lists are asked, not the search: Stripe's search lags behind by up to a minute, the lists do not.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.adapter import Exchange
from integrations.errors import BusinessFailed
from integrations.outcome import Request
from integrations.vendors.stripe import answers
from integrations.vendors.stripe.declaration import API_VERSION

STORED_FOR = timedelta(hours=24)  # how long Stripe keeps an answer to a key, at least
PAGE = 100
MOST_PAGES = 20


async def find_intent(exchange: Exchange, reference: str) -> answers.Intent | None:
    """Return the payment intent with our reference of the last day, None when there is certainly none.

    Raises BusinessFailed when the list is too long to be read to its end.
    """
    since = ("created[gte]", str(int((exchange.now() - STORED_FOR).timestamp())))
    expand = ("expand[0]", "data.latest_charge")
    cursor = ""
    for _ in range(MOST_PAGES):
        response = await exchange.send(_page("/v1/payment_intents", [since, expand], cursor))
        rows, more = answers.intents(response.json())
        found = next((row for row in rows if row.reference == reference), None)
        if found is not None or not more or not rows:
            return found
        cursor = rows[-1].id
    raise _too_long()


async def find_refund(exchange: Exchange, payment_id: str, reference: str) -> answers.Refund | None:
    """Return the refund of a payment with our reference, None when there is certainly none. Raises as above."""
    query = [("payment_intent", payment_id), ("expand[0]", "data.payment_intent.latest_charge")]
    cursor = ""
    for _ in range(MOST_PAGES):
        response = await exchange.send(_page("/v1/refunds", query, cursor))
        rows, more = answers.refunds(response.json())
        found = next((row for row in rows if row.metadata.get("reference") == reference), None)
        if found is not None or not more or not rows:
            return found
        cursor = rows[-1].id
    raise _too_long()


def _page(path: str, query: list[tuple[str, str]], cursor: str) -> Request:
    paged = [("limit", str(PAGE)), *query, *([("starting_after", cursor)] if cursor else [])]
    headers = {"stripe-version": API_VERSION}
    return Request(method="GET", path=path, template=path, query=paged, headers=headers, step="look_up")


def _too_long() -> BusinessFailed:
    return BusinessFailed(
        f"Stripe has more than {MOST_PAGES * PAGE} records to look through; look the payment up by its reference.",
        error_type="look_up_too_long",
        fault="theirs",
    )
