"""What the pages and the API are told at start about vendors and syncs: plain facts, handed over by ``app.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaFacts:
    """A quota policy of a vendor: ``limit`` permits in ``seconds``, of some operations or of all (()). ``reserve`` of them
    are kept for interactive calls. ``paced``: they fall due evenly; else they may be spent at once."""

    name: str
    limit: float
    seconds: float
    operations: Sequence[str] = ()
    reserve: float = 0.0
    paced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFacts:
    """One number that limits our calls to a vendor, without any edit: None is no limit, ``source`` where it stands
    (default, vendor file, quayside.toml), ``whole`` that it counts."""

    name: str
    value: float | None
    source: str
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFacts:
    """One operation, as ``vendors --json`` shows it."""

    name: str
    idempotent: bool
    fallback: str | None  # "cached", a vendor's name, or None
    input_schema: Mapping[str, Any]
    result_schema: Mapping[str, Any]
    example: Mapping[str, Any]
    supported: bool = True
    repeat: str = ""  # what makes a second send safe: read, natural, key, look_up; never: nothing does


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFacts:
    """One vendor. ``sandboxed``: its calls go to the sandbox; the pages say so plainly. ``proof`` is how it is told who
    we are: header -> value, with each secret as a shell variable, ``Bearer ${STRIPE_SECRET_KEY}``."""

    name: str
    label: str
    kind: str
    base_url: str
    docs_url: str
    sandboxed: bool
    credentials: Sequence[tuple[str, bool]]  # (environment variable, set?)
    quotas: Sequence[QuotaFacts]
    operations: Sequence[OperationFacts]
    missing: Sequence[str] = ()  # environment variables that are needed and not set
    webhook: tuple[str, bool] | None = None  # the variable its events are proven with, and whether it is set
    limits: Sequence[LimitFacts] = ()
    region: str = "worldwide"  # or north_america, europe, middle_east, asia_pacific
    proof: Mapping[str, str] = field(default_factory=dict)


def facts_of(vendor: Mapping[str, Any]) -> VendorFacts:
    """Return the facts of a vendor listed as ``vendors --json`` lists it."""
    plain = {name: vendor[name] for name in ("name", "label", "kind", "base_url", "docs_url", "sandboxed", "region")}
    return VendorFacts(
        **plain,
        credentials=[(credential["env"], credential["set"]) for credential in vendor["credentials"]],
        missing=[one["env"] for one in vendor["credentials"] if one["required"] and not one["set"]],
        webhook=_webhook(vendor),
        quotas=[QuotaFacts(**quota) for quota in vendor["quotas"]],
        operations=[OperationFacts(**operation) for operation in vendor["operations"]],
        limits=[LimitFacts(**limit) for limit in vendor["limits"]],
        proof=vendor["proof"],
    )


def _webhook(vendor: Mapping[str, Any]) -> tuple[str, bool] | None:
    name = vendor["webhook"]
    if name is None:
        return None
    return name, any(one["set"] for one in vendor["credentials"] if one["env"] == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFacts:
    """One sync: its name, what it does in a sentence, the schedule of the file, the vendors it needs.

    ``takes`` are the options of a run by hand (``vendors``, ``full``); ``backfill_days`` the usual size of a slice of a
    backfill, None where there is none, for the reason in ``no_backfill``. A backfill asks ``backfill_vendors`` for
    ``backfill_operation``, up to ``backfill_page`` records a call; with ``backfill_whole_days`` for whole days in UTC.
    ``pause_after`` failed runs in a row pause it by the file (0: never). Cron
    expressions are read in ``timezone``.
    """

    name: str
    label: str
    description: str
    schedule: str
    vendors: Sequence[str]
    takes: Sequence[str] = ()
    backfill_days: float | None = None
    no_backfill: str = ""
    backfill_vendors: Sequence[str] = ()
    backfill_operation: str = ""
    backfill_page: int = 1
    backfill_whole_days: bool = False
    pause_after: int = 0
    timezone: str = "UTC"


# Posts or edits a chat message through the gateway: (channel, text, blocks, alert_key, message_id or None) -> message_id.
# Raises when it could not; the notice stays in the database and is tried again.
SendNotice = Callable[[str, str, Sequence[Mapping[str, Any]], str, str | None], Awaitable[str]]
