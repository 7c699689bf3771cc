"""Limits that people edit while calls go on: every process follows, and the file holds again at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from db import audit, overrides
from db.engine import Database
from integrations.adapter import QuotaPolicy
from integrations.limit_book import LimitBook
from integrations.limits import BadLimit, Limits, edited, is_whole, problems, usable, values_of
from tests.conftest import MovableClock

FILES = Limits(quotas=(QuotaPolicy(name="day", limit=1000, seconds=86400.0, paced=False),), concurrency=4)


def book(db: Database, clock: MovableClock) -> LimitBook:
    return LimitBook(db, clock, {"acme": FILES, "other": Limits()})  # type: ignore[arg-type]  # has what a clock needs


async def edit(db: Database, clock: MovableClock, *, minutes: float | None = None, **values: float) -> None:
    named = {name.replace("__", "."): value for name, value in values.items()}
    until = None if minutes is None else clock.now() + timedelta(minutes=minutes)
    await overrides.put(db, "acme", named, by="ada", reason="a test", expires_at=until, now=clock.now())


async def test_an_edit_wins_over_the_file_in_every_process_and_goes_back(
    database: Database, clock: MovableClock
) -> None:
    one, two = book(database, clock), book(database, clock)
    await edit(database, clock, breaker__consecutive_failures=8, quotas__day__limit=50, reserve=0.5, concurrency=2)
    for each in (one, two):
        await each.refresh()
    there = [each.of("acme") for each in (one, two)]
    gates = [each.gates["acme"].limit for each in (one, two)]
    gone = await overrides.take_away(
        database, "acme", ["reserve", "concurrency"], by="mira", reason=None, now=clock.now()
    )
    await one.refresh()

    assert there[0] == there[1]
    assert (there[0].breaker.consecutive_failures, there[0].quotas[0].limit) == (8, 50)
    assert (there[0].reserve, there[0].concurrency, gates) == (0.5, 2, [2, 2])
    assert gone == ["concurrency", "reserve"]
    assert (one.of("acme").reserve, one.gates["acme"].limit) == (FILES.reserve, 4)
    assert one.of("acme").breaker.consecutive_failures == 8
    assert one.of("other") == Limits()
    assert repr(one) == "<LimitBook vendors=2 edited=['acme']>"


async def test_an_edit_ends_when_it_was_said_to_and_leaves_a_note(database: Database, clock: MovableClock) -> None:
    one = book(database, clock)
    await edit(database, clock, minutes=5, breaker__consecutive_failures=8)
    await one.refresh()
    before = one.of("acme").breaker.consecutive_failures
    clock.move(300)
    await one.refresh()
    after = one.of("acme").breaker.consecutive_failures
    removed = [await overrides.expire(database, now=clock.now()) for _ in range(2)]
    acts = {act.act: act for act in await audit.list_acts(database, subject="acme")}

    assert (before, after) == (8, 5)
    assert removed == [1, 0]
    assert acts["limits.edited"].facts["after"] == {"breaker.consecutive_failures": 8}
    assert (acts["limits.expired"].user_name, acts["limits.expired"].reason) == (
        "quayside",
        "the time set by ada is over",
    )


async def test_an_edit_of_what_is_gone_from_the_file_is_passed_over(database: Database, clock: MovableClock) -> None:
    one = book(database, clock)
    await edit(database, clock, quotas__gone__limit=5, breaker__consecutive_failures=8)
    await one.refresh()

    assert one.of("acme") == edited(FILES, {"breaker.consecutive_failures": 8})


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("breaker.failure_rate_threshold", 1.5, "must be above 0 and at most 1."),
        ("breaker.consecutive_failures", 0, "must be above 0."),
        ("breaker.consecutive_failures", 2.5, "must be a whole number."),
        ("breaker.sliding_window_size", 7200, "must be at most 3600 s."),
        ("breaker.wait_duration_in_open_state", float("inf"), "must be a number."),
        ("quotas.day.limit", 0, "must be above 0."),
        ("reserve", 1, "must be at least 0 and below 1."),
        ("concurrency", 0, "must be at least 1."),
    ],
)
def test_a_number_that_cannot_be_is_refused_as_the_options_do(setting: str, value: float, sentence: str) -> None:
    assert problems(FILES, {setting: value}) == {setting: sentence}
    with pytest.raises(BadLimit):
        edited(FILES, {setting: value})


def test_a_limit_there_is_not_is_refused_with_those_there_are() -> None:
    (sentence,) = problems(FILES, {"quotas.burst.limit": 5}).values()

    assert sentence.startswith("is no limit of this vendor; there are breaker.failure_rate_threshold, ")
    assert usable(FILES, {"quotas.burst.limit": 5, "reserve": 0.1}) == {"reserve": 0.1}


def test_what_counts_is_whole() -> None:
    assert [name for name in values_of(FILES) if is_whole(name)] == [
        "breaker.minimum_number_of_calls",
        "breaker.consecutive_failures",
        "breaker.permitted_number_of_calls_in_half_open_state",
        "concurrency",
    ]
