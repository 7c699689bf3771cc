"""The limits of the Google Ads API: operations in a sliding day, and requests a second.

Operations are counted per developer token, an uploaded row each and a query one, however many rows it has; requests a
second per developer token and per customer. No header tells of either; the refusal does. Google does not publish how
many requests a second it takes: that figure is the sandbox's own.
"""

from __future__ import annotations

from collections import deque

from integrations.sandbox.google_ads.errors import quota_error
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

_DAY = 86_400.0


class Meters:
    """What was spent.

    Settings: ``access_level`` ("basic"; "standard" has no daily limit), ``operations_a_day`` (15000),
    ``requests_a_second`` (100).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._operations: dict[str, deque[tuple[float, int]]] = {}  # developer token: when, how many
        self._requests: dict[tuple[str, str], deque[float]] = {}  # (scope, id): when

    def __repr__(self) -> str:
        return f"<Meters {len(self._operations)} developer tokens>"

    def spend(self, developer_token: str, customer: str, operations: int) -> None:
        """Take operations; raises ``AdsRefused`` 429 and takes none when there are not so many."""
        now = self._world.now()
        most = int(self._world.setting(VENDOR, "requests_a_second", 100))
        meters = [("DEVELOPER", developer_token), ("ACCOUNT", customer)]
        for scope, id in meters:
            asked = self._requests.setdefault((scope, id), deque())
            while asked and asked[0] <= now - 1:
                asked.popleft()
            if len(asked) >= most:
                name = f"Requests per second per {'developer token' if scope == 'DEVELOPER' else 'customer'}"
                raise quota_error("RESOURCE_TEMPORARILY_EXHAUSTED", scope, name, asked[0] + 1 - now)
        self._spend_day(developer_token, operations, now)
        for meter in meters:
            self._requests[meter].append(now)

    def _spend_day(self, developer_token: str, operations: int, now: float) -> None:
        if self._world.setting(VENDOR, "access_level", "basic") == "standard":
            return
        spent = self._operations.setdefault(developer_token, deque())
        while spent and spent[0][0] <= now - _DAY:
            spent.popleft()
        most = int(self._world.setting(VENDOR, "operations_a_day", 15_000))
        over = sum(count for _, count in spent) + operations - most
        if over > 0:
            wait = _DAY
            for at, count in spent:
                over -= count
                if over <= 0:
                    wait = at + _DAY - now
                    break
            raise quota_error("RESOURCE_EXHAUSTED", "DEVELOPER", "Number of operations for basic access", wait)
        spent.append((now, operations))
