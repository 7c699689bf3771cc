"""The syncs there are: one line each, sorted. A test holds the list against the options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from scheduler.calls import Calls
from scheduler.options import SchedulerOptions
from scheduler.syncs import currency, inventory_applying, orders_applying, payments, shipments, spend, store_orders
from scheduler.syncs.run import Work

NO_STORE = (
    "Our orders are sent once and for all; only those of a store can be fetched anew, and none stands under "
    "[syncs.orders] stores."
)
SPEND_PAGE = 1000  # campaign days a call brings; what the vendors give at most differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One sync: what people call it, when it runs by the file, which vendors it needs, and how its work is made.

    ``takes`` are the options whoever runs it by hand may choose: ``vendors`` (only some of them), ``full`` (compare all).
    ``backfill_days`` is the usual size of a slice of a backfill; None: a range of the past makes no sense for it, and
    ``no_backfill`` says why. A backfill asks ``backfill_vendors`` for ``backfill_operation``, a call bringing up to
    ``backfill_page`` records; with ``backfill_whole_days`` it works off whole days in UTC.
    """

    name: str
    label: str
    description: str
    schedule: str
    vendors: Sequence[str]
    work: Callable[[Calls], Work]
    takes: Sequence[str] = ()
    backfill_days: float | None = None
    no_backfill: str = ""
    backfill_vendors: Sequence[str] = ()
    backfill_operation: str = ""
    backfill_page: int = 1
    backfill_whole_days: bool = False
    pause_after: int = 0
    timezone: str = "UTC"

    def facts(self) -> dict[str, Any]:
        """Return what pages and API are told of it."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "work"}


def all_jobs(options: SchedulerOptions) -> dict[str, Job]:
    """Return every sync by name."""
    jobs = (
        Job(
            name="currency",
            label="Exchange rates",
            description="Fetches the latest rates; every conversion uses the last snapshot and says its age.",
            schedule=options.currency.schedule,
            vendors=("open_exchange_rates", "ecb"),
            work=lambda calls: currency.work(calls, options.currency),
            backfill_days=1,
            backfill_vendors=(currency.SOURCE,),
            backfill_operation="historical_rates",
            backfill_whole_days=True,
        ),
        Job(
            name="inventory",
            label="Inventory",
            description="Keeps stock equal in Acumatica and the shop; the later change wins, conflicts are kept.",
            schedule=options.inventory.schedule,
            vendors=("acumatica", *options.inventory.stores),
            work=lambda calls: inventory_applying.work(calls, options.inventory),
            takes=("full",),
            no_backfill="Stock is what there is now; neither side can say what there was.",
        ),
        Job(
            name="orders",
            label="Orders",
            description="Brings each order to Acumatica exactly once, and its fulfilment back.",
            schedule=options.orders.schedule,
            vendors=("acumatica", *options.orders.stores),
            work=lambda calls: orders_applying.work(calls, options.orders),
            backfill_days=1 if options.orders.stores else None,
            no_backfill="" if options.orders.stores else NO_STORE,
            backfill_vendors=options.orders.stores,
            backfill_operation="list_orders",
            backfill_page=store_orders.PAGE,
        ),
        Job(
            name="payments",
            label="Payments",
            description="Holds what each payment processor says moved against our orders.",
            schedule=options.payments.schedule,
            vendors=options.payments.vendors,
            work=lambda calls: payments.work(calls, options.payments),
            takes=("vendors",),
            backfill_days=1,
            backfill_vendors=options.payments.vendors,
            backfill_operation="list_transactions",
            backfill_page=options.payments.page_size,
        ),
        Job(
            name="shipments",
            label="Shipments",
            description="Asks where each shipment is until it is delivered or cancelled.",
            schedule=options.shipments.schedule,
            vendors=options.shipments.vendors,
            work=lambda calls: shipments.work(calls, options.shipments),
            takes=("vendors",),
            backfill_days=7,
            backfill_vendors=options.shipments.vendors,
            backfill_operation="track_shipment",
        ),
        Job(
            name="spend",
            label="Advertising spend",
            description="Stores what each campaign cost on each day; the last days are read anew.",
            schedule=options.spend.schedule,
            vendors=options.spend.vendors,
            work=lambda calls: spend.work(calls, options.spend),
            takes=("vendors",),
            backfill_days=7,
            backfill_vendors=options.spend.vendors,
            backfill_operation="daily_spend",
            backfill_page=SPEND_PAGE,
            backfill_whole_days=True,
        ),
    )
    common: dict[str, Any] = {"pause_after": options.pause_after, "timezone": options.timezone}
    return {job.name: replace(job, **common) for job in jobs}
