"""The people of the account: who is meant by an identifier, and what is known of them.

E-mail addresses are one person's whatever their case. Of ``patch_properties`` all is played, of ``patch_identifiers``
nothing: a profile has one address here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.klaviyo.consents import Consent
from integrations.sandbox.klaviyo.errors import Problem, Refused, duplicate, not_found, of_status, wrong
from integrations.sandbox.klaviyo.ids import Ids
from integrations.sandbox.klaviyo.shapes import LOCATION, PROFILE
from integrations.sandbox.twin import World

VENDOR = "klaviyo"
IDENTIFIERS = ("email", "phone_number", "external_id")
_PLAIN = tuple(name for name in PROFILE if name not in ("location", "properties"))
_ID_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, as in a ULID
_EMAIL = re.compile(r"[^@\s,;<>\"()]+@[^@\s,;<>\"()]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_KEPT = 50_000  # a demo that runs for weeks must not grow without end


@dataclass(slots=True, kw_only=True)
class Profile:
    """One person. Times are Unix seconds."""

    id: str
    created: float
    updated: float
    fields: dict[str, Any]  # the plain ones, None where not known
    location: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(LOCATION))
    properties: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)  # "email", "sms" … -> consent to marketing
    last_event: float | None = None


class Profiles:
    """Keeps the profiles and finds them by id or identifier."""

    def __init__(self, world: World, ids: Ids) -> None:
        self._world = world
        self._ids = ids
        self._profiles: dict[str, Profile] = {}
        self._known: dict[tuple[str, str], str] = {}  # (identifier, value) -> id

    def __repr__(self) -> str:
        return f"<Profiles {len(self._profiles)}>"

    def all(self) -> list[Profile]:
        """Return all profiles, the oldest first."""
        return list(self._profiles.values())

    def get(self, id: str) -> Profile:
        """Return a profile by its id; raises ``Refused`` 404."""
        found = self._profiles.get(id)
        if found is None:
            raise not_found("profile", id)
        return found

    def known(self, ids: Iterable[str]) -> list[Profile]:
        """Return the profiles of these ids that there are."""
        return [self._profiles[id] for id in ids if id in self._profiles]

    def find(self, attributes: Mapping[str, Any]) -> list[Profile]:
        """Return the different profiles that bear one of the identifiers, in the order the identifiers are tried."""
        found: dict[str, Profile] = {}
        for name in IDENTIFIERS:
            id = self._known.get(_key(name, attributes.get(name)))
            if id is not None:
                found.setdefault(id, self._profiles[id])
        return list(found.values())

    def create(self, attributes: Mapping[str, Any]) -> Profile:
        """Make a profile; raises ``Refused`` 409 when one bears an identifier already."""
        for other in self.find(attributes):
            raise duplicate(other.id)
        now = self._world.now()
        made = Profile(id=self._new_id(), created=now, updated=now, fields=dict.fromkeys(_PLAIN))
        self._profiles[made.id] = made
        self._write(made, attributes, {})
        self._effect(made)
        if len(self._profiles) > _KEPT:
            self._forget(next(iter(self._profiles)))
        return made

    def update(self, profile: Profile, attributes: Mapping[str, Any], patches: Mapping[str, Any] | None = None) -> None:
        """Write what is given: null clears, what is left out stays. Raises ``Refused`` 409 for another's identifier."""
        for other in self.find(attributes):
            if other is not profile:
                raise duplicate(other.id)
        if self._write(profile, attributes, patches or {}):
            profile.updated = self._world.now()
            self._effect(profile)

    def upsert(
        self, id: str | None, attributes: Mapping[str, Any], patches: Mapping[str, Any] | None = None
    ) -> tuple[Profile, bool]:
        """Return the profile meant, made or updated, and whether it was made.

        With an id, an identifier of somebody else's is answered 404, not 409; without one, identifiers of two people
        are a conflict.
        """
        if id:
            profile = self.get(id)
            if any(other is not profile for other in self.find(attributes)):
                raise not_found("profile", id)
            self.update(profile, attributes, patches)
            return profile, False
        found = self.find(attributes)
        if len(found) > 1:
            raise duplicate(found[1].id)
        if found:
            self.update(found[0], attributes, patches)
            return found[0], False
        return self.create(attributes), True

    def consent(self, profile: Profile, channel: str, consent: Consent) -> None:
        """Note a person's consent; the same once more changes nothing."""
        held = profile.consents.get(channel)
        if held is not None and held.state == consent.state:
            return
        profile.consents[channel] = consent
        profile.updated = self._world.now()
        self._effect(profile)

    def _write(self, profile: Profile, attributes: Mapping[str, Any], patches: Mapping[str, Any]) -> bool:
        before = (dict(profile.fields), dict(profile.location), dict(profile.properties))
        for name in _PLAIN:
            if name in attributes:
                self._set(profile, name, attributes[name])
        if "location" in attributes:
            given = attributes["location"]
            profile.location |= dict.fromkeys(LOCATION) if given is None else given
        if "properties" in attributes:
            given = attributes["properties"]
            profile.properties = {} if given is None else {**profile.properties, **given}
        _patch(profile.properties, patches.get("patch_properties") or {})
        return before != (profile.fields, profile.location, profile.properties)

    def _set(self, profile: Profile, name: str, value: Any) -> None:
        if name in IDENTIFIERS:
            self._known.pop(_key(name, profile.fields[name]), None)
            if value:
                self._known[_key(name, value)] = profile.id
        profile.fields[name] = value or None

    def _forget(self, id: str) -> None:
        gone = self._profiles.pop(id)
        for name in IDENTIFIERS:
            self._known.pop(_key(name, gone.fields[name]), None)

    def _effect(self, profile: Profile) -> None:
        self._world.ledger.effect(
            vendor=VENDOR, kind="profile", reference=profile.fields["external_id"] or "", id=profile.id
        )

    def _new_id(self) -> str:
        return "01" + self._ids.make(_ID_SIGNS, 24)


def check(attributes: Mapping[str, Any], pointer: str) -> list[Problem]:
    """Return what is wrong with identifiers, in recorded words."""
    found = []
    email, phone = attributes.get("email"), attributes.get("phone_number")
    if email and not _EMAIL.fullmatch(email):
        found.append(wrong("Invalid email address", f"{pointer}/email"))
    if phone and not _PHONE.fullmatch(phone):
        detail = "Invalid phone number format (Example of a valid format: +12345678901)"
        found.append(wrong(detail, f"{pointer}/phone_number"))
    return found


def check_identified(id: str | None, attributes: Mapping[str, Any], pointer: str, *also: str) -> None:
    """Raise ``Refused`` 400 unless somebody is meant (words unconfirmed); ``also`` are more identifiers that will do."""
    if not id and not any(attributes.get(name) for name in (*IDENTIFIERS, *also)):
        names = ", ".join(("id", *IDENTIFIERS, *also))
        raise Refused(400, wrong(f"At least one identifier is required: {names}.", pointer))


def check_size(body: bytes) -> None:
    """Raise ``Refused`` 413 for a profile of more than 100 KB."""
    if len(body) > 100_000:
        raise of_status(413, "The maximum allowed payload size is 100KB.")


def _key(name: str, value: Any) -> tuple[str, str]:
    text = str(value or "")
    return name, text.lower() if name == "email" else text


def _patch(properties: dict[str, Any], patches: Mapping[str, Any]) -> None:
    unset = patches.get("unset") or ()
    for name in (unset,) if isinstance(unset, str) else unset:
        properties.pop(name, None)
    for name, value in (patches.get("append") or {}).items():
        held = properties.get(name, [])
        properties[name] = [*(held if isinstance(held, list) else [held]), value]
    for name, value in (patches.get("unappend") or {}).items():
        held = properties.get(name)
        if isinstance(held, list):
            properties[name] = [item for item in held if item != value]
