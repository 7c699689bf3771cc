"""Events and metrics over HTTP: one event, many, and what was stored of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from integrations.sandbox.klaviyo import filters, paging, profile_api, shapes
from integrations.sandbox.klaviyo.account import Account
from integrations.sandbox.klaviyo.bodies import read
from integrations.sandbox.klaviyo.errors import Problem, Refused, not_found, of_status, wrong
from integrations.sandbox.klaviyo.events import Event, Metric
from integrations.sandbox.klaviyo.profiles import Profile, check, check_identified
from integrations.sandbox.twin import Ask

Found = tuple[int, dict[str, Any] | None]

_LARGEST, _LONGEST = 5_000_000, 100_000  # bytes of a body, of a text
_MOST_EVENTS, _MOST_PROPERTIES, _LONGEST_METRIC = 1000, 400, 127
_YEAR = 366 * 86_400
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_COMPARED = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
_FILTERS = {
    **dict.fromkeys(("metric_id", "profile_id"), ("equals",)),
    **dict.fromkeys(("datetime", "timestamp"), _COMPARED),
}
_METRIC_FILTERS = {"integration.name": ("equals",), "integration.category": ("equals",)}
_SORTS: dict[str, Callable[[Event], Any]] = dict.fromkeys(("datetime", "timestamp"), lambda event: event.at)
_BULK = "/data/attributes/events-bulk-create/data"


class EventApi:
    """Answers what is asked of events and metrics."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._events = account.events

    def create(self, ask: Ask) -> Found:
        """Take one event: 202 with no body. What becomes of it shows later."""
        _check_size(ask.body)
        attributes = read(ask, shapes.CREATE_EVENT)["data"]["attributes"]
        person = attributes["profile"]["data"]
        problems = [
            *self._problems(attributes, "/data/attributes"),
            *check(person["attributes"], "/data/attributes/profile/data/attributes"),
        ]
        if problems:
            raise Refused(400, *problems)
        check_identified(person.get("id"), person["attributes"], "/data/attributes/profile", "anonymous_id", "_kx")
        meta = person["attributes"].pop("meta", None)
        self._take(self._person(person, meta), attributes)
        return 202, None

    def create_many(self, ask: Ask) -> Found:
        """Take up to a thousand events or none: one that is wrong, or there twice, spoils them all."""
        _check_size(ask.body)
        groups = read(ask, shapes.CREATE_EVENTS)["data"]["attributes"]["events-bulk-create"]["data"]
        if sum(len(group["attributes"]["events"]["data"]) for group in groups) > _MOST_EVENTS:
            raise Refused(400, wrong(f"Cannot create more than {_MOST_EVENTS} events.", _BULK))
        problems = [problem for number, group in enumerate(groups) for problem in self._group(group, number)]
        if problems or (problems := list(_twice(groups))):
            raise Refused(400, *problems)
        for group in groups:
            person = group["attributes"]["profile"]["data"]
            profile = self._person(person, person.get("meta"))
            for event in group["attributes"]["events"]["data"]:
                self._take(profile, event["attributes"])
        return 202, None

    def get(self, ask: Ask) -> Found:
        """Return a stored event."""
        event = self._events.get(ask.match["id"])
        return 200, self._included(ask, paging.single(ask, view(ask, event)), [event])

    def find(self, ask: Ask) -> Found:
        """Return a page of the events stored that pass the filter; the newest first unless told (unconfirmed)."""
        holds = filters.read(ask.query.get("filter"), _FILTERS)
        kept = [event for event in self._events.all() if holds(partial(_held, event))]
        kept = profile_api.sorted_by(ask, kept, _SORTS, "-datetime")
        found = paging.page(ask, kept, lambda event: event.id, usual=200, most=1000)
        return 200, self._included(ask, paging.collection(ask, found, lambda event: view(ask, event)), found.items)

    def metrics(self, ask: Ask) -> Found:
        """Return a page of the metrics."""
        holds = filters.read(ask.query.get("filter"), _METRIC_FILTERS)
        kept = [metric for metric in self._events.metrics() if holds(partial(_of_metric, metric))]
        found = paging.page(ask, kept, lambda metric: metric.id, usual=200, most=200)
        return 200, paging.collection(ask, found, lambda metric: metric_view(ask, metric))

    def metric(self, ask: Ask) -> Found:
        """Return one metric."""
        for metric in self._events.metrics():
            if metric.id == ask.match["id"]:
                return 200, paging.single(ask, metric_view(ask, metric))
        raise not_found("metric", ask.match["id"])

    def _group(self, group: dict[str, Any], number: int) -> Iterator[Problem]:
        at = f"{_BULK}/{number}/attributes"
        person = group["attributes"]["profile"]["data"]
        yield from check(person["attributes"], f"{at}/profile/data/attributes")
        check_identified(person.get("id"), person["attributes"], f"{at}/profile", "anonymous_id", "_kx")
        for place, event in enumerate(group["attributes"]["events"]["data"]):
            yield from self._problems(event["attributes"], f"{at}/events/data/{place}/attributes")

    def _problems(self, attributes: dict[str, Any], pointer: str) -> Iterator[Problem]:
        name = attributes["metric"]["data"]["attributes"]["name"]
        if not 1 <= len(name) <= _LONGEST_METRIC:
            detail = f"The metric name must have from 1 to {_LONGEST_METRIC} characters."
            yield wrong(detail, f"{pointer}/metric/data/attributes/name")
        if len(attributes["properties"]) > _MOST_PROPERTIES:
            yield wrong(f"An event may have at most {_MOST_PROPERTIES} properties.", f"{pointer}/properties")
        if any(len(text.encode()) > _LONGEST for text in _texts(attributes["properties"])):
            yield wrong("A single string cannot be larger than 100KB.", f"{pointer}/properties")
        at = shapes.moment(attributes.get("time"))
        if at is not None and not _EARLIEST <= at <= self._account.world.now() + _YEAR:
            yield wrong("'time' must be after 1990 and at most one year in the future.", f"{pointer}/time")
        currency = attributes.get("value_currency")
        if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            yield wrong(f"'{currency}' is not a valid choice for 'value_currency'.", f"{pointer}/value_currency")

    def _person(self, person: dict[str, Any], meta: dict[str, Any] | None) -> Profile | None:
        """Return whose the event is; None where that fails, of which nobody is told: the answer is 202 already."""
        try:
            return self._account.profiles.upsert(person.get("id"), person["attributes"], meta)[0]
        except Refused:
            return None

    def _take(self, profile: Profile | None, attributes: dict[str, Any]) -> None:
        if profile is None:
            return
        self._events.take(
            profile,
            self._events.metric(attributes["metric"]["data"]["attributes"]["name"]),
            attributes["properties"],
            at=shapes.moment(attributes.get("time")),
            unique_id=attributes.get("unique_id"),
            value=attributes.get("value"),
            currency=attributes.get("value_currency"),
        )

    def _included(self, ask: Ask, document: dict[str, Any], events: Any) -> dict[str, Any]:
        wanted = paging.asked(ask, "include")
        if not wanted:
            return document
        included: dict[tuple[str, str], dict[str, Any]] = {}
        for event in events:
            if "metric" in wanted:
                included["metric", event.metric.id] = metric_view(ask, event.metric)
            if "profile" in wanted:
                for profile in self._account.profiles.known([event.profile_id]):
                    included["profile", profile.id] = profile_api.view(ask, profile)
        return document | {"included": list(included.values())}


def view(ask: Ask, event: Event) -> dict[str, Any]:
    """Return an event as a resource, with whose and of which metric it is."""
    attributes = {
        "timestamp": event.at,
        "event_properties": event.shown,
        "datetime": paging.iso(event.at),
        "uuid": event.uuid,
    }
    found = paging.resource(ask, "event", event.id, attributes, "profile", "metric", "attributions")
    found["relationships"]["profile"]["data"] = {"type": "profile", "id": event.profile_id}
    found["relationships"]["metric"]["data"] = {"type": "metric", "id": event.metric.id}
    return found


def metric_view(ask: Ask, metric: Metric) -> dict[str, Any]:
    """Return a metric as a resource."""
    made = paging.iso(metric.created)
    attributes = {"name": metric.name, "created": made, "updated": made, "integration": dict(metric.integration)}
    return paging.resource(ask, "metric", metric.id, attributes, "flow-triggers")


def _twice(groups: list[dict[str, Any]]) -> Iterator[Problem]:
    """Yield the events of one person and metric that bear the same unique id."""
    seen: set[tuple[str, str, str]] = set()
    for number, group in enumerate(groups):
        person = group["attributes"]["profile"]["data"]
        named = {name: person["attributes"].get(name) for name in ("email", "phone_number", "external_id")}
        whose = str(person.get("id") or named)
        for place, event in enumerate(group["attributes"]["events"]["data"]):
            attributes = event["attributes"]
            unique = attributes.get("unique_id")
            key = (whose, attributes["metric"]["data"]["attributes"]["name"], str(unique))
            if unique and key in seen:
                at = f"{_BULK}/{number}/attributes/events/data/{place}/attributes/unique_id"
                yield wrong(f"The unique_id '{unique}' is there more than once for one profile and metric.", at)
            seen.add(key)


def _held(event: Event, name: str) -> Any:
    match name:
        case "metric_id":
            return event.metric.id
        case "profile_id":
            return event.profile_id
        case _:
            return event.at


def _of_metric(metric: Metric, name: str) -> Any:
    return metric.integration[name.partition(".")[2]]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _check_size(body: bytes) -> None:
    if len(body) > _LARGEST:
        raise of_status(413, "The maximum allowed payload size is 5MB.")
