"""What people do with incidents, as the alerts honour it: whoever evaluates, whichever process delivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db import incident_acts, incident_events
from db.engine import Database
from db.incidents import Incident
from tests.conftest import MovableClock
from tests.monitoring.evidence import called, ran, set_circuit
from tests.monitoring.watching import OPTIONS, Watch


@pytest.fixture
def watch(database: Database, clock: MovableClock) -> Watch:
    return Watch(database, clock)


async def silence(watch: Watch, incident: Incident, seconds: float | None) -> None:
    now = watch.clock.now()
    until = None if seconds is None else now + timedelta(seconds=seconds)
    assert await incident_acts.silence(watch.db, incident, until=until, reason="Known", by="ada", now=now)


async def kinds(watch: Watch, rule: str) -> list[str]:
    return [event.kind for event in await incident_events.events_of(watch.db, (await watch.by_rule(rule)).id)]


async def test_a_silenced_incident_is_told_once_after_its_silence_and_a_new_one_at_once(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.alerts.evaluate()
    await silence(watch, await watch.by_rule("circuit_open"), 600)
    await watch.after(300)
    assert watch.slack.sent == []

    watch.alerts = watch.fresh()  # a restart forgets nothing
    await set_circuit(watch.db, "stripe", "open", watch.clock.now())
    await watch.after(270)
    assert [text.split(".")[0] for text, _ in watch.slack.sent] == ["🔴 Firing: The circuit of Stripe is open"]

    await watch.after(120)
    assert sum("FedEx" in text for text, _ in watch.slack.sent) == 1


async def test_after_the_silence_of_what_was_told_before_it_is_told_anew_once(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(15)
    await silence(watch, await watch.by_rule("circuit_open"), 600)
    await watch.after(590)
    assert len(watch.slack.sent) == 1

    await watch.after(600)
    posts = [text for text, message_id in watch.slack.sent if message_id is None]
    assert len(posts) == 2
    assert posts[1].startswith("🔴 Still firing after 10 min: The circuit of FedEx is open.")


async def test_what_ends_while_silenced_edits_its_message_and_posts_none(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    await set_circuit(watch.db, "stripe", "open", watch.clock.now())
    await watch.alerts.evaluate()
    for incident in await watch.all():
        await silence(watch, incident, None)

    for vendor in ("fedex", "stripe"):
        await set_circuit(watch.db, vendor, "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(300)

    (text,) = watch.slack.messages.values()
    assert text.startswith("✅ Resolved: The circuit of FedEx")


async def test_a_silence_does_not_hide_that_it_became_another_trouble(watch: Watch) -> None:
    await called(watch.db, "fedex", watch.clock.now(), good=10, theirs=20)
    await watch.after(75)
    await silence(watch, await watch.by_rule("error_rate"), None)
    await called(watch.db, "fedex", watch.clock.now(), good=10, theirs=22)
    await watch.after(30)
    assert len(watch.slack.sent) == 1

    watch.clock.move(60)
    await called(watch.db, "fedex", watch.clock.now(), configuration=90)
    await watch.after(15)

    incident = await watch.by_rule("error_rate")
    assert incident.silenced_by is None
    assert incident.facts["faults"] == ["theirs", "configuration"]
    assert sum(message_id is None for _, message_id in watch.slack.sent) == 2
    assert "unsilenced" in await kinds(watch, "error_rate")


async def test_a_fault_that_is_only_no_longer_seen_ends_no_silence(watch: Watch) -> None:
    await called(watch.db, "fedex", watch.clock.now(), network=20)
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(15)
    assert (await watch.by_rule("circuit_open")).facts["fault"] == "network"
    await silence(watch, await watch.by_rule("circuit_open"), None)

    await watch.after(1800, step=60)

    circuit = await watch.by_rule("circuit_open")
    assert circuit.facts["fault"] == "network"
    assert circuit.silenced_by == "ada"


async def test_a_sync_that_fails_of_something_else_is_told_though_it_was_silenced(watch: Watch) -> None:
    await ran(watch.db, "currency", "error", watch.clock.now(), "No source answered", error_type="timeout")
    await watch.after(0)
    await silence(watch, await watch.by_rule("sync_failed"), None)
    watch.clock.move(60)
    await ran(watch.db, "currency", "error", watch.clock.now(), "No source answered", error_type="timeout")
    await watch.after(15)
    assert (await watch.by_rule("sync_failed")).silenced_by == "ada"

    await ran(watch.db, "currency", "error", watch.clock.now(), "A rate is 0", error_type="schema_drift")
    await watch.after(15)

    assert (await watch.by_rule("sync_failed")).silenced_by is None


async def test_what_pages_and_nobody_takes_up_is_told_again_until_somebody_does(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(2 * 3600 + 120, step=60)
    posts = [text for text, message_id in watch.slack.sent if message_id is None]
    assert [text.partition(":")[0] for text in posts] == [
        "🔴 Firing",
        "🔴 Still firing after 1 h 00 min",
        "🔴 Still firing after 2 h 00 min",
    ]

    incident = await watch.by_rule("circuit_open")
    await incident_acts.acknowledge(watch.db, incident.id, by="ada", now=watch.clock.now())
    await watch.after(3 * 3600, step=60)

    assert sum(message_id is None for _, message_id in watch.slack.sent) == 3
    assert (await kinds(watch, "circuit_open")).count("told") == 3


async def test_nothing_is_told_again_where_that_is_switched_off(database: Database, clock: MovableClock) -> None:
    watch = Watch(database, clock, replace(OPTIONS, remind_every=0))
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())

    await watch.after(4 * 3600, step=60)

    assert sum(message_id is None for _, message_id in watch.slack.sent) == 1


async def test_a_reminder_that_did_not_arrive_is_noted_and_comes_later(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(3540, step=60)
    watch.slack.away = True
    await watch.after(120, step=60)
    watch.slack.away = False
    await watch.after(360, step=60)

    assert sum(message_id is None for _, message_id in watch.slack.sent) == 2
    assert [kind for kind in await kinds(watch, "circuit_open") if "told" in kind] == ["told", "not_told", "told"]


async def resolve(watch: Watch, rule: str) -> None:
    incident = await watch.by_rule(rule)
    assert await incident_acts.resolve_by_hand(
        watch.db, incident.id, reason="They say so", by="ada", now=watch.clock.now()
    )


async def test_what_was_resolved_by_hand_and_still_holds_opens_again_after_a_while(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    await resolve(watch, "circuit_open")

    await watch.after(14 * 60, step=60)
    assert (await watch.by_rule("circuit_open")).state == "resolved"
    await watch.after(120, step=60)

    incident = await watch.by_rule("circuit_open")
    assert (incident.state, incident.facts["times"], incident.resolved_by) == ("firing", 2, None)
    assert sum(message_id is None for _, message_id in watch.slack.sent) == 2


async def test_what_was_resolved_by_hand_opens_at_once_when_it_begins_anew(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    await resolve(watch, "circuit_open")
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(240)
    assert (await watch.by_rule("circuit_open")).state == "resolved"

    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)

    incident = await watch.by_rule("circuit_open")
    assert (incident.state, incident.facts["times"]) == ("firing", 2)


async def test_a_failed_sync_that_was_resolved_rests_until_another_run_fails(watch: Watch) -> None:
    await ran(watch.db, "currency", "error", watch.clock.now(), "No source answered")
    await watch.after(0)
    await resolve(watch, "sync_failed")
    await watch.after(5 * 3600, step=600)
    assert (await watch.by_rule("sync_failed")).state == "resolved"

    await ran(watch.db, "currency", "error", watch.clock.now(), "No source answered")
    await watch.after(0)

    states = sorted(one.state for one in await watch.all() if one.rule == "sync_failed")
    assert "firing" in states


async def test_what_a_person_keeps_open_its_rule_does_not_end(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(300)
    incident = await watch.by_rule("circuit_open")
    assert await incident_acts.reopen_by_hand(
        watch.db, incident.id, reason="Customers still call", by="ada", now=watch.clock.now()
    )

    await watch.after(1800, step=60)
    assert (await watch.by_rule("circuit_open")).state == "firing"
    await resolve(watch, "circuit_open")
    await watch.after(1800, step=60)

    assert (await watch.by_rule("circuit_open")).state == "resolved"


async def test_the_timeline_says_when_it_grew_and_eased(watch: Watch) -> None:
    await called(watch.db, "fedex", watch.clock.now(), good=14, theirs=6)
    await watch.after(75)
    await called(watch.db, "fedex", watch.clock.now(), good=10, theirs=90)
    await watch.after(15)
    watch.clock.move(60)
    await called(watch.db, "fedex", watch.clock.now(), good=900)
    await watch.after(15)

    told = await kinds(watch, "error_rate")
    assert [kind for kind in told if kind != "told"] == ["opened", "fired", "grew", "eased"]
    assert (await watch.by_rule("error_rate")).facts["peak"] > 0.7


async def test_a_message_that_does_not_arrive_and_then_does_stands_on_the_timeline(watch: Watch) -> None:
    watch.slack.away = True
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(60)
    watch.slack.away = False
    await watch.after(600)

    incident = await watch.by_rule("circuit_open")
    told = [event for event in await incident_events.events_of(watch.db, incident.id) if "told" in event.kind]
    assert [event.kind for event in told] == ["not_told", "told"]
    assert "Slack does not answer." in told[0].text
