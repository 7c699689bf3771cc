"""Incidents and notices in both databases: one open incident per subject, whoever writes it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from db import incident_acts, incidents, notices
from db.engine import Database
from db.incidents import Incident
from tests.conftest import MovableClock

CHANNEL = "C0ALERTS"


async def opened(
    db: Database, clock: MovableClock, *, state: incidents.State = "firing", subject: str = "fedex"
) -> bool:
    return await incidents.open_incident(
        db,
        rule="circuit_open",
        subject=subject,
        state=state,
        severity="page",
        title="The circuit of FedEx is open",
        facts={"sentence": "5 in a row failed."},
        started_at=clock.now(),
        inhibited_by=None,
        now=clock.now(),
    )


async def only(db: Database) -> Incident:
    (incident,) = await incidents.list_incidents(db, states=("pending", "firing", "resolved"))
    return incident


async def test_two_evaluators_at_once_open_one_incident(database: Database, clock: MovableClock) -> None:
    results = await asyncio.gather(*(opened(database, clock) for _ in range(4)))

    assert sorted(results) == [False, False, False, True]
    assert (await only(database)).state == "firing"


async def test_a_resolved_incident_leaves_room_for_the_next(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    clock.move(600)

    assert await incidents.resolve_incident(database, await only(database), now=clock.now())
    assert (await only(database)).duration == 600
    assert await opened(database, clock)
    assert [found.state for found in await incidents.list_incidents(database)] == ["firing", "resolved"]


async def test_only_the_first_of_two_changes_counts(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    before = await only(database)

    first = await incidents.change_incident(database, before, now=clock.now(), say=True, values={"title": "first"})
    second = await incidents.change_incident(database, before, now=clock.now(), say=True, values={"title": "second"})

    assert (first, second) == (True, False)
    assert (await only(database)).title == "first"
    assert (await only(database)).version == 2


async def test_an_incident_that_begins_again_at_once_is_the_same_one(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    await incidents.resolve_incident(database, await only(database), now=clock.now())
    clock.move(30)

    again = await incidents.begin_again(
        database,
        rule="circuit_open",
        subject="fedex",
        resolved_since=clock.now() - timedelta(seconds=60),
        title="again",
        facts={},
        now=clock.now(),
    )
    late = await incidents.begin_again(
        database, rule="circuit_open", subject="ups", resolved_since=clock.now(), title="", facts={}, now=clock.now()
    )

    assert (again, late) == (True, False)
    assert (await only(database)).state == "firing"
    assert (await only(database)).facts["times"] == 2


async def test_acknowledging_names_one_person_and_is_news(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    incident = await only(database)

    first = await incident_acts.acknowledge(database, incident.id, by="ada", now=clock.now())
    second = await incident_acts.acknowledge(database, incident.id, by="bob", now=clock.now())

    assert (first, second) == (True, False)
    assert (await only(database)).acknowledged_by == "ada"
    assert (await only(database)).version == 2


async def test_pages_of_incidents_follow_each_other_without_a_gap(database: Database, clock: MovableClock) -> None:
    for subject in ("a", "b", "c", "d", "e"):
        await opened(database, clock, subject=subject)
        clock.move(0 if subject == "b" else 1)

    seen: list[str] = []
    before = None
    while page := await incidents.list_incidents(database, before=before, limit=2):
        seen += [found.subject for found in page]
        before = (page[-1].started_at, page[-1].id)

    assert sorted(seen) == ["a", "b", "c", "d", "e"]


async def test_a_pending_incident_is_never_a_notice(database: Database, clock: MovableClock) -> None:
    await opened(database, clock, state="pending")

    assert await notices.due_notices(database, CHANNEL, now=clock.now()) == []
    assert await incidents.drop_pending(database, await only(database))
    assert await incidents.open_incidents(database) == []


async def test_a_notice_is_claimed_by_one_sender_and_due_again_when_that_one_dies(
    database: Database, clock: MovableClock
) -> None:
    await opened(database, clock)
    ((incident, notice),) = await notices.due_notices(database, CHANNEL, now=clock.now())
    until = clock.now() + timedelta(seconds=60)

    claims = await asyncio.gather(
        *(
            notices.claim_notice(database, notice, until=until, draft={"text": "x", "blocks": []}, draft_version=1)
            for _ in range(3)
        )
    )

    assert sorted(claims) == [False, False, True]
    assert await notices.due_notices(database, CHANNEL, now=clock.now()) == []
    clock.move(61)
    ((_, again),) = await notices.due_notices(database, CHANNEL, now=clock.now())
    assert again.draft == {"text": "x", "blocks": []}

    await notices.notice_sent(database, again, message_id="1.2", version=incident.version, now=clock.now())
    assert await notices.due_notices(database, CHANNEL, now=clock.now()) == []


async def test_what_a_channel_does_not_take_is_counted(database: Database, clock: MovableClock) -> None:
    await opened(database, clock)
    ((_, notice),) = await notices.due_notices(database, CHANNEL, now=clock.now())

    await notices.notice_failed(database, notice, error="channel_not_found", due_at=clock.now() + timedelta(hours=1))

    assert await notices.unsent(database) == 1
    assert await notices.due_notices(database, CHANNEL, now=clock.now()) == []
