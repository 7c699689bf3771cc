"""What the pages can do beyond the database: calls to vendors and to the sandbox, brought by ``app.py``.

The monitoring package reaches no vendor by itself. What must happen here and now comes as a callable; what can wait is a
row that the scheduler acts on. A hand that is None is not there (a test, or a set-up without it), and the page says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from db.circuits import Transition
from monitoring.facts import VendorFacts

# (text of a schedule, moment) -> its next five slots after it, in UTC. Raises ValueError with the fix.
NextTimes = Callable[[str, datetime], Awaitable[Sequence[datetime]]]


class Refused(Exception):
    """A hand could not do what was asked for; the message is a sentence for people, ``field`` what it is about."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class WatchReport(Protocol):
    """What other settings of a circuit would have done; the counts are over attempts, ``unknown`` and
    ``refused_by_both`` over calls that were refused in fact."""

    @property
    def from_state(self) -> str: ...
    @property
    def real(self) -> Sequence[Transition]: ...
    @property
    def would(self) -> Sequence[Transition]: ...
    @property
    def attempts(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def refused_successful(self) -> int: ...
    @property
    def refused_failed(self) -> int: ...
    @property
    def seconds_saved(self) -> float: ...
    @property
    def unknown(self) -> int: ...
    @property
    def refused_by_both(self) -> int: ...
    @property
    def derived(self) -> int: ...
    @property
    def refusals_of_vendor(self) -> bool: ...


class Tried(Protocol):
    """What came of asking the checkout by hand. ``answer`` is what the API would have answered, None where it would have
    refused: ``wrong`` are then the fields it names (path -> sentence), ``problem`` the sentence where it is no field's
    fault. ``beside`` is what the API leaves out; ``reached``: a vendor was asked; ``seconds`` the whole."""

    @property
    def correlation_id(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def answer(self) -> Mapping[str, Any] | None: ...
    @property
    def beside(self) -> Mapping[str, Any]: ...
    @property
    def wrong(self) -> Mapping[str, str]: ...
    @property
    def problem(self) -> str: ...
    @property
    def error_type(self) -> str: ...
    @property
    def reached(self) -> bool: ...


class CheckoutByHand(Protocol):
    """The checkout's API asked by a person: its body and who asks. Nothing a vendor does raises."""

    async def quote(self, body: Mapping[str, Any], user: str) -> Tried: ...
    async def tax(self, body: Mapping[str, Any], user: str, currency: str) -> Tried: ...
    async def convert(self, body: Mapping[str, Any], user: str) -> Tried: ...


Faults = Sequence[Mapping[str, Any]]  # each as the sandbox lists it: id, vendor, operation, fault, rate, seed, until


@dataclass(frozen=True, slots=True, kw_only=True)
class GameDay:
    """Faults of the sandbox: ``vendors`` a fault can be for, each with its operations. All raise Refused."""

    vendors: Mapping[str, Sequence[str]]
    active: Callable[[], Awaitable[Faults]]
    inject: Callable[[Faults], Awaitable[Faults]]
    stop: Callable[[int | None], Awaitable[Faults]]  # one by its id, None for all and the weather


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The callables of the pages; each field says what it takes, returns and raises."""

    # (vendor, setting -> number) -> setting -> what is wrong with it, for those that cannot be used.
    judge_limits: Callable[[str, Mapping[str, float]], Mapping[str, str]] | None = None
    # (vendor, setting -> number) -> the vendor's facts under these edits of its limits.
    facts_under: Callable[[str, Mapping[str, float]], VendorFacts] | None = None
    # (vendor, circuit, since, until, breaker.<name> -> number) -> what these settings would have done. Raises Refused.
    watch_report: Callable[[str, str, datetime, datetime, Mapping[str, float]], Awaitable[WatchReport]] | None = None
    # Faults to inject; None where no vendor's calls go to the sandbox.
    game_day: GameDay | None = None
    # Seconds: how old the stated moment of exchange rates may be for the checkout to convert with them.
    max_rate_age: float = 4 * 86_400.0
    # The next slots of a schedule somebody typed.
    next_times: NextTimes | None = None
    # The checkout asked by hand; quotes and tax reach vendors, a conversion does not.
    checkout: CheckoutByHand | None = None
