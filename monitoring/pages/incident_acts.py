"""What people do with an incident: look after it, silence it, end it, open it again, say something about it.

What can be undone by one click is done by one; what others have to read a reason for asks for it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import incident_acts as acts
from db.incidents import Incident, find_incident
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.circuit_dialog import ENDS, end_of
from monitoring.pages.marks import icon
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import LONGEST, LONGEST_NOTE, reason_problem
from monitoring.scrub import scrubbed
from monitoring.timerange import TimeRange, zone_named

_GRACE = f"{acts.GRACE.total_seconds() / 60:g} minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act that asks for a reason: its title, its button, what it does in sentences, what it says when it is done."""

    title: str
    yes: str
    what: str
    done: tuple[str, str]


ASKING: Mapping[str, Act] = {
    "note": Act(
        title="Add a note",
        yes="Add it",
        what="It stands on the timeline and in the summary. Everybody who may look can read it.",
        done=("Noted", "It stands on the timeline; “Take back” beside it removes it."),
    ),
    "hand_back": Act(
        title="Hand it back",
        yes="Hand it back",
        what="Nobody looks after it then: Slack is told at once, and again while nobody takes it up.",
        done=("Handed back", "Slack is told that it needs somebody."),
    ),
    "silence": Act(
        title="Silence this incident",
        yes="Silence it",
        what=(
            "Slack is told nothing of this incident until then, then once if it still fires. Any other incident is told as "
            "ever. So is this one when it becomes another trouble: when it pages, when it is a fault it was not before, "
            "or when its run ends with another error."
        ),
        done=("Silenced", "The overview and this page say so. “End the silence” undoes it."),
    ),
    "resolve": Act(
        title="Resolve it by hand",
        yes="Resolve it",
        what=(
            "It opens again, and Slack is told, at once when it ends in fact and begins anew, or when another run fails; "
            f"else when it still holds {_GRACE} from now."
        ),
        done=("Resolved", "“Reopen…” undoes it."),
    ),
    "reopen": Act(
        title="Open it again",
        yes="Open it",
        what=(
            "Slack is told. If a person resolved it while it held, its rule judges it as before; else it stays open until "
            "a person resolves it."
        ),
        done=("Opened again", "“Resolve…” ends it."),
    ),
}
_TOO_LATE = "Nothing was changed: it has changed since you looked."


def dialog() -> Component:
    """Return the one dialog for all that asks for a reason, closed."""
    ends = [{"value": value, "label": label} for value, (label, _) in ENDS.items() if value != "never"]
    return html.Div(
        [
            dcc.Store(id="incident-asked"),
            dcc.Store(id="incident-now"),
            dcc.Store(id="incident-seen"),
            dialogs.dialog(
                "incident-act",
                title="Incident",
                yes="Do it",
                body=[
                    html.Div(
                        dmc.Select(
                            id="incident-ends",
                            label="It ends",
                            description="By itself then, whoever is awake.",
                            data=[*ends, {"value": "resolved", "label": "When it is resolved"}],
                            value="1h",
                            allowDeselect=False,
                            mt="md",
                        ),
                        id="incident-ends-part",
                        hidden=True,
                    )
                ],
                hint="Secrets are taken out. No personal data, please.",
            ),
        ]
    )


def buttons(incident: Incident, view: TimeRange, *, me: str | None) -> list[Component]:
    """Return what can be done with an incident as it stands."""
    found: list[tuple[str, str, str]] = []  # what, label, mark
    if incident.state == "firing" and incident.acknowledged_by is None:
        found.append(("acknowledge", "Acknowledge", "user"))
    elif incident.state == "firing":
        found += [("take_over", "Take over", "user")] if incident.acknowledged_by != me else []
        found.append(("hand_back", "Hand back…", "user"))
    if incident.state != "resolved":
        silenced = incident.is_silenced(view.now)
        found.append(("unsilence", "End the silence", "bell") if silenced else ("silence", "Silence…", "hand"))
    if incident.state == "firing":
        found.append(("resolve", "Resolve…", "healthy"))
    if incident.state == "resolved":
        found.append(("reopen", "Reopen…", "bell"))
    found.append(("note", "Note…", "pencil"))
    return [
        dmc.Button(
            label,
            id={"incident": incident.id, ("do" if what in ASKING else "now"): what},
            leftSection=icon(mark),
            variant="filled" if what == "acknowledge" else "default",
            size="xs",
        )
        for what, label, mark in found
    ]


def register(app: Dash, context: DashboardContext) -> None:
    """Ask for a reason where one is needed, and act."""
    for store, kind in (("incident-asked", "do"), ("incident-now", "now")):
        app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
            ClientsideFunction("quayside", "asked"),
            Output(store, "data"),
            Input({"incident": ALL, kind: ALL}, "n_clicks"),
            prevent_initial_call=True,
        )
    dialogs.closes(app, "incident-act")
    _register_question(app, context)
    _register_acts(app, context)


def _register_question(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("incident-act-modal", "opened", allow_duplicate=True),
        Output("incident-act-modal", "title"),
        Output("incident-act-facts", "children"),
        Output("incident-act-yes", "children"),
        Output("incident-ends-part", "hidden"),
        Output("incident-seen", "data"),
        Output("incident-act-reason", "label"),
        Output("incident-act-reason", "value"),
        Output("incident-act-reason", "error", allow_duplicate=True),
        Input("incident-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask_incident(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        what, id = _named(asked, "do")
        act = ASKING.get(what)
        incident = await find_incident(context.db, id) if act is not None else None
        if act is None or incident is None:
            return (no_update,) * 9
        label = "What is to be known?" if what == "note" else "Why?"
        return (
            True,
            act.title,
            html.P(act.what),
            act.yes,
            what != "silence",
            [id, what, _silence(incident)],
            label,
            "",
            None,
        )


def _register_acts(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("incident-act-modal", "opened", allow_duplicate=True),
        Output("incident-act-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("incident-act-yes", "n_clicks"),
        State("incident-seen", "data"),
        State("incident-ends", "value"),
        State("incident-act-reason", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def act_on_incident(
        yes: int | None, seen: Any, ends: str | None, reason: str | None, zone: str | None
    ) -> tuple[Any, ...]:
        if not yes or not isinstance(seen, list) or len(seen) != 3 or seen[1] not in ASKING:
            return (no_update,) * 4
        user = who_may("operate")
        if user is None:
            return False, None, no_update, not_allowed()
        id, what, as_seen = str(seen[0]), str(seen[1]), seen[2]
        if wrong := reason_problem(reason, LONGEST_NOTE if what == "note" else LONGEST):
            return True, wrong, no_update, no_update
        now, text = context.now(), scrubbed(str(reason).strip())
        who: dict[str, Any] = {"by": user.label, "now": now}
        title, sentence = ASKING[what].done
        if what == "silence":
            until = None if ends == "resolved" else end_of(ends, now)
            row = await find_incident(context.db, id)
            done = (
                row is not None
                and _silence(row) == as_seen
                and await acts.silence(context.db, row, until=until, reason=text, **who)
            )
            title += f" until {units.clock(until, zone_named(zone), now)}" if until else " until it is resolved"
        elif what == "note":
            done = await acts.add_note(context.db, id, text, **who) is not None
        else:
            by_name = {"hand_back": acts.hand_back, "resolve": acts.resolve_by_hand, "reopen": acts.reopen_by_hand}
            done = await by_name[what](context.db, id, reason=text, **who)
        told = toast(title, sentence, "blue") if done else toast("Not done", _TOO_LATE, "gray")
        return False, None, now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("incident-now", "data"),
        State("incident-id", "data"),
        prevent_initial_call=True,
    )
    async def do_to_incident(asked: dict[str, Any] | None, shown: str | None) -> tuple[Any, Any]:
        what, id = _named(asked, "now")
        if what not in _AT_ONCE:
            return no_update, no_update
        user = who_may("operate")
        if user is None:
            return no_update, not_allowed()
        now = context.now()
        who: dict[str, Any] = {"by": user.label, "now": now}
        if what == "acknowledge":
            done = await acts.acknowledge(context.db, id, **who)
        elif what == "take_over":
            row = await find_incident(context.db, id)
            holder = row.acknowledged_by if row is not None else None
            done = holder is not None and holder != user.label
            done = done and await acts.acknowledge(context.db, id, instead_of=holder, **who)
        elif what == "unsilence":
            done = await acts.end_silence(context.db, id, **who)
        else:
            done = await acts.remove_note(context.db, str(shown), id, **who)
        told = toast(*_AT_ONCE[what], "blue") if done else toast("Not done", _TOO_LATE, "gray")
        return now.timestamp(), [told]


_AT_ONCE: Mapping[str, tuple[str, str]] = {
    "acknowledge": ("You look after it", "Slack says so and does not repeat it. “Hand back…” undoes it."),
    "take_over": ("You look after it now", "Slack says so. “Hand back…” undoes it."),
    "unsilence": ("The silence is over", "Slack is told of what still fires."),
    "unnote": ("Taken back", "The note is gone; that it was there stays in the audit."),
}


def _named(asked: Mapping[str, Any] | None, kind: str) -> tuple[str, str]:
    """Return what was asked for, and of which incident (or note)."""
    return str((asked or {}).get(kind, ""))[:32], str((asked or {}).get("incident", ""))[:64]


def _silence(incident: Incident) -> list[Any]:
    """Return a silence as it stands, to tell whether somebody changed it meanwhile."""
    return [incident.silenced_by, incident.silenced_until.isoformat() if incident.silenced_until else None]
