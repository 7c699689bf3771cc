"""What may be set, and what nonsense gets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scheduler.jobs import all_jobs
from scheduler.options import CurrencyOptions, InventoryOptions, OrdersOptions, SchedulerOptions


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: InventoryOptions(page_size=101), "inventory.page_size is 101; give a number from 1 to 100"),
        (lambda: InventoryOptions(pause=-1), "inventory.pause is -1"),
        (lambda: CurrencyOptions(base="usd"), 'currency.base is "usd"; give an ISO 4217 code such as USD'),
        (lambda: OrdersOptions(backoff_limit=1), "orders.backoff_limit is 1; give a number from 30"),
        (lambda: SchedulerOptions(heartbeat_every=20), "scheduler.heartbeat_every is 20; give a number from 0.1 to 15"),
        (lambda: SchedulerOptions(orders=OrdersOptions(schedule="hourly")), 'orders.schedule is "hourly"; write'),
    ],
)
def test_nonsense_is_refused_with_the_remedy(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        make()

    assert says in str(caught.value)


def test_the_list_of_syncs_is_sorted_and_has_options_for_each() -> None:
    jobs = all_jobs(SchedulerOptions())

    assert list(jobs) == sorted(jobs) == [job.name for job in jobs.values()]
    assert all(job.schedule == getattr(SchedulerOptions(), name).schedule for name, job in jobs.items())
