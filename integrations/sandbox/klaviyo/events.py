"""What people did, by metric. An event is taken first and stored a moment later; of equals the first one stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from integrations.sandbox.klaviyo.errors import not_found
from integrations.sandbox.klaviyo.ids import PLAIN, Ids
from integrations.sandbox.klaviyo.profiles import VENDOR, Profile
from integrations.sandbox.twin import World

API = {"object": "integration", "id": "7FtS4J", "name": "API", "category": "API"}
INTERNAL = {"object": "integration", "id": "0rG4eQ", "name": "Klaviyo", "category": "Internal"}
_KEPT = 50_000  # a demo that runs for weeks must not grow without end


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A kind of event. ``created`` is Unix seconds."""

    id: str
    name: str
    created: float
    integration: Mapping[str, Any] = field(default_factory=lambda: API)

    @property
    def topic(self) -> str:
        """Return the webhook topic of its events; a space and all that is no letter or digit becomes "_"."""
        plain = "".join(sign if sign.isalnum() else "_" for sign in self.name.lower())
        return f"event:{'klaviyo' if self.integration is INTERNAL else 'api'}.{plain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing one person did. ``at`` is when they did it, ``stored`` from when on it can be read (Unix seconds)."""

    id: str
    profile_id: str
    metric: Metric
    at: int
    stored: float
    unique_id: str
    properties: dict[str, Any]
    value: Decimal | int | None = None
    currency: str | None = None

    @property
    def uuid(self) -> str:
        """Return the event's other name."""
        return str(uuid5(NAMESPACE_URL, f"{VENDOR}:{self.id}"))

    @property
    def shown(self) -> dict[str, Any]:
        """Return its properties as they are read back; that of the currency bears an unconfirmed name."""
        special: dict[str, Any] = {"$event_id": self.unique_id}
        if self.value is not None:
            special["$value"] = self.value
        if self.currency is not None:
            special["$value_currency"] = self.currency
        return {**self.properties, **special}


class Events:
    """Keeps metrics and events.

    Settings: ``processing_seconds`` (1), ``lost_events`` ([]: names of metrics whose events are taken with 202 and never
    stored, as when a check that runs later fails).
    """

    def __init__(self, world: World, ids: Ids) -> None:
        self._world = world
        self._ids = ids
        self._metrics: dict[str, Metric] = {}  # name -> metric
        self._events: dict[str, Event] = {}
        self._seen: set[tuple[str, str, str]] = set()  # (profile, metric, unique id)

    def __repr__(self) -> str:
        return f"<Events {len(self._events)} of {len(self._metrics)} metrics>"

    def metrics(self) -> list[Metric]:
        """Return all metrics, the oldest first."""
        return list(self._metrics.values())

    def metric(self, name: str, integration: Mapping[str, Any] = API) -> Metric:
        """Return the metric of a name, made when there is none."""
        if name not in self._metrics:
            id = self._ids.make(PLAIN, 6)
            self._metrics[name] = Metric(id=id, name=name, created=self._world.now(), integration=integration)
        return self._metrics[name]

    def all(self) -> list[Event]:
        """Return what has been stored, in the order it was."""
        now = self._world.now()
        return [event for event in self._events.values() if event.stored <= now]

    def get(self, id: str) -> Event:
        """Return a stored event; raises ``Refused`` 404."""
        found = self._events.get(id)
        if found is None or found.stored > self._world.now():
            raise not_found("event", id)
        return found

    def take(
        self,
        profile: Profile,
        metric: Metric,
        properties: dict[str, Any],
        *,
        at: float | None = None,
        unique_id: str | None = None,
        value: Decimal | int | None = None,
        currency: str | None = None,
        own: bool = False,
    ) -> None:
        """Take an event. Without a unique id it bears its second: a second one in it is taken and is not stored.

        ``own`` is one of Klaviyo's own, which is nobody's effect.
        """
        now = self._world.now()
        when = int(now if at is None else at)
        unique = unique_id or str(when)
        key = (profile.id, metric.id, unique)
        if key in self._seen or metric.name in self._world.setting(VENDOR, "lost_events", []):
            return
        self._seen.add(key)
        id = self._ids.make(PLAIN, 11)
        self._events[id] = Event(
            id=id,
            profile_id=profile.id,
            metric=metric,
            at=when,
            stored=now + float(self._world.setting(VENDOR, "processing_seconds", 1)),
            unique_id=unique,
            properties=properties,
            value=value,
            currency=currency,
        )
        profile.last_event = max(float(when), profile.last_event or 0.0)
        if len(self._events) > _KEPT:
            old = self._events.pop(next(iter(self._events)))
            self._seen.discard((old.profile_id, old.metric.id, old.unique_id))
        if not own:
            amount = None if value is None else f"{Decimal(value):f} {currency or ''}".strip()
            self._world.ledger.effect(vendor=VENDOR, kind="event", reference=unique_id or "", id=id, amount=amount)
