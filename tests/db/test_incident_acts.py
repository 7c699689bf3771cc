"""What people do with incidents, in both databases: once, noted, and only while it still fits."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from db import audit, incident_acts, incident_events, incident_search, incidents, notices
from db.engine import Database
from db.incidents import Incident
from tests.conftest import MovableClock

CHANNEL = "C0ALERTS"


def later(clock: MovableClock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


async def fire(db: Database, clock: MovableClock, *, subject: str = "fedex", **changes: Any) -> Incident:
    values: dict[str, Any] = {
        "rule": "circuit_open",
        "state": "firing",
        "severity": "page",
        "title": "The circuit of FedEx is open",
        "facts": {"sentence": "5 in a row failed."},
        "started_at": clock.now(),
        "inhibited_by": None,
    }
    assert await incidents.open_incident(db, subject=subject, now=clock.now(), **(values | changes))
    (found,) = [one for one in await incidents.open_incidents(db) if one.subject == subject]
    return found


async def now_is(db: Database, incident: Incident) -> Incident:
    found = await incidents.find_incident(db, incident.id)
    assert found is not None
    return found


async def happened(db: Database, incident: Incident) -> list[tuple[str, str | None]]:
    return [(event.kind, event.by) for event in await incident_events.events_of(db, incident.id)]


async def told(db: Database, clock: MovableClock, incident: Incident) -> None:
    """Let the channel have its first message."""
    ((_, notice),) = await notices.due_notices(db, CHANNEL, now=clock.now())
    await notices.notice_sent(
        db, notice, message_id="1.1", version=incident.version, now=clock.now(), remind_at=later(clock, 3600)
    )


async def test_a_note_stands_on_the_timeline_once_and_only_its_author_takes_it_back(
    database: Database, clock: MovableClock
) -> None:
    incident = await fire(database, clock)

    ids = await asyncio.gather(
        *(incident_acts.add_note(database, incident.id, "They are on it.", by="ada", now=clock.now()) for _ in range(3))
    )
    by_another = await incident_acts.remove_note(database, incident.id, str(ids[0]), by="bob", now=clock.now())
    assert len(set(ids)) == 1
    assert await happened(database, incident) == [("opened", None), ("note", "ada")]

    assert not by_another
    assert await incident_acts.remove_note(database, incident.id, str(ids[0]), by="ada", now=clock.now())
    assert await happened(database, incident) == [("opened", None)]
    acts = [act.act for act in await audit.list_acts(database, subject=incident.id)]
    assert sorted(acts) == ["incident.note_removed", "incident.noted"]
    assert await incident_acts.add_note(database, "nope", "x y z", by="ada", now=clock.now()) is None


async def test_a_colleague_takes_over_only_from_whom_they_saw(database: Database, clock: MovableClock) -> None:
    incident = await fire(database, clock)

    async def take(by: str, instead_of: str | None = None) -> bool:
        return await incident_acts.acknowledge(database, incident.id, by=by, instead_of=instead_of, now=clock.now())

    assert [await take("ada"), await take("bob"), await take("bob", "eve"), await take("bob", "ada")] == [
        True,
        False,
        False,
        True,
    ]
    assert (await now_is(database, incident)).acknowledged_by == "bob"
    assert await incident_acts.hand_back(database, incident.id, by="ada", reason="off duty", now=clock.now())
    assert not await incident_acts.hand_back(database, incident.id, by="ada", reason="off duty", now=clock.now())
    assert (await now_is(database, incident)).acknowledged_by is None


async def test_who_looks_after_it_is_not_reminded_and_who_hands_it_back_lets_all_know(
    database: Database, clock: MovableClock
) -> None:
    incident = await fire(database, clock)
    await told(database, clock, incident)
    clock.move(3601)
    assert len(await notices.due_reminders(database, CHANNEL, now=clock.now())) == 1

    await incident_acts.acknowledge(database, incident.id, by="ada", now=clock.now())
    assert await notices.due_reminders(database, CHANNEL, now=clock.now()) == []

    await incident_acts.hand_back(database, incident.id, by="ada", reason="off duty", now=clock.now())
    ((_, notice),) = await notices.due_reminders(database, CHANNEL, now=clock.now())
    claims = await asyncio.gather(*(notices.claim_reminder(database, notice, remind_at=None) for _ in range(3)))
    assert sorted(claims) == [False, False, True]
    assert await notices.due_reminders(database, CHANNEL, now=clock.now()) == []


async def test_a_silenced_incident_is_due_for_nobody_until_its_moment(database: Database, clock: MovableClock) -> None:
    incident = await fire(database, clock)
    until = later(clock, 600)

    assert await incident_acts.silence(database, incident, until=until, reason="Known", by="ada", now=clock.now())
    assert await notices.due_notices(database, CHANNEL, now=clock.now()) == []
    other = await fire(database, clock, subject="ups")
    assert [found.id for found, _ in await notices.due_notices(database, CHANNEL, now=clock.now())] == [other.id]

    clock.move(601)
    assert await incidents.end_silences(database, now=clock.now()) == 1
    assert await incidents.end_silences(database, now=clock.now()) == 0
    due = {found.id for found, _ in await notices.due_notices(database, CHANNEL, now=clock.now())}
    assert due == {incident.id, other.id}
    assert [kind for kind, _ in await happened(database, incident)] == ["opened", "silenced", "unsilenced"]


async def test_two_silences_at_once_are_one(database: Database, clock: MovableClock) -> None:
    incident = await fire(database, clock)

    done = await asyncio.gather(
        *(
            incident_acts.silence(database, incident, until=None, reason="Known", by=name, now=clock.now())
            for name in ("ada", "bob")
        )
    )

    assert sorted(done) == [False, True]
    assert (await now_is(database, incident)).is_silenced(clock.now())


async def test_what_was_silenced_and_never_told_ends_without_a_word(database: Database, clock: MovableClock) -> None:
    unheard, heard = await fire(database, clock), await fire(database, clock, subject="ups")
    ((first, _), (_, notice)) = await notices.due_notices(database, CHANNEL, now=clock.now())
    assert first.id in (unheard.id, heard.id)
    await notices.notice_sent(database, notice, message_id="1.1", version=1, now=clock.now())
    posted = heard if notice.incident_id == heard.id else unheard
    for incident in (unheard, heard):
        await incident_acts.silence(
            database, incident, until=later(clock, 60), reason="Known", by="ada", now=clock.now()
        )
        await incidents.resolve_incident(database, await now_is(database, incident), now=clock.now())
    clock.move(3600)

    due = [found.id for found, _ in await notices.due_notices(database, CHANNEL, now=clock.now())]

    assert due == [posted.id]


async def test_a_silence_until_its_end_does_not_outlive_it_and_one_until_a_moment_does(
    database: Database, clock: MovableClock
) -> None:
    for subject, until in (("fedex", None), ("ups", later(clock, 600))):
        incident = await fire(database, clock, subject=subject)
        await incident_acts.silence(database, incident, until=until, reason="Known", by="ada", now=clock.now())
        await incidents.resolve_incident(database, await now_is(database, incident), now=clock.now())
    clock.move(30)
    for subject in ("fedex", "ups"):
        assert await incidents.begin_again(
            database,
            rule="circuit_open",
            subject=subject,
            resolved_since=later(clock, -60),
            title="again",
            facts={},
            now=clock.now(),
        )

    silenced = {one.subject: one.is_silenced(clock.now()) for one in await incidents.open_incidents(database)}

    assert silenced == {"fedex": False, "ups": True}


async def test_resolving_and_reopening_by_hand_keeps_who_and_why(database: Database, clock: MovableClock) -> None:
    incident = await fire(database, clock)
    how: dict[str, Any] = {"by": "ada", "now": clock.now()}

    assert await incident_acts.resolve_by_hand(database, incident.id, reason="They confirmed", **how)
    assert not await incident_acts.resolve_by_hand(database, incident.id, reason="They confirmed", **how)
    over = await now_is(database, incident)
    assert (over.state, over.resolved_by, over.resolved_reason, over.open_key) == (
        "resolved",
        "ada",
        "They confirmed",
        None,
    )

    assert await incident_acts.reopen_by_hand(database, incident.id, reason="Not so", **how)
    assert not await incident_acts.reopen_by_hand(database, incident.id, reason="Not so", **how)
    again = await now_is(database, incident)
    assert (again.state, again.resolved_by, again.kept_open_by) == ("firing", None, None)
    acts = {act.act: act.reason for act in await audit.list_acts(database, subject=incident.id)}
    assert acts == {"incident.resolved": "They confirmed", "incident.reopened": "Not so"}


async def test_what_its_rule_ended_is_kept_open_by_hand_but_not_beside_another(
    database: Database, clock: MovableClock
) -> None:
    first = await fire(database, clock)
    await incidents.resolve_incident(database, first, now=clock.now())
    clock.move(600)
    second = await fire(database, clock)

    assert not await incident_acts.reopen_by_hand(database, first.id, reason="Not so", by="ada", now=clock.now())
    await incidents.resolve_incident(database, second, now=clock.now())
    assert await incident_acts.reopen_by_hand(database, first.id, reason="Not so", by="ada", now=clock.now())
    assert (await now_is(database, first)).kept_open_by == "ada"


async def test_events_go_with_their_incident(database: Database, clock: MovableClock) -> None:
    incident = await fire(database, clock, state="pending")
    await incident_acts.add_note(database, incident.id, "a note", by="ada", now=clock.now())

    assert await incidents.drop_pending(database, incident)
    assert await incident_events.events_of(database, incident.id) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["ups", "fedex/se", "fedex"]),
        ({"subject": "fedex"}, ["fedex/se", "fedex"]),
        ({"states": ("resolved",)}, ["fedex"]),
        ({"severity": "ticket"}, ["ups"]),
        ({"since": 90}, ["ups", "fedex/se"]),
        ({"until": 30}, ["fedex"]),
        ({"rule": "error_rate"}, []),
    ],
    ids=["all", "a vendor and its parts", "state", "severity", "still open then", "begun before", "rule"],
)
async def test_incidents_are_found_by_what_they_are(
    database: Database, clock: MovableClock, asked: dict[str, Any], found: list[str]
) -> None:
    begin = clock.now()
    first = await fire(database, clock)
    clock.move(60)
    await incidents.resolve_incident(database, first, now=clock.now())
    await fire(database, clock, subject="fedex/se")
    clock.move(60)
    await fire(database, clock, subject="ups", severity="ticket")
    for name in ("since", "until"):
        if name in asked:
            asked = {**asked, name: begin + timedelta(seconds=asked[name])}

    assert [one.subject for one in await incident_search.search(database, **asked)] == found


async def test_the_averages_count_from_firing(database: Database, clock: MovableClock) -> None:
    begin = clock.now()
    for seconds in (60, 120):
        incident = await fire(database, clock)
        clock.move(seconds)
        await incident_acts.acknowledge(database, incident.id, by="ada", now=clock.now())
        clock.move(100)
        await incidents.resolve_incident(database, await now_is(database, incident), now=clock.now())
    await fire(database, clock, subject="ups", state="pending")

    found = await incident_search.pace(database, since=begin, until=later(clock, 1))

    assert (found.fired, found.acknowledged, found.resolved) == (2, 2, 2)
    assert (found.to_acknowledge, found.to_resolve) == (90.0, 190.0)
