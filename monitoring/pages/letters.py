"""The dead letters among the syncs: narrowed by sync and error, tried again or given up, one or all that are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import letter_acts
from db.dead_letters import DeadLetter
from db.letter_acts import Filter
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.identity import Scope
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria, moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange, parameters_of

LISTED = 100
_RIGHTS: Mapping[str, Scope] = {"retried": "trigger", "given_up": "operate"}
_WORDS = {"retried": "Try again", "given_up": "Give up"}
_STAYS = {
    "orders": "An order that is given up does not get to the ERP.",
    "inventory": "A stock level that is given up is compared anew when it changes, and stays as it is until then.",
    "checkout": "A step that is given up is not done; the order stays without it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """The letters of the page at one moment: those of the filter, how many wait by (sync, error), the last given up."""

    which: Filter
    found: Sequence[DeadLetter]
    counts: Mapping[tuple[str, str], int]
    given_up: Sequence[DeadLetter]


async def read(context: DashboardContext, search: str | None) -> Letters:
    """Return the letters the URL asks for."""
    which = filter_of(search)
    return Letters(
        which=which,
        found=await letter_acts.waiting(context.db, which, limit=LISTED),
        counts=await letter_acts.counts(context.db),
        given_up=await letter_acts.closed(context.db, verdict="given_up", limit=5),
    )


def filter_of(search: str | None) -> Filter:
    """Return which letters the URL asks for."""
    wanted = parameters_of(search)
    return Filter(sync=wanted.get("letters", "")[:32] or None, error_type=wanted.get("error", "")[:48] or None)


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="letters-asked"),
            dcc.Store(id="letters-seen"),
            dcc.Store(id="letters-back"),
            dialogs.dialog("letters", title="Dead letters", yes="Do it", hint="It stays with them and in the audit. No "
                           "personal data, please."),
        ]
    )  # fmt: skip


def panel(letters: Letters, context: DashboardContext, view: TimeRange) -> Component:
    """Return the items syncs gave up on, with what may be done with them by the one who looks."""
    total = sum(letters.counts.values())
    here = sum(number for key, number in letters.counts.items() if _fits(letters.which, key))
    parts: list[Component | None] = [_choices(letters, context, view)]
    if letters.found:
        rows = [_row(letter, context, view) for letter in letters.found]
        parts += [
            _all_of(letters.which, here) if here > 1 else None,
            table(("Since", "Sync", "Item", "Error", "Reason", ""), rows, caption="Dead letters"),
        ]
        if here > len(letters.found):
            parts.append(
                html.P(f"The latest {len(letters.found)} of {units.count(here)} are shown.", className="q-hint")
            )
    elif total:
        parts.append(empty("No dead letter fits the filter.", "“All” shows those that wait."))
    else:
        parts.append(empty("No dead letters.", "Every item a sync took up was written or is tried.", mark="healthy"))
    if letters.given_up:
        parts.append(_given_up(letters.given_up, context, view))
    head = [html.H2("Dead letters"), html.Span("items a sync gave up on; they wait for somebody", className="q-sub")]
    return html.Section([html.Div(head, className="q-panel-head"), *parts], className="q-panel")


def _fits(which: Filter, key: tuple[str, str]) -> bool:
    return which.sync in (None, key[0]) and which.error_type in (None, key[1])


def _choices(letters: Letters, context: DashboardContext, view: TimeRange) -> Component | None:
    if len(letters.counts) < 2 and letters.which == Filter():
        return None
    offered = [Filter(), *(Filter(sync=sync, error_type=error) for sync, error in sorted(letters.counts))]
    if letters.which not in offered:
        offered.append(letters.which)
    links: list[Component] = []
    for one in offered:
        number = sum(count for key, count in letters.counts.items() if _fits(one, key))
        words = [context.label(one.sync) if one.sync else "", (one.error_type or "").replace("_", " ")]
        parts: list[Component | str] = [
            " · ".join(filter(None, words)) or "All",
            html.Span(units.count(number), className="q-num q-dim"),
        ]
        if one == letters.which:
            links.append(html.Span(parts, className="q-choice q-choice-on", **aria(current="true")))
        else:
            link = view.link("/syncs", letters=one.sync or "", error=one.error_type or "")
            links.append(dcc.Link(parts, href=link, className="q-choice"))
    return html.Nav(links, className="q-choices", **aria(label="Dead letters by sync and error"))


def _may(verdict: str) -> bool:
    return who_may(_RIGHTS[verdict]) is not None


def _row(letter: DeadLetter, context: DashboardContext, view: TimeRange) -> list[Any]:
    buttons = [
        dmc.Button(
            f"{word}…" if verdict == "given_up" else word,
            id={"letter": letter.id, "verdict": verdict},
            size="compact-xs",
            variant="subtle" if verdict == "given_up" else "default",
            **aria(label=f"{word}: {letter.item}"),
        )
        for verdict, word in _WORDS.items()
        if _may(verdict)
    ]
    return [
        moment(letter.created_at, view),
        context.label(letter.sync),
        html.Span(letter.item, className="q-mono"),
        letter.error_type.replace("_", " "),
        letter.reason,
        html.Span(buttons, className="q-row-acts") if buttons else "",
    ]


def _all_of(which: Filter, number: int) -> Component | None:
    buttons = [
        dmc.Button(
            f"{word} all {units.count(min(number, letter_acts.AT_ONCE))}…",
            id={"letter": "all", "verdict": verdict},
            size="compact-sm",
            variant="default",
        )
        for verdict, word in _WORDS.items()
        if _may(verdict)
    ]
    return html.Div(buttons, className="q-choices") if buttons else None


def _given_up(found: Sequence[DeadLetter], context: DashboardContext, view: TimeRange) -> Component:
    back = _may("given_up")
    rows = [
        [
            moment(letter.resolved_at, view),
            context.label(letter.sync),
            html.Span(letter.item, className="q-mono"),
            f"{letter.resolved_by}: {letter.verdict_reason}",
            dmc.Button(
                "Take back",
                id={"back": letter.id},
                size="compact-xs",
                variant="subtle",
                **aria(label=f"Take back: {letter.item}"),
            )
            if back
            else "",
        ]
        for letter in found
    ]
    body = table(("When", "Sync", "Item", "By and why", ""), rows, caption="Given up lately")
    return html.Details([html.Summary("Given up lately"), body], className="q-more")


def register(app: Dash, context: DashboardContext) -> None:
    """Try a letter again at once; ask before the rest."""
    dialogs.asked(app, "letters-asked", {"letter": ALL, "verdict": ALL})
    dialogs.asked(app, "letters-back", {"back": ALL})
    dialogs.closes(app, "letters")

    @app.callback(
        Output("letters-modal", "opened", allow_duplicate=True),
        Output("letters-facts", "children"),
        Output("letters-seen", "data"),
        Output("letters-reason", "value"),
        Output("letters-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("letters-asked", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    async def ask_letters(asked: dict[str, Any] | None, search: str | None) -> tuple[Any, ...]:
        id, verdict = str((asked or {}).get("letter", "")), str((asked or {}).get("verdict", ""))
        stay = (no_update,) * 7
        if not id or verdict not in _WORDS:
            return stay
        user = who_may(_RIGHTS[verdict])
        if user is None:
            return (*stay[:6], not_allowed("act on dead letters"))
        now = context.now()
        if id != "all" and verdict == "retried":
            done = await letter_acts.settle(context.db, id, "retried", reason=None, by=user.label, now=now)
            told = toast("Taken up again", "The next run tries it.", "blue") if done else _too_late()
            return (*stay[:5], now.timestamp(), [told])
        if id == "all":
            which = filter_of(search)
            found = await letter_acts.waiting(context.db, which, limit=letter_acts.AT_ONCE)
        else:
            which, one = Filter(), await letter_acts.find(context.db, id)
            found = [one] if one is not None and one.resolved_at is None else []
        if not found:
            return (*stay[:5], now.timestamp(), [_too_late()])
        seen = {"id": id, "verdict": verdict, "at": now.isoformat(), **asdict(which)}
        return True, consequences(found, verdict, context), seen, "", None, no_update, no_update

    @app.callback(
        Output("letters-modal", "opened", allow_duplicate=True),
        Output("letters-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("letters-yes", "n_clicks"),
        State("letters-seen", "data"),
        State("letters-reason", "value"),
        prevent_initial_call=True,
    )
    async def settle_letters(yes: int | None, seen: Any, reason: str | None) -> tuple[Any, ...]:
        verdict = seen.get("verdict") if isinstance(seen, dict) else None
        if not yes or verdict not in ("retried", "given_up"):
            return (no_update,) * 4
        user = who_may(_RIGHTS[verdict])
        if user is None:
            return False, None, no_update, not_allowed("act on dead letters")
        if wrong := reason_problem(reason):
            return True, wrong, no_update, no_update
        now, why = context.now(), str(reason).strip()
        if seen.get("id") == "all":
            looked = datetime.fromisoformat(str(seen["at"])).astimezone(UTC)
            which = Filter(sync=seen.get("sync"), error_type=seen.get("error_type"))
            number = await letter_acts.settle_all(
                context.db, which, verdict, seen=looked, reason=why, by=user.label, now=now
            )
        else:
            id = str(seen.get("id"))
            number = int(bool(await letter_acts.settle(context.db, id, verdict, reason=why, by=user.label, now=now)))
        if not number:
            told = _too_late()
        elif verdict == "retried":
            told = toast(f"{units.plural(number, 'item')} taken up again", "The next run tries them.", "blue")
        else:
            told = toast(f"{units.plural(number, 'item')} given up", "“Given up lately” below takes one back.", "blue")
        return False, None, now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("letters-back", "data"),
        prevent_initial_call=True,
    )
    async def take_letter_back(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        id = str((asked or {}).get("back", ""))
        if not id:
            return no_update, no_update
        user = who_may("operate")
        if user is None:
            return no_update, not_allowed("act on dead letters")
        now = context.now()
        if await letter_acts.reopen(context.db, id, by=user.label, now=now):
            return now.timestamp(), [toast("Taken back", "It waits among the dead letters again.", "blue")]
        return now.timestamp(), [toast("Nothing to take back", "It has moved on since.", "gray")]


def _too_late() -> dict[str, Any]:
    return toast("Done before", "Somebody was faster.", "gray")


def consequences(found: Sequence[DeadLetter], verdict: str, context: DashboardContext) -> Component:
    """Return what is to be done with these letters, and what that means."""
    what = f"“{found[0].item}”" if len(found) == 1 else f"{units.plural(len(found), 'item')}"
    syncs = sorted({letter.sync for letter in found})
    names = ", ".join(context.label(name) for name in syncs)
    if verdict == "retried":
        told = [html.P([html.Strong(f"Try {what} again"), f" ({names})."])]
        told.append(html.P("The next run of each sync tries them; those that fail once more come back to this list."))
    else:
        told = [html.P([html.Strong(f"Give {what} up"), f" ({names}). Nobody tries again."])]
        told += [html.P(_STAYS[name]) for name in syncs if name in _STAYS]
    return html.Div(told)
