"""From what is stored to one message per cause: incidents that begin, last and end, and what Slack is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from db import incident_acts, notices, processes
from db.circuit_acts import set_by_hand
from db.engine import Database
from monitoring.alerts.incidents import Alerts
from tests.conftest import MovableClock
from tests.monitoring.evidence import SYNCS, VENDORS, called, ran, set_circuit, unknown_write
from tests.monitoring.watching import OPTIONS, Watch


@pytest.fixture
def watch(database: Database, clock: MovableClock) -> Watch:
    return Watch(database, clock)


async def test_a_circuit_that_opens_and_closes_is_one_message_edited(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    (text,) = watch.slack.messages.values()
    assert text.startswith("🔴 Firing: The circuit of FedEx is open. 5 calls in a row failed.")

    watch.clock.move(60)
    await set_circuit(watch.db, "fedex", "half_open", watch.clock.now(), "Time to probe.")
    await watch.after(15)
    watch.clock.move(705)
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(600)

    (text,) = watch.slack.messages.values()
    assert text == "✅ Resolved: The circuit of FedEx is open after 13 min."
    assert [message_id for _, message_id in watch.slack.sent] == [None, "17.0"]


async def test_an_open_circuit_hides_the_error_rate_of_its_vendor_and_names_the_syncs_that_wait(watch: Watch) -> None:
    await called(watch.db, "acumatica", watch.clock.now(), good=2, theirs=18)
    await watch.after(15)
    await set_circuit(watch.db, "acumatica", "open", watch.clock.now())
    await ran(watch.db, "orders", "error", watch.clock.now(), "The circuit of Acumatica is open.")
    await watch.after(90)

    circuit, rate = await watch.by_rule("circuit_open"), await watch.by_rule("error_rate")
    assert circuit.facts["dependents"] == ["Orders"]
    assert rate.state == "firing"
    assert rate.inhibited_by == circuit.id
    assert (await watch.by_rule("sync_failed")).inhibited_by == circuit.id
    assert len(watch.slack.messages) == 1

    await set_circuit(watch.db, "acumatica", "closed", watch.clock.now(), "3 probes succeeded.")
    await ran(watch.db, "orders", "success", watch.clock.now())
    await watch.after(900)

    assert {one.state for one in await watch.all()} == {"resolved"}
    assert len(watch.slack.messages) == 1


async def test_a_spike_is_told_after_a_minute_and_over_after_calm(watch: Watch) -> None:
    await called(watch.db, "fedex", watch.clock.now(), good=14, theirs=6)
    await watch.after(45)
    assert watch.slack.messages == {}

    await watch.after(30)
    (text,) = watch.slack.messages.values()
    assert "Calls to FedEx fail. 6 of 20 calls failed in 5 min." in text

    await watch.after(900)
    assert (await watch.by_rule("error_rate")).state == "resolved"
    assert len(watch.slack.messages) == 1


@pytest.mark.parametrize(
    "calls",
    [
        {"good": 19, "theirs": 1},
        {"good": 1, "theirs": 2},
        {"good": 10, "ours": 30},
        {"good": 10, "refused": 200},
    ],
    ids=["one in twenty", "too few calls", "our own fault", "refused by us"],
)
async def test_what_proves_nothing_about_the_vendor_tells_nobody(watch: Watch, calls: dict[str, int]) -> None:
    await called(watch.db, "fedex", watch.clock.now(), **calls)

    await watch.after(240)

    assert await watch.all() == []


async def test_a_spike_that_is_gone_before_its_minute_is_never_told(watch: Watch) -> None:
    await called(watch.db, "fedex", watch.clock.now(), good=4, theirs=6)
    await watch.after(15)
    await called(watch.db, "fedex", watch.clock.now().replace(minute=1), good=500)

    await watch.after(120)

    assert await watch.all() == []


async def test_several_evaluators_make_one_incident_and_one_message(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    others = [watch.fresh() for _ in range(3)]

    for alerts in others:
        await alerts.evaluate()
    for alerts in others:
        await alerts.deliver()

    assert len(await watch.all()) == 1
    assert len(watch.slack.sent) == 1


async def test_while_slack_is_away_the_row_stays_and_the_message_comes_when_it_is_back(watch: Watch) -> None:
    watch.slack.away = True
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(1800)
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(60)
    assert watch.slack.messages == {}

    watch.slack.away = False
    await watch.after(600)

    (text,) = watch.slack.messages.values()
    assert text.startswith("✅ Resolved: The circuit of FedEx is open after 30 min")


async def test_a_post_whose_answer_was_lost_is_sent_again_word_for_word_under_the_same_key(watch: Watch) -> None:
    watch.slack.loses_answers = True
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    watch.slack.loses_answers = False
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")

    await watch.after(120)

    (contents,) = watch.slack.contents.values()
    assert len(contents) == 2
    assert contents[0] == contents[1]
    (text,) = watch.slack.messages.values()
    assert text.startswith("✅ Resolved")


async def test_a_sender_that_died_after_posting_does_not_post_twice(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.alerts.evaluate()

    class Died(BaseException):
        pass

    async def post_and_die(*args: Any) -> str:
        await watch.slack.send(*args)
        raise Died

    dying = Alerts(watch.db, OPTIONS, VENDORS, SYNCS, post_and_die, watch.clock.now)
    with pytest.raises(Died):
        await dying.deliver()

    await watch.after(300)

    assert len(watch.slack.messages) == 1
    assert len({content for contents in watch.slack.contents.values() for content in contents}) == 1


async def test_numbers_are_edited_in_at_most_every_five_minutes(watch: Watch) -> None:
    for minute in range(12):
        at = watch.clock.now()
        await called(watch.db, "fedex", at, good=10 + minute, theirs=30 + minute)
        await watch.after(60)

    assert len(watch.slack.messages) == 1
    assert 2 <= len(watch.slack.sent) <= 4


async def test_flapping_is_one_incident_that_counts(watch: Watch) -> None:
    for _ in range(3):
        await set_circuit(watch.db, "fedex", "open", watch.clock.now())
        await watch.after(15)
        await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
        await watch.after(30)

    (incident,) = await watch.all()
    assert incident.facts["times"] == 3
    assert len(watch.slack.messages) == 1


async def test_a_circuit_held_open_by_hand_is_a_ticket_that_names_who(watch: Watch) -> None:
    await set_by_hand(
        watch.db,
        "fedex",
        "fedex",
        "forced_open",
        reason="Maintenance <tonight>",
        by="ada",
        expires_at=None,
        now=watch.clock.now(),
    )
    await watch.after(0)

    incident = await watch.by_rule("circuit_open")
    (text,) = watch.slack.messages.values()
    assert (incident.severity, incident.title) == ("ticket", "FedEx is held open by ada")
    assert "Maintenance &lt;tonight&gt;." in text


async def test_a_sync_that_fails_is_told_until_it_succeeds(watch: Watch) -> None:
    await ran(watch.db, "currency", "success", watch.clock.now())
    watch.clock.move(60)
    await ran(watch.db, "currency", "error", watch.clock.now(), "All three sources failed")
    await watch.after(30)
    incident = await watch.by_rule("sync_failed")
    assert (incident.state, incident.facts["sentence"]) == ("firing", "All three sources failed.")

    await ran(watch.db, "currency", "success", watch.clock.now())
    await watch.after(0)
    assert (await watch.by_rule("sync_failed")).state == "resolved"


async def test_a_sync_is_late_only_after_we_have_watched_that_long_ourselves(watch: Watch) -> None:
    await ran(watch.db, "currency", "success", watch.clock.now())
    await ran(watch.db, "orders", "success", watch.clock.now())
    watch.options = replace(OPTIONS, late_after={"orders": 600, "currency": 1e6})
    watch.clock.move(8 * 3600)  # everything was off over night
    watch.alerts = watch.fresh()

    await watch.after(300)
    assert await watch.all() == []

    await watch.after(600, step=60)
    incident = await watch.by_rule("sync_late")
    assert (incident.subject, incident.state) == ("orders", "firing")


async def test_an_unknown_outcome_is_told_after_fifteen_minutes(watch: Watch) -> None:
    await unknown_write(watch.db, "stripe", watch.clock.now())
    await watch.after(840, step=60)
    assert await watch.all() == []

    await watch.after(120, step=60)
    incident = await watch.by_rule("unknown_outcome")
    assert incident.title == "Writes to Stripe with unknown outcome"
    assert incident.facts["numbers"] == {"unknown": 1}
    assert incident.facts["path"] == "/outcomes?vendor=stripe"


async def test_a_web_process_that_died_is_told_and_one_that_was_stopped_is_not(watch: Watch) -> None:
    await processes.started(watch.db, "web-1", "web", now=watch.clock.now())
    await watch.after(180)
    incident = await watch.by_rule("process_silent")
    assert (incident.title, incident.state) == ("The web process is silent", "firing")

    await processes.started(watch.db, "web-2", "web", now=watch.clock.now())
    await watch.after(45)
    await processes.stopped(watch.db, "web-2", now=watch.clock.now())
    await watch.after(300)
    assert (await watch.by_rule("process_silent")).state == "resolved"


async def test_the_web_process_tells_of_a_silent_scheduler_and_of_nothing_else(watch: Watch) -> None:
    await processes.started(watch.db, "s-1", "scheduler", now=watch.clock.now())
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    watch.alerts = Alerts(watch.db, OPTIONS, VENDORS, SYNCS, watch.slack.send, watch.clock.now, watch="scheduler")

    await watch.after(30)
    assert watch.slack.messages == {}
    await watch.after(180)

    (incident,) = await watch.all()
    assert (incident.rule, incident.subject, incident.state) == ("process_silent", "scheduler", "firing")
    assert len(watch.slack.messages) == 1

    watch.alerts = watch.fresh()  # the scheduler is back and judges everything else
    await processes.beat(watch.db, "s-1", now=watch.clock.now())
    await watch.after(0)
    assert {one.rule: one.state for one in await watch.all()} == {"process_silent": "firing", "circuit_open": "firing"}


async def test_somebody_who_looks_after_it_is_named_in_the_message(watch: Watch) -> None:
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    await incident_acts.acknowledge(watch.db, (await watch.all())[0].id, by="ada", now=watch.clock.now())

    await watch.after(0)

    assert len(watch.slack.sent) == 2
    assert len(watch.slack.messages) == 1


async def test_without_a_channel_incidents_stand_on_the_page_only(database: Database, clock: MovableClock) -> None:
    watch = Watch(database, clock, replace(OPTIONS, channels=()))
    await set_circuit(watch.db, "fedex", "open", watch.clock.now())

    await watch.after(15)

    assert len(await watch.all()) == 1
    assert watch.slack.sent == []


async def test_an_edit_that_can_never_succeed_is_given_up(watch: Watch) -> None:
    class MessageDeleted(Exception):
        retryable = False

    await set_circuit(watch.db, "fedex", "open", watch.clock.now())
    await watch.after(0)
    tries = 0

    async def deleted(*_: Any) -> str:
        nonlocal tries
        tries += 1
        raise MessageDeleted("message_not_found")

    watch.alerts = Alerts(watch.db, OPTIONS, VENDORS, SYNCS, deleted, watch.clock.now)
    await set_circuit(watch.db, "fedex", "closed", watch.clock.now(), "3 probes succeeded.")
    await watch.after(3600, step=60)

    assert 1 < tries < 12
    assert await notices.unsent(watch.db) == 0
