"""Profiles over HTTP: create, import, update, get, list, and the bulk subscription."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from integrations.sandbox.klaviyo import consents, filters, paging, shapes
from integrations.sandbox.klaviyo.account import SUBSCRIBED_EMAIL, SUBSCRIBED_SMS, Account
from integrations.sandbox.klaviyo.bodies import read
from integrations.sandbox.klaviyo.consents import Consent
from integrations.sandbox.klaviyo.errors import Refused, of_status, wrong, wrong_parameter
from integrations.sandbox.klaviyo.events import INTERNAL
from integrations.sandbox.klaviyo.lists import DOUBLE, List
from integrations.sandbox.klaviyo.profiles import VENDOR, Profile, check, check_identified, check_size
from integrations.sandbox.twin import Ask

Found = tuple[int, dict[str, Any] | None]

_MOST_SUBSCRIBED = 1000
_SAME, _TIME = ("any", "equals"), ("greater-than", "less-than")
_FILTERS = {
    **dict.fromkeys(("id", "email", "phone_number", "external_id"), _SAME),
    "_kx": ("equals",),
    **dict.fromkeys(("created", "updated"), _TIME),
}
_SORTS: dict[str, Callable[[Profile], Any]] = {
    "id": lambda profile: profile.id,
    "created": lambda profile: profile.created,
    "updated": lambda profile: profile.updated,
    "email": lambda profile: profile.fields["email"] or "",
}
_NO_ANALYTICS = dict.fromkeys(
    (
        *("historic_clv", "predicted_clv", "total_clv", "historic_number_of_orders", "predicted_number_of_orders"),
        *("average_days_between_orders", "average_order_value", "churn_probability", "expected_date_of_next_order"),
        "ranked_channel_affinity",
    )
)


class ProfileApi:
    """Answers what is asked of profiles. Setting ``double_opt_in`` (false): what holds where no list is named."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._profiles = account.profiles

    def create(self, ask: Ask) -> Found:
        """Make a profile; 409 when there is one of the same identifier."""
        check_size(ask.body)
        attributes = read(ask, shapes.CREATE_PROFILE)["data"]["attributes"]
        _check(None, attributes)
        return 201, self._single(ask, self._profiles.create(attributes))

    def upsert(self, ask: Ask) -> Found:
        """Make a profile (201) or update the one there is (200)."""
        check_size(ask.body)
        data = read(ask, shapes.IMPORT_PROFILE)["data"]
        id, attributes = data.get("id"), data["attributes"]
        _check(id, attributes)
        profile, made = self._profiles.upsert(id, attributes, data.get("meta"))
        return 201 if made else 200, self._single(ask, profile)

    def update(self, ask: Ask) -> Found:
        """Update a profile by its id, which the body must repeat."""
        check_size(ask.body)
        profile = self._profiles.get(ask.match["id"])
        data = read(ask, shapes.UPDATE_PROFILE)["data"]
        if data["id"] != profile.id:
            raise of_status(409, "The id of the body is not that of the address.")  # words unconfirmed
        _check(profile.id, data["attributes"])
        self._profiles.update(profile, data["attributes"], data.get("meta"))
        return 200, self._single(ask, profile)

    def get(self, ask: Ask) -> Found:
        """Return a profile, with its lists when they are to be included."""
        profile = self._profiles.get(ask.match["id"])
        found = self._single(ask, profile)
        if "lists" in paging.asked(ask, "include"):
            found["included"] = [
                list_view(ask, found) for found in self._account.lists.all() if profile.id in found.members
            ]
        return 200, found

    def find(self, ask: Ask) -> Found:
        """Return a page of the profiles that pass the filter."""
        holds = filters.read(ask.query.get("filter"), _FILTERS)
        kept = [profile for profile in self._profiles.all() if holds(partial(_held, profile))]
        kept = sorted_by(ask, kept, _SORTS, "created")
        found = paging.page(ask, kept, lambda profile: profile.id, usual=20, most=100)
        return 200, paging.collection(ask, found, lambda profile: view(ask, profile))

    def subscribe(self, ask: Ask) -> Found:
        """Take a bulk subscription: 202, and consent where no mail has to be answered first."""
        data = read(ask, shapes.SUBSCRIBE)["data"]
        attributes = data["attributes"]
        people = attributes["profiles"]["data"]
        if len(people) > _MOST_SUBSCRIBED:
            raise Refused(400, wrong(f"Cannot subscribe more than {_MOST_SUBSCRIBED} profiles.", _PEOPLE))
        historical = bool(attributes.get("historical_import"))
        problems = [
            problem
            for number, person in enumerate(people)
            for problem in self._subscription(person, f"{_PEOPLE}/{number}/attributes", historical)
        ]
        if problems:
            raise Refused(400, *problems)
        named = ((data.get("relationships") or {}).get("list") or {}).get("data")
        chosen = self._account.lists.get(named["id"]) if named else None
        for person in people:
            self._subscribe(person, chosen, historical)
        return 202, None

    def _subscription(self, person: dict[str, Any], pointer: str, historical: bool) -> list[Any]:
        attributes = person["attributes"]
        found = check(attributes, pointer)
        for channel, needed in (("email", "email"), ("sms", "phone_number")):
            if not attributes["subscriptions"].get(channel):
                continue
            if not attributes.get(needed) and not person.get("id"):
                detail = f"'{needed}' must not be empty when the {channel} channel is included in 'subscriptions'."
                found.append(wrong(detail, f"{pointer}/{needed}"))
            marketing = attributes["subscriptions"][channel].get("marketing")
            consented = shapes.moment((marketing or {}).get("consented_at"))
            if historical and marketing and (consented is None or consented > self._account.world.now()):
                detail = "'consented_at' is required and must be in the past when 'historical_import' is true."
                found.append(wrong(detail, f"{pointer}/subscriptions/{channel}/marketing/consented_at"))
        if not found:
            check_identified(person.get("id"), attributes, pointer)
        return found

    def _subscribe(self, person: dict[str, Any], chosen: List | None, historical: bool) -> None:
        account, attributes = self._account, person["attributes"]
        named = {name: attributes[name] for name in ("email", "phone_number") if attributes.get(name)}
        try:
            profile, _ = self._profiles.upsert(person.get("id"), named)
        except Refused:
            return  # what fails after 202 nobody is told of
        double = chosen.opt_in == DOUBLE if chosen else bool(account.world.setting(VENDOR, "double_opt_in", False))
        if double and not historical:
            return  # a mail asks them to confirm; nobody answers it here
        if chosen is not None:
            account.lists.add(chosen, profile.id)
        now = account.world.now()
        for channel, metric in (("email", SUBSCRIBED_EMAIL), ("sms", SUBSCRIBED_SMS)):
            marketing = (attributes["subscriptions"].get(channel) or {}).get("marketing")
            if not marketing or channel in profile.consents:
                continue
            at = shapes.moment(marketing.get("consented_at")) or now
            list_id = chosen.id if chosen else None
            self._profiles.consent(profile, channel, Consent(at=at, noted=now, list_id=list_id))
            listed = {} if chosen is None else {"List": chosen.name}
            account.events.take(profile, account.events.metric(metric, INTERNAL), listed, own=True)

    def _single(self, ask: Ask, profile: Profile) -> dict[str, Any]:
        return paging.single(ask, view(ask, profile))


_PEOPLE = "/data/attributes/profiles/data"


def view(ask: Ask, profile: Profile, joined: float | None = None) -> dict[str, Any]:
    """Return a profile as a resource; ``joined`` is when it came onto the list it is shown as a member of."""
    more = paging.asked(ask, "additional-fields[profile]")
    attributes: dict[str, Any] = {
        **profile.fields,
        "created": paging.iso(profile.created),
        "updated": paging.iso(profile.updated),
        "last_event_date": None if profile.last_event is None else paging.iso(profile.last_event),
        "location": dict(profile.location),
        "properties": dict(profile.properties),
    }
    if joined is not None:
        attributes["joined_group_at"] = paging.iso(joined)
    if "subscriptions" in more:
        attributes["subscriptions"] = consents.view(profile.consents)
    if "predictive_analytics" in more:
        attributes["predictive_analytics"] = dict(_NO_ANALYTICS)
    return paging.resource(ask, "profile", profile.id, attributes, "lists", "segments", "push-tokens")


def list_view(ask: Ask, found: List) -> dict[str, Any]:
    """Return a list as a resource."""
    attributes: dict[str, Any] = {
        "name": found.name,
        "created": paging.iso(found.created),
        "updated": paging.iso(found.updated),
        "opt_in_process": found.opt_in,
    }
    if "profile_count" in paging.asked(ask, "additional-fields[list]"):
        attributes["profile_count"] = len(found.members)
    return paging.resource(ask, "list", found.id, attributes, "profiles", "tags", "flow-triggers")


def sorted_by(ask: Ask, items: list[Any], ways: dict[str, Callable[[Any], Any]], usual: str) -> list[Any]:
    """Return the items in the order asked for; raises ``Refused`` 400 for one there is not."""
    given = ask.query.get("sort", usual)
    if given.lstrip("-") not in ways:
        raise wrong_parameter(f"'{given}' is not a valid sort.", "sort")
    return sorted(items, key=ways[given.lstrip("-")], reverse=given.startswith("-"))


def _held(profile: Profile, name: str) -> Any:
    match name:
        case "id":
            return profile.id
        case "created":
            return profile.created
        case "updated":
            return profile.updated
        case _:
            return profile.fields.get(name)


def _check(id: str | None, attributes: dict[str, Any]) -> None:
    problems = check(attributes, "/data/attributes")
    if problems:
        raise Refused(400, *problems)
    check_identified(id, attributes, "/data/attributes")
