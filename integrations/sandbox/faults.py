"""Faults to order: what a test asks the sandbox to do wrong, and whether it does so this time."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.ledger import utc_text

PLAIN = frozenset({"timeout", "reset", "truncate", "garbage", "drip", "schema", "lost_answer"})
TIMED = frozenset({"slow", "rate_limit"})  # "slow:2.5", "rate_limit:60": seconds
BEFORE_EFFECT = frozenset({"status", "timeout", "reset", "rate_limit"})  # the effect must not happen

_FIELDS = frozenset({"vendor", "operation", "fault", "rate", "seed", "seconds"})
_FORM = "status:503, timeout, reset, truncate, garbage, slow:2.5, drip, rate_limit:60, schema or lost_answer"


class BadFault(ValueError):
    """A fault that cannot be injected; the message names the field and what it may be."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault in force. ``kind`` is the word before the colon, ``value`` the number after it (0 when none)."""

    vendor: str
    operation: str | None
    text: str
    kind: str
    value: float
    rate: float
    seed: int
    seconds: float | None
    until: float | None  # Unix seconds; None lasts until deleted
    draw: random.Random
    id: int = 0

    def json(self) -> dict[str, Any]:
        """Return the fault as it was asked for, with the moment it ends."""
        return {
            "id": self.id,
            "vendor": self.vendor,
            "operation": self.operation,
            "fault": self.text,
            "rate": self.rate,
            "seed": self.seed,
            "seconds": self.seconds,
            "until": None if self.until is None else utc_text(self.until),
        }


class Faults:
    """The faults in force, in the order they were asked for."""

    def __init__(self, now: Callable[[], float], operations: Mapping[str, Collection[str] | None]) -> None:
        """``operations`` maps each vendor served to its ledger operations, None where they cannot be listed."""
        self._now = now
        self._operations = operations
        self._faults: list[Fault] = []
        self._given = 0  # ids so far

    def __repr__(self) -> str:
        return f"<Faults {[f'{fault.vendor} {fault.text}' for fault in self._faults]}>"

    def add(self, wanted: Any) -> None:
        """Put a list of faults in force beside those already there.

        Raises BadFault, with none of the list in force, when one of them is malformed.
        """
        if not isinstance(wanted, list):
            raise BadFault("the body must be a JSON list of faults")
        read = [self._read(item, f"[{index}]", index) for index, item in enumerate(wanted)]
        for fault in read:
            self._given += 1
            fault.id = self._given
        self._faults.extend(read)

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def end(self, id: int) -> bool:
        """End one fault; return False when there is none of this id, any more or at all."""
        self._drop_ended()
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != id]
        return len(self._faults) < before

    def json(self) -> list[dict[str, Any]]:
        """Return the faults still in force."""
        self._drop_ended()
        return [fault.json() for fault in self._faults]

    def strike(self, vendor: str, operation: str) -> Fault | None:
        """Return the fault that hits this request, or None.

        Each fault that matches draws once from its own generator; the first that hits wins.
        """
        if not self._faults:
            return None
        self._drop_ended()
        for fault in self._faults:
            # A request the fault is not meant for must not draw, else other traffic shifts which ones it hits.
            matches = fault.vendor == vendor and fault.operation in (None, operation)
            if matches and (fault.rate >= 1 or fault.draw.random() < fault.rate):
                return fault
        return None

    def _drop_ended(self) -> None:
        now = self._now()
        if any(fault.until is not None and fault.until <= now for fault in self._faults):
            self._faults = [fault for fault in self._faults if fault.until is None or fault.until > now]

    def _read(self, item: Any, where: str, index: int) -> Fault:
        if not isinstance(item, dict):
            raise BadFault(f"{where} must be an object with vendor and fault")
        for name in item:
            if name not in _FIELDS:
                raise BadFault(f"{where}.{name} is not a field of a fault; the fields are {', '.join(sorted(_FIELDS))}")
        vendor = item.get("vendor")
        if not isinstance(vendor, str) or vendor not in self._operations:
            raise BadFault(f"{where}.vendor must be one of {', '.join(sorted(self._operations))}")
        operation = self._operation(item.get("operation"), vendor, where)
        kind, value = _fault(item.get("fault"), where)
        rate = _number(item.get("rate", 1.0), f"{where}.rate", "a number above 0 and up to 1", high=1)
        seed = item.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise BadFault(f"{where}.seed must be a whole number or null")
        lasts = item.get("seconds")
        seconds = None if lasts is None else _number(lasts, f"{where}.seconds", "seconds above 0 or null")
        ends = [span for span in (seconds, value if kind == "rate_limit" else None) if span is not None]
        seed = index if seed is None else seed
        return Fault(
            vendor=vendor,
            operation=operation,
            text=item["fault"],
            kind=kind,
            value=value,
            rate=rate,
            seed=seed,
            seconds=seconds,
            until=self._now() + min(ends) if ends else None,
            draw=random.Random(seed),
        )

    def _operation(self, operation: Any, vendor: str, where: str) -> str | None:
        if operation is None:
            return None
        known = self._operations[vendor]
        if not isinstance(operation, str) or (known is not None and operation not in known):
            choice = "a name from the ledger" if known is None else f"one of {', '.join(sorted(known))}"
            raise BadFault(f"{where}.operation must be null or {choice}")
        return operation


def _fault(text: Any, where: str) -> tuple[str, float]:
    if not isinstance(text, str):
        raise BadFault(f"{where}.fault must be {_FORM}")
    kind, _, number = text.partition(":")
    if text in PLAIN:
        return text, 0.0
    if kind == "status" and re.fullmatch(r"[2-5]\d\d", number):
        return kind, float(number)
    if kind in TIMED and re.fullmatch(r"\d+(\.\d+)?", number) and float(number) > 0:
        return kind, float(number)
    raise BadFault(f"{where}.fault must be {_FORM}; {text!r} is none of them")


def _number(value: Any, name: str, form: str, *, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise BadFault(f"{name} must be {form}")
    return float(value)
