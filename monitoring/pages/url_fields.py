"""Fields whose values stand in the URL of their page, so that a link shows a colleague the same.

The browser keeps both the same, at once (``assets/fields.js``). What only the server can say of a value, such as what is
wrong with it, a page says by a callback of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dash import ClientsideFunction, Dash, Input, Output, State, dcc

_LONGEST = 2000  # characters taken over from a URL


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlField:
    """A field and the parameter it stands in.

    ``usual`` is what it holds where the URL says nothing, and then it is left out of the URL, unless ``always``. Of a choice
    or a list, the URL may say one ``among`` these, where they are known. A list is separated by commas; a number has up to
    three digits.
    """

    name: str
    kind: Literal["text", "choice", "list", "number"] = "text"
    usual: str = ""
    always: bool = False
    among: Sequence[str] | None = None
    most: int = _LONGEST  # characters


def spec(
    page: str,
    path: str,
    fields: Sequence[UrlField],
    *,
    forgets: Sequence[str] = (),
    also: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the browser must know of the fields of the page at ``path``, and below it where that ends in a slash.

    A changed field leaves the parameters it ``forgets`` out of the URL, such as the page of a list. What is said ``also``
    stands beside the fields when they are written.
    """
    return {
        "page": page,
        "path": path,
        "fields": [asdict(one) for one in fields],
        "forgets": list(forgets),
        "also": dict(also or {}),
    }


def store(page: str, path: str, fields: Sequence[UrlField], *, forgets: Sequence[str] = ()) -> dcc.Store:
    """Return the store of a ``spec`` that belongs into the page's frame."""
    return dcc.Store(id=_store(page), data=spec(page, path, fields, forgets=forgets))


def store_to_fill(page: str) -> dcc.Store:
    """Return the store of a ``spec`` that only a callback of the page can know."""
    return dcc.Store(id=_store(page))


def keep_in_url(
    app: Dash, page: str, ids: Sequence[str], *, offered: Sequence[str] = (), when_pressed: str | None = None
) -> None:
    """Keep the fields with these ids, in the order of the page's ``spec``, and the URL the same.

    ``offered`` are the ids of those whose options are what the URL may say ``among``. With ``when_pressed``, a button's id,
    the fields are written only then.
    """
    values = [State(id, "value") for id in ids]
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("fields", "from_url"),
        [*[Output(id, "value") for id in ids], *[Output(id, "data") for id in offered]],
        [Input(_store(page), "data"), Input("url", "search")],
        [State("url", "pathname"), *values],
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("fields", "to_url" if when_pressed is None else "pressed_to_url"),
        Output("url", "search", allow_duplicate=True),
        [Input(id, "value") for id in ids] if when_pressed is None else [Input(when_pressed, "n_clicks")],
        [
            *(values if when_pressed is not None else []),
            *[State(_store(page), "data"), State("url", "search"), State("url", "pathname")],
        ],
        prevent_initial_call=True,
    )


def _store(page: str) -> str:
    return f"{page}-fields"
