"""Lists and who is on them, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from integrations.sandbox.klaviyo import filters, paging, shapes
from integrations.sandbox.klaviyo.account import Account
from integrations.sandbox.klaviyo.bodies import read
from integrations.sandbox.klaviyo.errors import Refused, wrong
from integrations.sandbox.klaviyo.lists import SINGLE, List
from integrations.sandbox.klaviyo.profile_api import list_view, sorted_by, view
from integrations.sandbox.klaviyo.profiles import Profile
from integrations.sandbox.twin import Ask

Found = tuple[int, dict[str, Any] | None]

_MOST = 1000
_SAME, _COMPARED = ("any", "equals"), ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
_FILTERS = {"name": _SAME, "id": _SAME, "created": ("greater-than",), "updated": ("greater-than",)}
_MEMBER_FILTERS = {"email": _SAME, "phone_number": _SAME, "joined_group_at": _COMPARED}
_SORTS: dict[str, Callable[[List], Any]] = {
    "created": lambda found: found.created,
    "id": lambda found: found.id,
    "name": lambda found: found.name,
    "updated": lambda found: found.updated,
}

Member = tuple[Profile, float]


class ListApi:
    """Answers what is asked of lists."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lists = account.lists

    def create(self, ask: Ask) -> Found:
        """Make a list; without an opt-in process it asks once (the account's own default is not played)."""
        attributes = read(ask, shapes.CREATE_LIST)["data"]["attributes"]
        if not attributes["name"].strip():
            raise Refused(400, wrong("'name' may not be blank.", "/data/attributes/name"))
        made = self._lists.create(attributes["name"], attributes.get("opt_in_process") or SINGLE)
        return 201, paging.single(ask, list_view(ask, made))

    def find(self, ask: Ask) -> Found:
        """Return a page of the lists, ten at most."""
        holds = filters.read(ask.query.get("filter"), _FILTERS)
        kept = [found for found in self._lists.all() if holds(partial(getattr, found))]
        kept = sorted_by(ask, kept, _SORTS, "created")
        page = paging.page(ask, kept, lambda found: found.id, usual=10, most=10)
        return 200, paging.collection(ask, page, lambda found: list_view(ask, found))

    def get(self, ask: Ask) -> Found:
        """Return a list."""
        return 200, paging.single(ask, list_view(ask, self._lists.get(ask.match["id"])))

    def delete(self, ask: Ask) -> Found:
        """Forget a list."""
        self._lists.delete(ask.match["id"])
        return 204, None

    def add(self, ask: Ask) -> Found:
        """Put profiles on a list; 404 when one of them is not there, and then none is put on it."""
        found, profiles = self._named(ask)
        for profile in profiles:
            self._lists.add(found, profile.id)
        return 204, None

    def remove(self, ask: Ask) -> Found:
        """Take profiles off a list."""
        found, profiles = self._named(ask)
        for profile in profiles:
            self._lists.remove(found, profile.id)
        return 204, None

    def members(self, ask: Ask) -> Found:
        """Return a page of the profiles on a list."""
        page = self._members(ask)
        return 200, paging.collection(ask, page, lambda member: view(ask, member[0], member[1]))

    def member_ids(self, ask: Ask) -> Found:
        """Return a page of the ids of the profiles on a list."""
        page = self._members(ask)
        return 200, paging.collection(ask, page, lambda member: {"type": "profile", "id": member[0].id})

    def _named(self, ask: Ask) -> tuple[List, list[Profile]]:
        found = self._lists.get(ask.match["id"])
        data = read(ask, shapes.MEMBERS)["data"]
        if len(data) > _MOST:
            raise Refused(400, wrong(f"Cannot take more than {_MOST} profiles.", "/data"))
        return found, [self._account.profiles.get(one["id"]) for one in data]

    def _members(self, ask: Ask) -> paging.Page[Member]:
        found = self._lists.get(ask.match["id"])
        holds = filters.read(ask.query.get("filter"), _MEMBER_FILTERS)
        members = [(profile, found.members[profile.id]) for profile in self._account.profiles.known(found.members)]
        kept = [member for member in members if holds(partial(_held, member))]
        ways: dict[str, Callable[[Member], Any]] = {"joined_group_at": lambda member: member[1]}
        kept = sorted_by(ask, kept, ways, "joined_group_at")
        return paging.page(ask, kept, lambda member: member[0].id, usual=20, most=100)


def _held(member: Member, name: str) -> Any:
    return member[1] if name == "joined_group_at" else member[0].fields[name]
