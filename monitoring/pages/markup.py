"""Plain parts of a page as HTML text: what has no state of its own costs the browser a string, not hundreds of components.

Made of ``dash.html`` components and ``dcc.Link`` only; whatever is text in them is escaped here. The browser puts the
text into its place as it is (``assets/drawn.js``), where a link that stays on this site goes on without a reload, like
``dcc.Link``'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from dash import dcc
from dash.development.base_component import Component

_VOID = frozenset({"br", "hr", "img", "input"})
_NAMES: Mapping[str, str] = {"className": "class", "dateTime": "datetime", "htmlFor": "for", "tabIndex": "tabindex"}
_OWN = frozenset({"children", "style"})
_NOT_HTML = frozenset({"n_clicks", "n_clicks_timestamp", "disable_n_clicks", "key", "loading_state", "refresh"})


def markup(part: Any) -> str:
    """Return a part (a component, a text, a number, a list of them, None) as HTML.

    Raise TypeError for what has state or needs a script: that stays a component.
    """
    return "".join(_pieces(part))


def _pieces(part: Any) -> Iterator[str]:
    if part is None:
        return
    if isinstance(part, Component):
        yield from _element(part)
    elif isinstance(part, str | int | float):
        yield escape(str(part), quote=False)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _pieces(one)
    else:
        raise TypeError(f"{type(part).__name__} is no part of a page")


def _element(part: Component) -> Iterator[str]:
    tag = _tag(type(part))
    attributes = part.to_plotly_json()["props"]  # type: ignore[no-untyped-call]  # untyped in Dash
    yield f"<{tag}{''.join(_attributes(attributes))}>"
    if tag in _VOID:
        return
    yield from _pieces(attributes.get("children"))
    yield f"</{tag}>"


@cache
def _tag(kind: type[Component]) -> str:
    if kind is dcc.Link:
        return "a"
    if kind.__module__.startswith("dash.html."):
        return kind.__name__.lower()
    raise TypeError(f"{kind.__name__} needs its script; it cannot be drawn as text")


def _attributes(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        if name in _NOT_HTML or value is None or value is False:
            continue
        if name == "style":
            yield f' style="{escape(_style(value))}"'
        elif name == "id" and not isinstance(value, str):
            yield f' id="{escape(json.dumps(value, sort_keys=True, separators=(",", ":")))}"'  # as Dash writes it
        elif name not in _OWN:
            yield f' {_NAMES.get(name, name)}="{"" if value is True else escape(str(value))}"'


def _style(value: Mapping[str, Any]) -> str:
    return ";".join(
        f"{''.join('-' + c.lower() if c.isupper() else c for c in name)}:{one}" for name, one in value.items()
    )
