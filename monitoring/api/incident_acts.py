"""What an operator does with an incident: a note, looking after it, a silence, ending it, opening it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from db import incident_acts
from db import incidents as incident_rows
from monitoring.api.access import HasSite, MayOperate, Model, UtcDatetime, problems
from monitoring.api.incidents import Id, Incident, found, shown
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, LONGEST_NOTE, SHORTEST
from monitoring.scrub import scrubbed
from monitoring.site import Site

router = APIRouter(prefix="/incidents", tags=["incidents"])

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST),
    AfterValidator(scrubbed),
    Field(description="why, for whoever finds it so; no personal data"),
]


class Acknowledgement(Model):
    """A word on what is being done. ``take_over``: from whoever looks after it now."""

    note: str = Field(default="", max_length=LONGEST, examples=["Called FedEx, they are on it"])
    take_over: bool = False


class Note(Model):
    """Words for the timeline; what reads like a secret is taken out of them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"text": "FedEx says a data centre is down; next word at 14:00"}]},
    )

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST_NOTE)]


class Noted(Model):
    """The note as it stands on the timeline."""

    id: str = Field(examples=["0d2f6c1b9a4e4f0f8a53c3b0a5c9f1de"])
    text: str


class SilenceOrder(Model):
    """Tell nobody of this incident for a while. Another incident is still told, and so is this one when it becomes
    another trouble: when it pages, is a fault it was not before, or its run ends with another error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"until": "2026-10-01T14:00:00Z", "reason": "FedEx announced maintenance"}]},
    )

    until: UtcDatetime | None = Field(default=None, description="when it ends by itself; null: when it is resolved")
    reason: Reason


class Why(Model):
    """Why it is done."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "FedEx confirmed that it is over"}]}
    )

    reason: Reason


NoteId = Annotated[str, Path(max_length=64, description="`note` on the timeline")]


@router.post("/{id}/notes", status_code=201, responses=problems(404))
async def add_note(id: Id, note: Note, site: HasSite, who: MayOperate) -> Noted:
    """Put a note on the timeline. The same words within a minute are one note."""
    text = scrubbed(note.text)
    note_id = await incident_acts.add_note(site.db, id, text, by=who.label, now=site.now())
    if note_id is None:
        raise unknown("incident", id, "path.id")
    return Noted(id=note_id, text=text)


@router.delete("/{id}/notes/{note}", responses=problems(404))
async def remove_note(id: Id, note: NoteId, site: HasSite, who: MayOperate) -> Incident:
    """Take a note of your own back."""
    incident = await found(site, id)
    if not await incident_acts.remove_note(site.db, id, note, by=who.label, now=site.now()):
        raise unknown("note of yours", note, "path.note")
    return incident


@router.post("/{id}/acknowledge", responses=problems(404, 409))
async def acknowledge(id: Id, site: HasSite, who: MayOperate, word: Acknowledgement | None = None) -> Incident:
    """Say that you look after a firing incident; its message in Slack says so, and is not repeated any more."""
    row = await _row(site, id)
    holder = row.acknowledged_by if word is not None and word.take_over else None
    if holder == who.label or not await incident_acts.acknowledge(
        site.db,
        id,
        by=who.label,
        now=site.now(),
        note=scrubbed(word.note.strip()) if word is not None else "",
        instead_of=holder,
    ):
        row = await _row(site, id)
        by = f"{row.acknowledged_by} looks after it already" if row.acknowledged_by else f"it is {row.state}"
        raise Problem(409, "not_acknowledged", f"Not noted: {by}.")
    return await found(site, id)


@router.post("/{id}/hand-back", responses=problems(404, 409))
async def hand_back(id: Id, why: Why, site: HasSite, who: MayOperate) -> Incident:
    """Say that nobody looks after it any more; people are told of it again."""
    row = await _row(site, id)
    if not await incident_acts.hand_back(site.db, id, by=who.label, now=site.now(), reason=why.reason):
        raise Problem(409, "not_acknowledged", f"Nobody looks after it: it is {row.state}.")
    return await found(site, id)


@router.post("/{id}/silence", responses=problems(404, 409))
async def silence(id: Id, order: SilenceOrder, site: HasSite, who: MayOperate) -> Incident:
    """Let nobody be told of an open incident, until a moment or until it is resolved; a silence before it is replaced."""
    now = site.now()
    if order.until is not None and not now < order.until <= now + incident_acts.LONGEST_SILENCE:
        reason = f"must lie ahead, at most {incident_acts.LONGEST_SILENCE.days} days"
        raise Problem(422, "invalid_input", f"body.until {reason}.", errors=[("body.until", reason)])
    row = await _row(site, id)
    if not await incident_acts.silence(site.db, row, until=order.until, reason=order.reason, by=who.label, now=now):
        raise Problem(409, "not_silenced", "Not silenced: it is resolved, or somebody else silenced it just now.")
    return await found(site, id)


@router.delete("/{id}/silence", responses=problems(404, 409))
async def end_silence(id: Id, site: HasSite, who: MayOperate) -> Incident:
    """End a silence at once; people are told of what still fires."""
    await _row(site, id)
    if not await incident_acts.end_silence(site.db, id, by=who.label, now=site.now()):
        raise Problem(409, "not_silenced", "It is not silenced.")
    return await found(site, id)


@router.post("/{id}/resolve", responses=problems(404, 409))
async def resolve(id: Id, why: Why, site: HasSite, who: MayOperate) -> Incident:
    """Call a firing incident over. It opens again at once when it ends in fact and begins anew, or when another run
    fails; else when it still holds 15 minutes later."""
    row = await _row(site, id)
    if not await incident_acts.resolve_by_hand(site.db, id, reason=why.reason, by=who.label, now=site.now()):
        raise Problem(409, "not_firing", f"Nothing to resolve: it is {row.state}.")
    return await found(site, id)


@router.post("/{id}/reopen", responses=problems(404, 409))
async def reopen(id: Id, why: Why, site: HasSite, who: MayOperate) -> Incident:
    """Open a resolved incident again. One that a person resolved while it held is judged by its rule as before; any other
    stays open until a person resolves it (``kept_open_by``)."""
    row = await _row(site, id)
    if not await incident_acts.reopen_by_hand(site.db, id, reason=why.reason, by=who.label, now=site.now()):
        said = "it is open" if row.state != "resolved" else "another one is open for the same trouble"
        raise Problem(409, "not_reopened", f"Not reopened: {said}.")
    return shown(await _row(site, id), site)


async def _row(site: Site, id: str) -> incident_rows.Incident:
    row = await incident_rows.find_incident(site.db, id)
    if row is None:
        raise unknown("incident", id, "path.id")
    return row
