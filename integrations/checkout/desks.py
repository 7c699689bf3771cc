"""The desks of the checkout, from the settings of a process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from db.engine import Database
from integrations.checkout.api import Checkout
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.payments import PaymentDesk
from integrations.checkout.placing import PlacingDesk
from integrations.checkout.placing_steps import Steps
from integrations.checkout.quotes import QuoteDesk
from integrations.checkout.tax import TaxDesk
from integrations.commands import ready_for
from integrations.gateway import Gateway
from integrations.options import built
from integrations.settings import Settings, known_vendors


def desks_of(settings: Settings, db: Database, gateway: Gateway) -> Checkout:
    """Return the desks, each with the vendors that can be called. Raise BadSetting naming the key."""
    options: CheckoutOptions = built(CheckoutOptions, "checkout", dict(settings.tables["checkout"]))
    ready = {
        name: ready_for(name, settings.integrations)
        for name in (
            *("quote_rates", "create_payment", "quote_tax", "check_vat_number", "create_shipment"),
            *("screen_order", "send_email", "send_sms", "track_event"),
        )
    }
    known_vendors("checkout", options.carriers, "shipping")
    known_vendors("checkout", tuple(options.processors.values()), "payments")
    shared: dict[str, Any] = {"now": lambda: datetime.now(UTC)}
    tax = TaxDesk(db, gateway, options, ready=(*ready["quote_tax"], *ready["check_vat_number"]), **shared)
    payments = PaymentDesk(db, gateway, options, processors=ready["create_payment"], **shared)
    asked = [name for kind in ("screen_order", "send_email", "send_sms", "track_event") for name in ready[kind]]
    steps = Steps(db, gateway, tax=tax, payments=payments, ready=asked, first_look=4 * options.backoff, **shared)
    return Checkout(
        db=db,
        options=options,
        quotes=QuoteDesk(db, gateway, options, carriers=options.carriers or ready["quote_rates"], **shared),
        tax=tax,
        payments=payments,
        placing=PlacingDesk(
            db, steps, carriers=ready["create_shipment"], patience=1.0, first_wait=options.backoff, **shared
        ),
        **shared,
    )
