"""A form that asks the checkout by hand: its fields, what they say in a URL, and which of them a refusal is about.

A value is text for every field. A link holds the whole form, except what may be somebody's: a street, a VAT number. Where
it holds nothing of the form, the first example is meant.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from monitoring.context import DashboardContext
from monitoring.hands import CheckoutByHand, Tried
from monitoring.timerange import TimeRange

Values = Mapping[str, str]
_CODES = {  # kind of code -> its form, and what to write
    "country": (re.compile("[A-Z]{2}"), "no country; write two letters, such as DE."),
    "currency": (re.compile("[A-Z]{3}"), "no currency; write three letters, such as USD."),
}
LONGEST = 2000  # characters of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. ``paths`` are the parts of the API's body whose refusal it shows; ``value`` is the first example's."""

    name: str
    label: str
    paths: tuple[str, ...] = ()
    value: str = ""
    hint: str = ""
    kind: Literal["text", "lines", "choice", "choices"] = "text"
    options: Sequence[tuple[str, str]] = ()  # of a choice: value, label
    code: Literal["", "country", "currency"] = ""  # what a value that is not empty must look like
    in_link: bool = True
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Fields that belong together."""

    label: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: where it stands, what it asks, and how its answer is drawn.

    ``body`` makes the API's body of the values, and says what is wrong with which part of it; ``ask`` sends it; ``drawn``
    shows an answer. ``act`` and ``facts`` are what the audit notes when a vendor was reached.
    """

    name: str
    path: str
    title: str
    about: str
    button: str
    harmless: str  # what asking does not do
    route: str  # of the API
    groups: tuple[Group, ...]
    examples: Mapping[str, Values]  # label -> what differs from the first
    body: Callable[[Values], tuple[dict[str, Any], dict[str, str]]]
    ask: Callable[[CheckoutByHand, dict[str, Any], Values, str], Awaitable[Tried]]
    drawn: Callable[[Tried, Values, DashboardContext, TimeRange], Awaitable[list[Component]]]
    act: str
    facts: Callable[[Values], Mapping[str, Any]]
    options: Callable[[DashboardContext], Mapping[str, Sequence[tuple[str, str]]]] = field(default=lambda _context: {})

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(one for group in self.groups for one in group.fields)

    @property
    def example(self) -> dict[str, str]:
        return {one.name: one.value for one in self.fields}


def inputs(form: Form, context: DashboardContext, values: Values) -> Component:
    """Return the fields, filled in."""
    options = form.options(context)
    return html.Div([_group(group, options, values) for group in form.groups], className="q-try-groups")


def _group(group: Group, options: Mapping[str, Sequence[tuple[str, str]]], values: Values) -> Component:
    fields = [_input(one, options.get(one.name, one.options), values[one.name]) for one in group.fields]
    return html.Fieldset(
        [html.Legend(group.label), html.Div(fields, className="q-try-fields")], className="q-try-group"
    )


def _input(one: Field, options: Sequence[tuple[str, str]], value: str) -> Component:
    common: dict[str, Any] = {
        "id": {"field": one.name},
        "label": one.label,
        "description": one.hint or None,
        "size": "xs",
        "className": "q-try-wide" if one.wide or one.kind in ("lines", "choices") else None,
    }
    data = [{"value": value, "label": label} for value, label in options]
    if one.kind == "choice":
        return dmc.Select(**common, data=data, value=value, allowDeselect=False)
    if one.kind == "choices":
        return dmc.MultiSelect(**common, data=data, value=shown(one, value), clearable=True, searchable=True)
    if one.kind == "lines":
        return dmc.Textarea(**common, value=value, autosize=True, minRows=2, maxRows=8, debounce=True)
    return dmc.TextInput(**common, value=value, debounce=True)


def shown(one: Field, text: str) -> Any:
    """Return a value as its component holds it."""
    return [part for part in text.split(",") if part] if one.kind == "choices" else text


def typed(form: Form, ids: Sequence[Mapping[str, str]], values: Sequence[Any]) -> dict[str, str]:
    """Return the values of the components as text, by the names of the fields."""
    found = {
        str(id["field"]): ",".join(map(str, value)) if isinstance(value, list) else str(value or "")
        for id, value in zip(ids, values, strict=True)
    }
    return {one.name: found.get(one.name, one.value)[:LONGEST] for one in form.fields}


def from_url(form: Form, search: str | None) -> dict[str, str]:
    """Return the values a URL asks for, without those no link holds; the first example's where it names no field."""
    wanted = dict(parse_qsl((search or "").removeprefix("?"), keep_blank_values=True))
    linked = [one for one in form.fields if one.in_link]
    if not any(one.name in wanted for one in linked):
        return {one.name: one.value for one in linked}
    absent = {one.name: one.value if one.kind == "choice" else "" for one in linked}
    return {name: wanted.get(name, value)[:LONGEST] for name, value in absent.items()}


def to_url(form: Form, values: Values, search: str | None) -> str:
    """Return the search part that says these values, with whatever else stood there."""
    names = {one.name for one in form.fields}
    kept = [
        (name, value)
        for name, value in parse_qsl((search or "").removeprefix("?"), keep_blank_values=True)
        if name not in names
    ]
    linked = [one for one in form.fields if one.in_link]
    said: list[tuple[str, str]] = []
    if any(values[one.name] != one.value for one in linked):
        said = [(one.name, values[one.name]) for one in linked if values[one.name] and not _usual(one, values)]
    return "?" + urlencode([*kept, *said]) if kept or said else ""


def _usual(one: Field, values: Values) -> bool:
    return one.kind == "choice" and values[one.name] == one.value


def strange_codes(form: Form, values: Values) -> dict[str, str]:
    """Return what is wrong with countries and currencies by their form, by the path of the API they stand for."""
    found: dict[str, str] = {}
    for one in form.fields:
        text = values[one.name].strip().upper()
        if one.code and text and not _CODES[one.code][0].fullmatch(text):
            found[one.paths[0]] = f"“{text[:20]}” is {_CODES[one.code][1]}"
    return found


def blamed(form: Form, wrong: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return what is wrong by field, and the sentences that are about none: the longest path that fits decides."""
    found: dict[str, str] = {}
    rest: list[str] = []
    for path, sentence in wrong.items():
        fits = [
            (len(start), one)
            for one in form.fields
            for start in one.paths
            if path == start or path.startswith(f"{start}.")
        ]
        if not fits:
            rest.append(f"{path}: {sentence}" if path else sentence)
            continue
        length, one = max(fits, key=lambda pair: pair[0])
        said = _placed(path[length + 1 :], sentence) if one.kind == "lines" else sentence
        found[one.name] = f"{found[one.name]} {said}" if one.name in found else said
    return found, rest


def _placed(rest: str, sentence: str) -> str:
    """Return a sentence with the number of its line, where the path has one and the sentence has not."""
    number = rest.partition(".")[0]
    if not number.isdigit() or sentence.startswith("Line "):
        return sentence
    name = rest.rpartition(".")[2]
    return f"Line {int(number) + 1}{'' if name.isdigit() else f', {name}'}: {sentence}"


def place(
    prefix: str, path: str, *, country: str, state: str = "", postal: str = "", city: str = "", street: str = ""
) -> tuple[Field, ...]:
    """Return the fields of an address, beginning with ``prefix``; ``path`` is where it stands in the body."""
    return (
        Field(name=f"{prefix}_country", label="Country", paths=(f"{path}.country",), value=country, code="country"),
        Field(
            name=f"{prefix}_postal",
            label="Postal code",
            paths=(f"{path}.postal_code",),
            value=postal,
            hint="where there are some",
        ),
        Field(name=f"{prefix}_city", label="City", paths=(f"{path}.city",), value=city),
        Field(name=f"{prefix}_state", label="State", paths=(f"{path}.state",), value=state),
        Field(
            name=f"{prefix}_street",
            label="Street",
            paths=(f"{path}.lines", path),
            value=street,
            hint="in no link; any will do, some refuse a place without one",
            in_link=False,
            wide=True,
        ),
    )


def somewhere(prefix: str, country: str, *, state: str = "", postal: str = "", city: str = "") -> dict[str, str]:
    """Return the values of a place's fields, for an example."""
    names = {"country": country, "state": state, "postal": postal, "city": city}
    return {f"{prefix}_{key}": value for key, value in names.items()}


def address(values: Values, prefix: str) -> dict[str, Any]:
    """Return the address of a form as the API takes it, without what is empty."""
    found: dict[str, Any] = {"country": values[f"{prefix}_country"].strip().upper()}
    for name, key in (("state", "state"), ("postal_code", "postal"), ("city", "city")):
        if text := values[f"{prefix}_{key}"].strip():
            found[name] = text
    if street := values[f"{prefix}_street"].strip():
        found["lines"] = [street]
    return found


def place_text(values: Values, prefix: str) -> str:
    """Return a place without its street in a few words: ``12611 Riyadh, SA``."""
    names = [values[f"{prefix}_{key}"].strip() for key in ("postal", "city")]
    country = values[f"{prefix}_country"].strip().upper()
    here = " ".join(name for name in names if name)
    return f"{here}, {country}" if here else country
