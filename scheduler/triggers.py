"""From the text of a schedule to an APScheduler trigger: ``every 15m``, or a cron expression of five fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

_EVERY = re.compile(r"every\s+(\d{1,6})\s*([smhd])", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LOOK_BACK = tuple(timedelta(seconds=s) for s in (120, 7200, 2 * 86_400, 62 * 86_400, 5 * 366 * 86_400))


class FixedTime(CronTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """A time of day that comes once a day: in the autumn hour that comes twice it fires the first time, as cron does."""

    __slots__ = ()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next slot, None when there is none."""
        at: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        while at is not None and at.fold:
            at = super().get_next_fire_time(None, at.astimezone(UTC) + timedelta(seconds=1))
        return at


def parse(text: str, *, timezone: str = "UTC", field: str = "schedule") -> BaseTrigger:
    """Return the trigger of a schedule. Raise ValueError naming the field, what is wrong and what to write.

    Intervals count from 1970, so that all processes fire at the same moments. Cron expressions follow crontab(5): day 0
    and 7 are Sunday (APScheduler's 0 is Monday), and when both day fields are given either may match.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f'scheduler.timezone is "{timezone}"; give a name such as Europe/Berlin') from None
    every = _EVERY.fullmatch(text.strip())
    if every is not None:
        seconds = int(every[1]) * _UNITS[every[2].lower()]
        if not 1 <= seconds <= 366 * 86_400:
            raise ValueError(f'{field} is "{text}"; give an interval from 1 second to 366 days')
        return IntervalTrigger(seconds=seconds, start_date=_EPOCH, timezone=UTC)
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(
            f'{field} is "{text}"; write "every 15m" or a cron expression of five fields such as "0 6 * * 1"'
        )
    try:
        trigger = _cron(fields, zone)
    except ValueError as error:
        raise ValueError(f'{field} is "{text}": {error}') from None
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError(f'{field} is "{text}", which never comes; check the day and the month')
    return trigger


def next_fire(trigger: BaseTrigger, after: datetime) -> datetime | None:
    """Return the first slot after a moment, in UTC."""
    at: datetime | None = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    return at.astimezone(UTC) if at else None


async def next_times(text: str, after: datetime, *, timezone: str = "UTC", number: int = 5) -> Sequence[datetime]:
    """Return the next slots of a schedule's text after a moment, in UTC. Raise ValueError as ``parse`` does."""
    trigger = parse(text, timezone=timezone)
    found: list[datetime] = []
    at = next_fire(trigger, after)
    while at is not None and len(found) < number:
        found.append(at)
        at = next_fire(trigger, at)
    return found


def last_fire(trigger: BaseTrigger, now: datetime) -> datetime | None:
    """Return the latest slot that is not ahead of now, in UTC; None when there was none in five years."""
    for back in _LOOK_BACK:
        at: datetime | None = trigger.get_next_fire_time(None, now - back)
        if at is None or at > now:
            continue
        if isinstance(trigger, IntervalTrigger):
            steps = (now - _EPOCH) // trigger.interval
            latest: datetime = _EPOCH + steps * trigger.interval
            return latest
        while (following := next_fire(trigger, at)) is not None and following <= now:
            at = following
        return at.astimezone(UTC)
    return None


def _cron(fields: list[str], zone: ZoneInfo) -> BaseTrigger:
    minute, hour, day, month, weekday = fields

    kind = CronTrigger if "*" in hour else FixedTime

    def trigger(day: str, weekday: str) -> CronTrigger:
        return kind(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=zone)

    names = _weekdays(weekday)
    if day.startswith("*") or weekday.startswith("*"):
        return trigger(day, names)
    return OrTrigger([trigger(day, "*"), trigger("*", names)])


def _weekdays(text: str) -> str:
    if text == "*":
        return "*"
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = 0, 6
        else:
            low = _day_number(first)
            high = _day_number(last) if dash else (6 if step else low)
            high = 7 if dash and last.isdigit() and high == 0 and low > 0 else high
        if high < low or (step and not (step.isdigit() and int(step) > 0)):
            raise ValueError(f'the day of the week "{part}" is no range')
        found.update(number % 7 for number in range(low, high + 1, int(step) if step else 1))
    return ",".join(_DAYS[number] for number in sorted(found))


def _day_number(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text) % 7
    raise ValueError(f'the day of the week "{text}" is none; write 0 to 7 (0 and 7 are Sunday) or sun to sat')
