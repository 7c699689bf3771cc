"""What may be set of the scheduler and its syncs. Durations are float seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.triggers import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryOptions:
    """The stock sync.

    ``pause`` between two batches (0 to 60, default 2). ``page_size`` records a batch (1 to 100, default 100).
    ``overlap`` re-read before the last watermark (0 to 86400, default 300). ``full_every`` seconds everything is
    compared, not only what changed (3600 or more, default a day). ``stores`` are those that show our stock (default
    none), such as ["shopify"].

    The blast guard stops a run, before it writes, that would set more than ``emptied_share`` (0 to 1, default 0.3) of
    the SKUs in stock to 0 on either side, or finds as many left out where all should be named; and one that would
    change more than ``changed_share`` (0 to 1, default 0.5) of the SKUs. Up to ``emptied_count`` (default 20) and
    ``changed_count`` (default 50) SKUs it asks nobody, so that a small shop is left in peace.
    """

    schedule: str = "every 15m"
    pause: float = 2.0
    page_size: int = 100
    overlap: float = 300.0
    full_every: float = 86_400.0
    emptied_share: float = 0.3
    emptied_count: int = 20
    changed_share: float = 0.5
    changed_count: int = 50
    stores: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _within("inventory.pause", self.pause, 0, 60)
        _within("inventory.page_size", self.page_size, 1, 100)
        _within("inventory.overlap", self.overlap, 0, 86_400)
        _within("inventory.full_every", self.full_every, 3600, 90 * 86_400)
        _within("inventory.emptied_share", self.emptied_share, 0, 1)
        _within("inventory.emptied_count", self.emptied_count, 0, 10**9)
        _within("inventory.changed_share", self.changed_share, 0, 1)
        _within("inventory.changed_count", self.changed_count, 0, 10**9)
        _names("inventory.stores", self.stores)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyOptions:
    """The rates sync. ``base`` is the currency the snapshots are of (default USD)."""

    schedule: str = "every 6h"
    base: str = "USD"

    def __post_init__(self) -> None:
        if not (len(self.base) == 3 and self.base.isascii() and self.base.isupper()):
            raise ValueError(f'currency.base is "{self.base}"; give an ISO 4217 code such as USD')


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersOptions:
    """The orders sync.

    ``batch_size`` orders share an ERP session (1 to 100, default 100), ``pause`` between two batches (default 2).
    ``checks`` orders at most are asked about in one run (default 200), each not again within ``check_every``
    (default 600). An order that fails is tried again after ``backoff`` (default 30), doubled each time up to
    ``backoff_limit`` (default 3600), and given up after ``max_tries`` (default 20). ``stores`` are those whose paid
    orders are ours too (default none), such as ["shopify"]; the first time those that changed in the last ``store_days``
    (0 to 60, default 7) are taken.
    """

    schedule: str = "every 2m"
    batch_size: int = 100
    pause: float = 2.0
    checks: int = 200
    check_every: float = 600.0
    backoff: float = 30.0
    backoff_limit: float = 3600.0
    max_tries: int = 20
    stores: tuple[str, ...] = ()
    store_days: float = 7.0

    def __post_init__(self) -> None:
        _within("orders.batch_size", self.batch_size, 1, 100)
        _within("orders.pause", self.pause, 0, 60)
        _within("orders.checks", self.checks, 0, 10_000)
        _within("orders.check_every", self.check_every, 0, 86_400)
        _within("orders.backoff", self.backoff, 0.1, 3600)
        _within("orders.backoff_limit", self.backoff_limit, self.backoff, 86_400)
        _within("orders.max_tries", self.max_tries, 1, 1000)
        _names("orders.stores", self.stores)
        _within("orders.store_days", self.store_days, 0, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsOptions:
    """The reconciliation of payments.

    ``vendors`` are the processors asked (default: those that are set up). ``overlap`` seconds are read again before the
    last watermark (0 to 30 days, default 2 days: movements change while they settle). The first time
    ``first_days`` back are read (1 to 90, default 7). ``page_size`` movements a page (1 to 100, default 100).
    """

    schedule: str = "every 1h"
    vendors: tuple[str, ...] = ()
    overlap: float = 2 * 86_400.0
    first_days: float = 7.0
    page_size: int = 100

    def __post_init__(self) -> None:
        _names("payments.vendors", self.vendors)
        _within("payments.overlap", self.overlap, 0, 30 * 86_400)
        _within("payments.first_days", self.first_days, 1, 90)
        _within("payments.page_size", self.page_size, 1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentsOptions:
    """The tracking of shipments.

    ``vendors`` are those asked (default: those that are set up). ``checks`` shipments a vendor at most in one run
    (1 to 10000, default 500), each not again within ``check_every`` seconds (0 to a day, default 1800). A shipment is
    given up ``days`` after it was made (1 to 365, default 60).
    """

    schedule: str = "every 30m"
    vendors: tuple[str, ...] = ()
    checks: int = 500
    check_every: float = 1800.0
    days: float = 60.0

    def __post_init__(self) -> None:
        _names("shipments.vendors", self.vendors)
        _within("shipments.checks", self.checks, 1, 10_000)
        _within("shipments.check_every", self.check_every, 0, 86_400)
        _within("shipments.days", self.days, 1, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendOptions:
    """The sync of advertising spend.

    ``vendors`` are those asked (default: those that are set up). The last ``window`` days are read anew each time,
    because vendors restate them (1 to 60, default 7); the first time ``first`` days (1 to 90, default 30).
    """

    schedule: str = "every 6h"
    vendors: tuple[str, ...] = ()
    window: int = 7
    first: int = 30

    def __post_init__(self) -> None:
        _names("spend.vendors", self.vendors)
        _within("spend.window", self.window, 1, 60)
        _within("spend.first", self.first, 1, 90)


KINDS = {  # the tables below [syncs] -> their options
    "currency": CurrencyOptions,
    "inventory": InventoryOptions,
    "orders": OrdersOptions,
    "payments": PaymentsOptions,
    "shipments": ShipmentsOptions,
    "spend": SpendOptions,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerOptions:
    """The scheduler.

    ``timezone`` of cron expressions (default UTC). A run holds its sync for ``lease_seconds`` (default 30) and says
    so every ``heartbeat_every`` (default 5); after ``max_takeovers`` (default 5) it is abandoned. Manual runs and
    edited schedules are looked for every ``poll_every`` (0.05 to 1, default 0.5). After ``pause_after`` failed runs in a
    row (0 to 1000, default 20; 0 never) a sync is paused and somebody is told; a run that a vendor's outage ended does
    not count, since that passes by itself, nor one that the blast guard stopped, since that asks. A stop waits
    ``stop_grace`` (default 20) for runs to reach a checkpoint. ``patience``: how long a run waits, each time, when the
    vendor is in trouble.
    With ``workers`` runs are handed out to ``worker`` processes (Postgres only) instead of being run here.
    """

    inventory: InventoryOptions = field(default_factory=InventoryOptions)
    currency: CurrencyOptions = field(default_factory=CurrencyOptions)
    orders: OrdersOptions = field(default_factory=OrdersOptions)
    payments: PaymentsOptions = field(default_factory=PaymentsOptions)
    shipments: ShipmentsOptions = field(default_factory=ShipmentsOptions)
    spend: SpendOptions = field(default_factory=SpendOptions)
    timezone: str = "UTC"
    lease_seconds: float = 30.0
    heartbeat_every: float = 5.0
    poll_every: float = 0.5
    max_takeovers: int = 5
    pause_after: int = 20
    stop_grace: float = 20.0
    patience: tuple[float, ...] = (5.0, 15.0, 30.0, 60.0, 60.0)
    workers: bool = False

    def __post_init__(self) -> None:
        _within("scheduler.lease_seconds", self.lease_seconds, 2, 3600)
        _within("scheduler.heartbeat_every", self.heartbeat_every, 0.1, self.lease_seconds / 2)
        _within("scheduler.poll_every", self.poll_every, 0.05, 1)
        _within("scheduler.max_takeovers", self.max_takeovers, 0, 1000)
        _within("syncs.pause_after", self.pause_after, 0, 1000)
        _within("scheduler.stop_grace", self.stop_grace, 0, 600)
        for name in KINDS:
            parse(getattr(self, name).schedule, timezone=self.timezone, field=f"{name}.schedule")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}; give a number from {low:g} to {high:g}")


def _names(name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f'{name} is {value!r}; give a list of vendors such as ["stripe", "paypal"]')
