"""A query's answer: which rows there are and what is in them.

Resources played are ``campaign`` and ``customer``; the fields are those of fields.py, any other is refused as unknown.
A row that is cut by a segment and delivered nothing is left out; without segments every campaign has its row. Days are
those of the customer's time zone, and the last ones change until they are settled.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from integrations.sandbox.advertising import Campaign, age, days, delivery, local_day
from integrations.sandbox.google_ads.accounts import Customer
from integrations.sandbox.google_ads.dates import CORE, SEGMENTS, during, period, read_date
from integrations.sandbox.google_ads.errors import query_error
from integrations.sandbox.google_ads.fields import BOOL, DATE, DOUBLE, FIELDS, INT32, INT64, RESOURCES, Row, Sums, shown
from integrations.sandbox.google_ads.grammar import Condition, Query
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

_ALL_TIME, _OLDEST = timedelta(days=365), timedelta(days=1100)  # no account here is older
_NUMBERS = (INT64, INT32, DOUBLE)
_COMPARED = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The days of a query, both included; None where it sets no bound."""

    since: date | None = None
    until: date | None = None

    def within(self, since: date | None, until: date | None) -> Range:
        """Return the range cut to another."""
        starts = [day for day in (self.since, since) if day]
        ends = [day for day in (self.until, until) if day]
        return Range(since=max(starts, default=None), until=min(ends, default=None))


def rows(world: World, customer: Customer, query: Query) -> list[dict[str, Any]]:
    """Return all rows in their order; raises ``AdsRefused`` for what cannot be asked."""
    today = local_day(world.now(), customer.time_zone)
    _check(query, customer)
    wanted = _range(query, today)
    segments = [name.partition(".")[2] for name in query.fields if name.startswith("segments.")]
    filters = [one for one in query.conditions if not _bounds(one)]
    found = [
        row
        for row in _gathered(world, customer, query, segments, wanted, today)
        if (not segments or row.sums.impressions) and all(_passes(row, one) for one in filters)
    ]
    for name, descending in reversed(query.order):
        found.sort(key=lambda row, name=name: FIELDS[name].value(row) or 0, reverse=descending)  # type: ignore[misc]
    return [shown(row, query.fields) for row in found[: query.limit]]


def _gathered(
    world: World, customer: Customer, query: Query, segments: list[str], wanted: Range, today: date
) -> list[Row]:
    until = min(wanted.until or today, today)
    span = days(max(wanted.since or until - _ALL_TIME, today - _OLDEST), until)
    measured = any(name.startswith("metrics.") for name in (*query.fields, *_mentioned(query))) or bool(segments)
    now = world.now()
    found: dict[tuple[Campaign | None, tuple[str | int, ...]], Row] = {}
    for campaign in customer.campaigns if query.resource == "campaign" else (None,):
        if not segments:
            found[campaign, ()] = Row(customer=customer, campaign=campaign)
        for day in span if measured else ():
            key = tuple(SEGMENTS[name](day) for name in segments)
            row = found.get((campaign, key))
            if row is None:
                row = Row(customer=customer, campaign=campaign, segments=dict(zip(segments, key, strict=True)))
                found[campaign, key] = row
            for one in customer.campaigns if campaign is None else (campaign,):
                _add(row.sums, world, customer, one, day, now)
    return list(found.values())


def _add(sums: Sums, world: World, customer: Customer, campaign: Campaign, day: date, now: float) -> None:
    done = delivery(
        world.seed,
        VENDOR,
        customer.id,
        campaign,
        day,
        currency=customer.currency,
        age=age(day, now, customer.time_zone),
    )
    if done is not None:
        sums.cost += done.cost
        sums.impressions += done.impressions
        sums.clicks += done.clicks
        sums.sales += done.sales
        sums.sales_value += done.sales_value


def _check(query: Query, customer: Customer) -> None:
    """Refuse what the fields and the resource do not allow."""
    if query.resource not in RESOURCES:
        raise query_error(
            "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE",
            f"Error in FROM clause: '{query.resource}' is not a valid resource name.",
            query.resource,
        )
    for name in (*query.fields, *_mentioned(query)):
        resource = name.partition(".")[0]
        if name not in FIELDS:
            raise query_error("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{name}'.", name)
        if resource not in (*RESOURCES[query.resource], "segments", "metrics"):
            where = "SELECT" if name in query.fields else "WHERE"
            raise query_error(
                f"PROHIBITED_RESOURCE_TYPE_IN_{where}_CLAUSE",
                f"Resource '{resource}' cannot be used with FROM {query.resource}.",
                name,
            )
        if resource == "metrics" and customer.manager:
            raise query_error(
                "REQUESTED_METRICS_FOR_MANAGER",
                "Metrics cannot be requested for a manager account. To retrieve metrics, issue separate requests against "
                "each client account under the manager account.",
            )
    unselected = [one.field for one in query.conditions if one.field == "segments.day_of_week"]
    unselected += [name for name, _ in query.order if name.startswith(("segments.", "metrics."))]
    for name in unselected:
        if name not in query.fields:
            raise query_error(
                "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", f"'{name}' must be in the SELECT clause.", name
            )


def _mentioned(query: Query) -> list[str]:
    return [*(one.field for one in query.conditions), *(name for name, _ in query.order)]


def _bounds(condition: Condition) -> bool:
    return condition.field.startswith("segments.") and condition.field.partition(".")[2] in CORE


def _range(query: Query, today: date) -> Range:
    """Return the days of a query, which must have both ends where a day is selected or bounded."""
    found = Range()
    conditions = [one for one in query.conditions if _bounds(one)]
    for one in conditions:
        found = found.within(*_span(one, today))
    selected = any(name.startswith("segments.") and name[9:] in CORE for name in query.fields)
    if (conditions or selected) and (found.since is None or found.until is None):
        raise query_error(
            "EXPECTED_FILTERS_ON_DATE_RANGE", "Filters on date range are required, with a start date and an end date."
        )
    return found


def _span(condition: Condition, today: date) -> tuple[date | None, date | None]:
    """Return the days one condition allows."""
    segment = condition.field.partition(".")[2]
    if condition.operator == "DURING":
        named = during(condition.values[0], today) if segment == "date" else None
        if named is None:
            raise query_error("INVALID_VALUE_WITH_DURING_OPERATOR", "Invalid date literal.", condition.values[0])
        return named
    if segment == "year":
        return _years(condition)
    found = [read_date(text) for text in condition.values]
    if None in found:
        bad = condition.values[found.index(None)]
        code = "INVALID_VALUE_WITH_BETWEEN_OPERATOR" if condition.operator == "BETWEEN" else "BAD_VALUE"
        raise query_error(code, f"Invalid date '{bad}', expected the form YYYY-MM-DD.", bad)
    first, last = found[0], found[-1]
    if first is not None and segment != "date":
        whole = period(segment, first) if condition.operator == "=" else None
        if whole is None:
            raise query_error(
                "MISALIGNED_DATE_FOR_FILTER", f"'{first}' is not the first day of a {segment}.", condition.values[0]
            )
        return whole
    day = timedelta(days=1)
    match condition.operator:
        case "=" | "BETWEEN":
            return first, last
        case ">=":
            return first, None
        case "<=":
            return None, first
        case ">" if first:
            return first + day, None
        case "<" if first:
            return None, first - day
    raise _mismatch(condition)


def _years(condition: Condition) -> tuple[date, date]:
    if condition.operator != "=" or not re.fullmatch(r"\d{4}", condition.values[0]):
        raise _mismatch(condition)
    year = int(condition.values[0])
    return date(year, 1, 1), date(year, 12, 31)


def _passes(row: Row, condition: Condition) -> bool:
    one = FIELDS[condition.field]
    have = one.value(row)
    match condition.operator:
        case "IS NULL":
            return have is None
        case "IS NOT NULL":
            return have is not None
        case "LIKE" | "NOT LIKE":
            if one.kind != "string":
                raise _mismatch(condition)
            pattern = ".*".join(re.escape(part) for part in condition.values[0].split("%"))
            return bool(re.fullmatch(pattern, str(have), re.IGNORECASE)) is (condition.operator == "LIKE")
        case "DURING" | "BETWEEN":
            raise _mismatch(condition)
    wanted = [_read(condition, one.kind, text) for text in condition.values]
    match condition.operator:
        case "IN":
            return have in wanted
        case "NOT IN":
            return have not in wanted
        case "=":
            return bool(have == wanted[0])
        case "!=":
            return bool(have != wanted[0])
    if one.kind not in _NUMBERS:
        raise _mismatch(condition)
    return bool(_COMPARED[condition.operator](have, wanted[0]))


def _read(condition: Condition, kind: str | tuple[str, ...], text: str) -> Any:
    """Return a value of a condition as the field's kind has it."""
    if isinstance(kind, tuple):
        if text not in (*kind, "UNKNOWN", "UNSPECIFIED"):
            raise query_error("BAD_ENUM_CONSTANT", f"Invalid enum value '{text}' in WHERE clause.", text)
        return text
    if kind in _NUMBERS:
        if not re.fullmatch(r"-?\d+(\.\d+)?", text):
            raise query_error("BAD_NUMBER", f"Invalid number '{text}' in WHERE clause of {condition.field}.", text)
        return float(text) if "." in text else int(text)
    if kind == BOOL:
        return text.lower() == "true"
    return read_date(text) if kind == DATE else text


def _mismatch(condition: Condition) -> Exception:
    sentence = f"Operator '{condition.operator}' cannot be used with '{condition.field}'."
    return query_error("OPERATOR_FIELD_MISMATCH", sentence, condition.operator)
