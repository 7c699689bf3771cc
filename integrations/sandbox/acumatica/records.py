"""Records as the ERP keeps them, as it is sent them, and as it shows them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Any, Protocol

from integrations.sandbox.acumatica.errors import refused
from integrations.sandbox.acumatica.odata import Filter
from integrations.sandbox.acumatica.schema import COUNT, FLAG, MOMENT, NUMBER, Entity
from integrations.sandbox.acumatica.zone import ErpClock


class Row(Protocol):
    """What can be listed, filtered and shown."""

    @property
    def id(self) -> str:
        """Return the record's GUID."""

    def get(self, name: str) -> Any:
        """Return a field, its own or a linked record's ("ShipToAddress/City"); None when it has no value."""

    def lines(self, name: str) -> Sequence[Row]:
        """Return the detail lines of that name."""

    def link(self, name: str) -> Row | None:
        """Return the linked record of that name."""


@dataclass(slots=True, kw_only=True)
class Record:
    """A document or a line of one. Numbers are Decimal, moments Unix seconds."""

    id: str
    values: dict[str, Any] = field(default_factory=dict)
    details: dict[str, list[Record]] = field(default_factory=dict)
    linked: dict[str, Record] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """Return a field, or None."""
        first, slash, rest = name.partition("/")
        if not slash:
            return self.values.get(name)
        return self.linked[first].get(rest) if first in self.linked else None

    def lines(self, name: str) -> Sequence[Record]:
        """Return the detail lines of that name."""
        return self.details.get(name, [])

    def link(self, name: str) -> Record | None:
        """Return the linked record of that name."""
        return self.linked.get(name)

    def number(self, name: str) -> Decimal:
        """Return a number, 0 when it has no value."""
        value = self.values.get(name)
        return value if isinstance(value, Decimal) else Decimal(0)


@dataclass(slots=True, kw_only=True)
class Sent:
    """A record as a caller sent it: values by field, and what was wrong with some of them."""

    id: str | None
    delete: bool
    values: dict[str, Any]
    details: dict[str, list[Sent]]
    linked: dict[str, Sent]
    errors: dict[str, str]
    raw: Mapping[str, Any]

    def wrong(self) -> bool:
        """Say whether this record or anything in it has an error."""
        return bool(self.errors) or any(
            inner.wrong()
            for inner in [*self.linked.values(), *(line for lines in self.details.values() for line in lines)]
        )

    def with_errors(self) -> dict[str, Any]:
        """Return the record as it was sent, each error beside its field, and on the record the first of them."""
        shown = dict(self.raw)
        for name, lines in self.details.items():
            shown[name] = [line.with_errors() for line in lines]
        for name, inner in self.linked.items():
            shown[name] = inner.with_errors()
        for name, problem in self.errors.items():
            sent = shown.get(name)
            shown[name] = {**(sent if isinstance(sent, dict) else {}), "error": problem}
        if self.errors:
            shown["error"] = next(iter(self.errors.values()))
        return shown


def new_id(*parts: object) -> str:
    """Return the GUID that always belongs to these parts."""
    sign = blake2b(":".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{sign[:8]}-{sign[8:12]}-5{sign[13:16]}-a{sign[17:20]}-{sign[20:]}"  # marked as a name-based GUID


def read(entity: Entity, body: Any, clock: ErpClock) -> Sent:
    """Return a record out of JSON; names the contract has and we do not keep are passed over.

    Raises Refused (400) when a field is not wrapped as ``{"value": …}``.
    """
    if not isinstance(body, dict):
        raise refused(400, f"The entity {entity.name} must be a JSON object.")
    sent = Sent(
        id=body.get("id") if isinstance(body.get("id"), str) else None,
        delete=body.get("delete") is True,
        values={},
        details={},
        linked={},
        errors={},
        raw=body,
    )
    for name, value in body.items():
        if name in entity.fields:
            _take(sent, name, entity.fields[name], value, clock)
        elif name in entity.details:
            if not isinstance(value, list):
                raise refused(400, f"{name} must be a JSON array.")
            sent.details[name] = [read(entity.details[name], line, clock) for line in value]
        elif name in entity.linked:
            sent.linked[name] = read(entity.linked[name], value, clock)
    return sent


def _take(sent: Sent, name: str, kind: str, wrapped: Any, clock: ErpClock) -> None:
    if not isinstance(wrapped, dict):
        raise refused(400, f'The value of {name} must be wrapped: {{"value": …}}.')
    if wrapped.get("value") in (None, ""):  # a blank text is no value
        sent.values[name] = None
        return
    try:
        sent.values[name] = _convert(kind, wrapped["value"], clock)
    except (ValueError, InvalidOperation):
        sent.errors[name] = f"The value of {name} has the wrong type."


def _convert(kind: str, value: Any, clock: ErpClock) -> Any:
    if kind == FLAG:
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return value is True or str(value).lower() == "true"
        raise ValueError
    if isinstance(value, bool | dict | list):
        raise ValueError
    if kind == MOMENT:
        return clock.read(str(value))
    if kind == NUMBER:
        number = Decimal(str(value))
        if not number.is_finite():
            raise ValueError
        return number
    return int(value) if kind == COUNT else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of a record is to be shown; ``select`` None shows every field."""

    select: frozenset[str] | None = None
    expand: frozenset[str] = frozenset()


def show(entity: Entity, row: Row, view: View, clock: ErpClock, number: int = 1) -> dict[str, Any]:
    """Return a record as JSON values: fields wrapped, detail lines and linked records only where expanded."""
    shown: dict[str, Any] = {"id": row.id, "rowNumber": number, "note": {"value": ""}}
    for name, kind in entity.fields.items():
        if view.select is None or name in view.select:
            shown[name] = _wrapped(row.get(name), kind, clock)
    for name, inner in entity.details.items():
        if name in view.expand:
            nested = _nested(view, name)
            shown[name] = [show(inner, line, nested, clock, at) for at, line in enumerate(row.lines(name), 1)]
    for name, inner in entity.linked.items():
        link = row.link(name) if name in view.expand else None
        if link is not None:
            shown[name] = show(inner, link, _nested(view, name), clock)
    shown["custom"] = {}
    return shown


@lru_cache(maxsize=256)  # the same for every record of a page
def _nested(view: View, name: str) -> View:
    prefix = f"{name}/"
    inner = (
        None
        if view.select is None
        else frozenset(chosen.removeprefix(prefix) for chosen in view.select if chosen.startswith(prefix))
    )
    expand = frozenset(chosen.removeprefix(prefix) for chosen in view.expand if chosen.startswith(prefix))
    return View(select=inner or None, expand=expand)


def _wrapped(value: Any, kind: str, clock: ErpClock) -> dict[str, Any]:
    if value is None:
        return {}
    return {"value": clock.text(value) if kind == MOMENT else value}


class Table:
    """Records in the order of their keys, quick to find by key, by id and by how lately they were modified."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self._modified = "LastModified" if "LastModified" in entity.fields else "LastModifiedDateTime"
        self._rows: dict[str, Row] = {}
        self._by_id: dict[str, str] = {}
        self._order: list[str] | None = []  # keys in order; None when it must be sorted again
        self._latest: dict[str, None] = {}  # keys, the one modified last at the end
        self._changes = 0
        self._last: tuple[str, int, list[Row]] | None = None  # the last filter, its moment and what it let through

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return (self._rows[key] for key in self._keys())

    def __repr__(self) -> str:
        return f"<Table {self.entity.name}, {len(self)} records>"

    def key(self, values: Iterable[Any]) -> str:
        """Return the key under which a record with these key fields stands; texts compare without regard to case."""
        return "/".join(str(value) for value in values).casefold()

    def touch(self, row: Row) -> None:
        """Put a record in, or note that it was modified."""
        key = self.key(row.get(name) for name in self.entity.keys)
        if key not in self._rows:
            if self._order is not None and (not self._order or key > self._order[-1]):
                self._order.append(key)
            else:
                self._order = None
        self._rows[key] = row
        self._by_id[row.id] = key
        self._latest.pop(key, None)
        self._latest[key] = None
        self._changes += 1

    def at(self, *keys: Any) -> Row | None:
        """Return the record with these keys, or None."""
        return self._rows.get(self.key(keys))

    def with_id(self, guid: str) -> Row | None:
        """Return the record with this GUID, or None."""
        key = self._by_id.get(guid.lower())
        return None if key is None else self._rows[key]

    def page(self, text: str, wanted: Filter | None, skip: int, top: int | None) -> list[Row]:
        """Return ``top`` records after ``skip``, in key order; ``text`` is the filter as it was sent."""
        if wanted is None:
            keys = self._keys()[skip : None if top is None else skip + top]
            return [self._rows[key] for key in keys]
        if skip == 0 and top is not None and self._last_is(text) is None:
            return list(islice(filter(wanted.test, self._candidates(wanted)), top))
        rows = self._last_is(text)
        if rows is None:
            rows = list(filter(wanted.test, self._candidates(wanted)))
            self._last = (text, self._changes, rows)
        return rows[skip : None if top is None else skip + top]

    def _last_is(self, text: str) -> list[Row] | None:
        if self._last is not None and self._last[:2] == (text, self._changes):
            return self._last[2]
        return None

    def _candidates(self, wanted: Filter) -> Iterator[Row]:
        """Yield, in key order, the records that can pass: a lower bound spares looking at all of a large table."""
        for name, floor in wanted.floors:
            if name.startswith("LastModified") and isinstance(floor, float):
                recent = self._since(floor, most=len(self._rows) // 4)
                if recent is not None:
                    return (self._rows[key] for key in sorted(recent))
        for name, floor in wanted.floors:
            if (name,) == tuple(self.entity.keys) and isinstance(floor, str):
                keys = self._keys()
                at = bisect_right(keys, floor)
                at -= bool(at and keys[at - 1] == floor)  # "ge" lets the floor itself pass
                return (self._rows[key] for key in islice(keys, at, None))
        return iter(self)

    def _since(self, moment: float, most: int) -> list[str] | None:
        """Return the keys of what was modified at or after a moment; None when they are more than ``most``."""
        found: list[str] = []
        for key in reversed(self._latest):
            if self._rows[key].get(self._modified) < moment:
                return found
            if len(found) >= most:
                return None
            found.append(key)
        return found

    def _keys(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self._rows)
        return self._order
