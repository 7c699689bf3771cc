"""The syncs there are: one line each, sorted. A test holds the list against the options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduler.calls import Calls
from scheduler.options import SchedulerOptions
from scheduler.syncs import currency, inventory, orders, payments, shipments, spend
from scheduler.syncs.run import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One sync: what people call it, when it runs by the file, which vendors it needs, and how its work is made."""

    name: str
    label: str
    description: str
    schedule: str
    vendors: Sequence[str]
    work: Callable[[Calls], Work]


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
        ),
        Job(
            name="inventory",
            label="Inventory",
            description="Keeps stock equal in Acumatica and the shop; the later change wins, conflicts are kept.",
            schedule=options.inventory.schedule,
            vendors=("acumatica", *options.inventory.stores),
            work=lambda calls: inventory.work(calls, options.inventory),
        ),
        Job(
            name="orders",
            label="Orders",
            description="Brings each order to Acumatica exactly once, and its fulfilment back.",
            schedule=options.orders.schedule,
            vendors=("acumatica", *options.orders.stores),
            work=lambda calls: orders.work(calls, options.orders),
        ),
        Job(
            name="payments",
            label="Payments",
            description="Holds what each payment processor says moved against our orders.",
            schedule=options.payments.schedule,
            vendors=options.payments.vendors,
            work=lambda calls: payments.work(calls, options.payments),
        ),
        Job(
            name="shipments",
            label="Shipments",
            description="Asks where each shipment is until it is delivered or cancelled.",
            schedule=options.shipments.schedule,
            vendors=options.shipments.vendors,
            work=lambda calls: shipments.work(calls, options.shipments),
        ),
        Job(
            name="spend",
            label="Advertising spend",
            description="Stores what each campaign cost on each day; the last days are read anew.",
            schedule=options.spend.schedule,
            vendors=options.spend.vendors,
            work=lambda calls: spend.work(calls, options.spend),
        ),
    )
    return {job.name: job for job in jobs}
