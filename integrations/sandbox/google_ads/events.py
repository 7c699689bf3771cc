"""The Data Manager API: events accepted now and processed later, and what became of them.

The answer says that the request was accepted. What became of its events is told by the request's status, half an hour
later; an event that is a duplicate, too old or without a click is an error there and nowhere else. The ledger has the
effect when the request is accepted.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.google_ads.conversions import Conversion, Conversions
from integrations.sandbox.google_ads.errors import EventsRefused
from integrations.sandbox.google_ads.event_checks import violations
from integrations.sandbox.google_ads.messages import moment
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

_KEPT = 30 * 86_400.0
_DENIED = "PROCESSING_ERROR_REASON_DENIED_CONSENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one destination got: how many events, and by reason the places in the request of those refused."""

    destination: Mapping[str, Any]
    count: int
    refused: Mapping[str, list[int]]

    def json(self, *, done: bool) -> dict[str, Any]:
        """Return the status of the destination."""
        shown: dict[str, Any] = {"destination": dict(self.destination), "requestStatus": "PROCESSING"}
        if not done:
            return shown
        bad = sum(len(places) for places in self.refused.values())
        shown["requestStatus"] = "SUCCESS" if not bad else "FAILED" if bad == self.count else "PARTIAL_SUCCESS"
        if bad:
            counts = [
                {"recordCount": str(len(places)), "reason": reason, "recordIndices": places}
                for reason, places in sorted(self.refused.items())
            ]
            shown["errorInfo"] = {"errorCounts": counts}
        return shown | {"eventsIngestionStatus": {"recordCount": str(self.count)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A request that was accepted at a moment (Unix seconds)."""

    at: float
    delivered: tuple[Delivered, ...]


class Events:
    """The requests accepted in the last thirty days.

    Settings: ``processing_seconds`` (1800; how long a request is being processed).
    """

    def __init__(self, world: World, conversions: Conversions) -> None:
        self._world = world
        self._conversions = conversions
        self._accepted: dict[str, Accepted] = {}

    def __repr__(self) -> str:
        return f"<Events {len(self._accepted)} requests accepted>"

    def take(self, request: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """Accept a request and return the answer; raises ``EventsRefused`` for any event that is wrong."""
        found = violations(self._world, request)
        if found:
            raise EventsRefused(found)
        if not request.get("validateOnly"):
            delivered = tuple(self._deliver(destination, request) for destination in request["destinations"])
            self._accepted[request_id] = Accepted(at=self._world.now(), delivered=delivered)
        return {"requestId": request_id}

    def status(self, request_id: str) -> dict[str, Any]:
        """Return what became of a request; raises ``EventsRefused`` for one that was not accepted."""
        now = self._world.now()
        if not request_id:
            raise EventsRefused([("request_id", "Required field is missing.", "REQUIRED_FIELD_MISSING")])
        accepted = self._accepted.get(request_id)
        if accepted is None or now >= accepted.at + _KEPT:
            sentence = "The request ID used to retrieve the status of a request is not valid."
            raise EventsRefused([("request_id", sentence, "INVALID_REQUEST_ID")])
        done = now >= accepted.at + float(self._world.setting(VENDOR, "processing_seconds", 1800))
        return {"requestStatusPerDestination": [one.json(done=done) for one in accepted.delivered]}

    def _deliver(self, destination: Mapping[str, Any], request: Mapping[str, Any]) -> Delivered:
        count, refused = 0, dict[str, list[int]]()
        for place, event in enumerate(request["events"]):
            references = event.get("destinationReferences")
            if references and destination.get("reference") not in references:
                continue
            count += 1
            consent = {**request.get("consent", {}), **event.get("consent", {})}
            one = _conversion(destination, event)
            refusal = self._conversions.refusal(one)
            if consent.get("adUserData") == "CONSENT_DENIED":
                refused.setdefault(_DENIED, []).append(place)
            elif refusal is not None:
                refused.setdefault(refusal.processing, []).append(place)
            else:
                self._conversions.count(one)
        return Delivered(destination=destination, count=count, refused=refused)


def request_id(draw_bits: int) -> str:
    """Return the id of a request, made of 128 random bits."""
    return f"t-{uuid.UUID(int=draw_bits, version=4)}"


def _conversion(destination: Mapping[str, Any], event: Mapping[str, Any]) -> Conversion:
    at, clicks = moment(event["eventTimestamp"]), event.get("adIdentifiers", {})
    if at is None:  # the body was read as the message, so that it is a time
        raise ValueError("The event has no time.")
    return Conversion(
        customer=destination["operatingAccount"]["accountId"],
        action=destination["productDestinationId"],
        click=next((clicks[name] for name in ("gclid", "gbraid", "wbraid", "dclid") if clicks.get(name)), ""),
        order=event.get("transactionId", ""),
        at=at,
        value=event.get("conversionValue"),
        currency=event.get("currency", ""),
    )
