"""Replays: those that were asked for, how far one is, and each call's old and new answer side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import replays as rows
from db.replays import Item, Replay
from monitoring import units
from monitoring.call_filters import PARAMETERS
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.replay_compare import comparison
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.replaying import progress_of
from monitoring.timerange import TimeRange, parameters_of, time_range

LISTED = 50
PAGE = 100
_TABS: Mapping[str, tuple[str, Sequence[str], bool]] = {  # parameter -> label, states, only what changed
    "": ("All", (), False),
    "changed": ("Ended differently", ("done",), True),
    "refused": ("Not replayed", ("refused", "cancelled"), False),
    "left": ("Still to come", ("waiting", "claimed"), False),
}


def list_layout(_context: DashboardContext) -> Component:
    """Return the frame of the list."""
    return html.Div(
        [
            html.Div(
                [html.H1("Replays"), html.Span("calls that were made once more, newest first", className="q-sub")],
                className="q-head",
            ),
            html.Div(loading(40, 220), id="replays-body"),
        ]
    )


def layout(_context: DashboardContext, id: str) -> Component:
    """Return the frame of one replay."""
    return html.Div(
        [
            html.Div([html.H1("Replay"), html.Span(id, className="q-mono q-sub")], className="q-head"),
            dcc.Store(id="replay-id", data=id),
            html.Div(loading(120, 220), id="replay-body"),
            dmc.Drawer(
                html.Div(id="replay-item-body"),
                id="replay-item",
                title="Before and after",
                position="right",
                size="min(980px, 100vw)",
                padding="md",
                closeButtonProps=aria(label="Close the comparison"),
            ),
            dialogs.dialog(
                "replay-cancel",
                title="Cancel the replay",
                yes="Cancel it",
                no="Let it go on",
                reason="Why is it cancelled?",
                hurts=True,
            ),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep both pages fresh, compare, cancel."""

    @app.callback(
        Output("replays-body", "children"), Input("tick", "data"), Input("zone", "data"), State("url", "search")
    )
    async def show_replays(_tick: float, zone: str | None, search: str | None) -> Any:
        view = time_range(search, zone, context.now())
        return await shown("replays", hub.once(("replays", zone), lambda: read_list(context, view)))

    @app.callback(
        Output("replay-body", "children"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("replay-id", "data"),
    )
    async def show_replay(_tick: float, acted: Any, search: str | None, zone: str | None, id: str | None) -> Any:
        view, act = time_range(search, zone, context.now()), may_trigger()
        wanted = parameters_of(search)
        key = ("replay", id, wanted.get("show"), wanted.get("after"), zone, acted, act)
        return await shown("replay", hub.once(key, lambda: read(context, str(id), wanted, view, act)))

    @app.callback(
        Output("replay-item", "opened"),
        Output("replay-item-body", "children"),
        Input("url", "search"),
        Input("zone", "data"),
        State("replay-id", "data"),
        State("replay-item", "opened"),
    )
    async def show_item(search: str | None, zone: str | None, id: str | None, opened: bool | None) -> Any:
        number = parameters_of(search).get("item", "")
        if not number.isdecimal() or len(number) > 6:
            return (False if opened else no_update), no_update
        view = time_range(search, zone, context.now())

        async def reading() -> list[Component]:
            item = await rows.item(context.db, str(id), int(number))
            return (
                [empty("There is no such call in this replay.")]
                if item is None
                else await comparison(item, context, view)
            )

        return True, await shown("replay-item", reading())

    _register_acts(app, context)


def _register_acts(app: Dash, context: DashboardContext) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "closed"),
        Output("url", "search", allow_duplicate=True),
        Input("replay-item", "opened"),
        State("url", "search"),
        State("replay-item", "id"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("replay-cancel-modal", "opened", allow_duplicate=True),
        Output("replay-cancel-facts", "children"),
        Output("replay-cancel-reason", "value"),
        Output("replay-cancel-reason", "error", allow_duplicate=True),
        Input("replay-cancel-ask", "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_cancel_replay(clicks: int | None) -> Any:
        if not clicks:
            return (no_update,) * 4
        sentence = "What has not begun is not made; what is under way ends by itself. What is done stays done."
        return True, html.P(sentence), "", None

    dialogs.closes(app, "replay-cancel")

    @app.callback(
        Output("replay-cancel-modal", "opened", allow_duplicate=True),
        Output("replay-cancel-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("replay-cancel-yes", "n_clicks"),
        State("replay-id", "data"),
        State("replay-cancel-reason", "value"),
        prevent_initial_call=True,
    )
    async def cancel_replay(yes: int | None, id: str | None, reason: str | None) -> Any:
        user = who_may("trigger")
        if user is None:
            return False, None, no_update, not_allowed("cancel")
        if not yes or not id:
            return (no_update,) * 4
        if wrong := reason_problem(reason):
            return no_update, wrong, no_update, no_update
        now = context.now()
        done = await rows.cancel(context.db, id, by=user.label, reason=str(reason).strip(), now=now)
        told = (
            toast("Cancelled", "What has not begun is not made.", "blue")
            if done
            else toast("Not cancelled", "It is over already; nothing was changed.", "gray")
        )
        return False, None, now.timestamp(), [told]


async def read_list(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the latest replays."""
    found = await rows.listed(context.db, limit=LISTED)
    if not found:
        return [
            empty(
                "Nothing was replayed yet.",
                "Filter the calls and choose “Replay…”, or open one call: it is made once more under its own key.",
            )
        ]
    counts = await rows.counts(context.db, [one.id for one in found])
    lines = []
    for one in found:
        progress = progress_of(counts[one.id])
        lines.append(
            [
                moment(one.created_at, view),
                dcc.Link(one.reason, href=view.link(f"/replays/{one.id}")),
                one.created_by,
                badge(STATES[one.state][0], STATES[one.state][1]),
                units.count(one.total),
                words_of(progress),
            ]
        )
    names = ("When", "Why", "By", "State", ">Calls", "How they ended")
    return [html.Section(table(names, lines, caption="Replays"), className="q-panel")]


STATES = {
    "running": ("running", "running"),
    "finished": ("success", "finished"),
    "cancelled": ("cancelled", "cancelled"),
}
_WORDS = {
    "success": "succeeded",
    "error": "failed again",
    "unknown": "unknown",
    "refused": "not replayed",
    "cancelled": "cancelled",
    "under_way": "under way",
    "waiting": "to come",
}


def words_of(progress: Mapping[str, int]) -> str:
    """Return how many calls ended how."""
    return " · ".join(f"{units.count(progress[name])} {word}" for name, word in _WORDS.items() if progress[name])


async def read(
    context: DashboardContext, id: str, wanted: Mapping[str, str], view: TimeRange, act: bool
) -> list[Component]:
    """Return one replay: what it is, how far it is, and its calls."""
    replay = await rows.get(context.db, id)
    if replay is None:
        return [empty("There is no such replay.", "It may be too old to be kept; see the list of replays.")]
    counts = (await rows.counts(context.db, [id]))[id]
    show = wanted.get("show", "")
    label, states, changed = _TABS.get(show, _TABS[""])
    after = int(wanted["after"]) if wanted.get("after", "").isdecimal() and len(wanted["after"]) < 7 else 0
    found = await rows.items(context.db, id, states=states, changed=changed, after=after, limit=PAGE + 1)
    return [
        _head(replay, progress_of(counts), view, act),
        _tabs(replay.id, show, view),
        _list(found, label, replay.id, show, context, view),
    ]


def _head(replay: Replay, progress: Mapping[str, int], view: TimeRange, act: bool) -> Component:
    total = max(replay.total, 1)
    done = total - progress["waiting"] - progress["under_way"]
    elapsed = (view.now - replay.created_at).total_seconds()
    moved = progress["success"] + progress["error"] + progress["unknown"]
    left = progress["waiting"] + progress["under_way"]
    time_left = f" · about {units.about(max(1.0, elapsed / moved * left))} left" if moved and left else ""
    state, word = STATES[replay.state]
    running = replay.state == "running"
    names = [name for name in PARAMETERS if replay.wanted.get(name)]
    filter_words = " · ".join(f"{name.replace('_', ' ')}: {replay.wanted[name]}" for name in names) or "all calls"
    link = "/calls?" + "&".join(f"{name}={_quoted(value)}" for name, value in replay.wanted.items())
    return html.Section(
        [
            html.Div(
                [
                    badge(state, word),
                    html.Span(words_of(progress), className="q-num"),
                    html.Span(time_left.removeprefix(" · ") if running else "", className="q-dim"),
                    html.Span(className="q-grow"),
                    dmc.Button("Cancel…", id="replay-cancel-ask", size="compact-sm", variant="default")
                    if running and act
                    else None,
                ],
                className="q-toolbar",
            ),
            html.Div(
                html.Div(style={"width": f"{done / total:.1%}"}),
                className="q-bar",
                role="progressbar",
                **aria(label="Calls that are over", valuenow=str(done), valuemin="0", valuemax=str(total)),
            ),
            html.Dl(
                [
                    *_pair("Why", replay.reason),
                    *_pair("By", html.Span([replay.created_by, ", ", moment(replay.created_at, view)])),
                    *_pair("Calls", dcc.Link(filter_words, href=link)),
                    *_pair("Trace", dcc.Link("all calls of this replay", href=view.link(f"/traces/{replay.id}"))),
                    *(_pair("Ended", _ended(replay, view)) if not running else []),
                ],
                className="q-facts",
            ),
        ],
        className="q-panel",
    )


def _ended(replay: Replay, view: TimeRange) -> Component:
    by = f", cancelled by {replay.changed_by}" if replay.changed_by else ""
    return html.Span([moment(replay.finished_at, view), by])


def _quoted(value: Any) -> str:
    return quote(str(value), safe="")


def _pair(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _tabs(id: str, show: str, view: TimeRange) -> Component:
    links = [
        html.Span(label, className="q-choice q-choice-on", **aria(current="true"))
        if name == show
        else dcc.Link(label, href=view.link(f"/replays/{id}", show=name), className="q-choice")
        for name, (label, _states, _changed) in _TABS.items()
    ]
    return html.Nav(links, className="q-choices", **aria(label="Which calls"))


def _list(
    found: Sequence[Item], label: str, id: str, show: str, context: DashboardContext, view: TimeRange
) -> Component:
    if not found:
        return empty(f"{label}: none.", "")
    lines = [
        [
            str(item.number),
            html.Span([context.label(item.vendor), " ", html.Span(item.operation, className="q-mono")]),
            _outcome(item.old_outcome, item.old_error_type),
            _now(item),
            units.duration(item.duration),
            item.message or item.why or "",
            dcc.Link(
                ["Compare", html.Span(f" call {item.number}", className="q-only-read")],
                href=view.link(f"/replays/{id}", show=show, item=str(item.number)),
            )
            if item.new_call_id
            else "",
        ]
        for item in found[:PAGE]
    ]
    names = (">No.", "Call", "Was", "Now", ">Duration", "What happened", "")
    more = (
        dcc.Link(f"The next {PAGE}", href=view.link(f"/replays/{id}", show=show, after=str(found[PAGE - 1].number)))
        if len(found) > PAGE
        else None
    )
    return html.Section([table(names, lines, caption="Calls of the replay"), more], className="q-panel")


def _outcome(outcome: str, error_type: str | None) -> Component:
    return badge(outcome, (error_type or outcome).replace("_", " "))


def _now(item: Item) -> Component:
    if item.state == "done":
        return _outcome(item.outcome or "", item.error_type)
    words = {"waiting": "to come", "claimed": "under way", "refused": "not replayed", "cancelled": "cancelled"}
    kind = {"waiting": "queued", "claimed": "running", "refused": "refused", "cancelled": "cancelled"}
    return badge(kind[item.state], words[item.state])
