"""A VAT number on its way to a tax quote: a register that is down makes it unknown, alone, and never invalid."""

from __future__ import annotations

from typing import Any

from db.calls import search
from db.circuits import states
from integrations.commands import check
from integrations.outcome import CallResult
from integrations.prober import probe_due_circuits
from tests.acceptance.conftest import Harbour, OpenHarbour
from tests.waiting import until

TOML = {
    "retry": {"base": 0.001, "cap": 0.002},
    "vendors": {"vies": {"breaker": {"consecutive_failures": 2, "wait_duration_in_open_state": 0.05}}},
}
GERMAN, FRENCH = {"country": "DE", "number": "DE100000008"}, {"country": "FR", "number": "40300000122"}


async def asked(harbour: Harbour, value: dict[str, str]) -> CallResult:
    return await harbour.runtime.gateway.call("vies", "check_vat_number", value)


def set_to(harbour: Harbour, **values: Any) -> None:
    harbour.sandbox.settings["vies"] = values


async def test_a_register_that_is_down_makes_its_numbers_unknown_and_no_others(open_harbour: OpenHarbour) -> None:
    stays_open = TOML | {"vendors": {"vies": {"breaker": {"consecutive_failures": 2}}}}
    async with open_harbour(toml=stays_open, settings={"vies": {"errors": {"DE": "MS_UNAVAILABLE"}}}) as harbour:
        german, french = await asked(harbour, GERMAN), await asked(harbour, FRENCH)
        sent = len(harbour.requests("vies"))
        again = await asked(harbour, GERMAN)
        await harbour.runtime.recorder.flush()
        calls = await search(harbour.db, vendor="vies")
        circuits = {row.name: row.state for row in await states(harbour.db)}

    assert (german.value.status, german.answered, german.stale) == ("unknown", False, False)
    assert german.value.reason == "The register of DE does not answer; those of other states may."
    assert (french.value.status, french.answered) == ("valid", True)
    assert (again.value.status, again.value.reason[:27]) == ("unknown", "The circuit of EU VIES is o")
    assert len(harbour.requests("vies")) == sent
    assert circuits == {"vies/DE": "open"}
    assert [call.error_type for call in reversed(calls)] == ["ms_unavailable", None, "circuit_open"]


async def test_the_last_answer_of_the_day_stands_in_before_unknown_does(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML) as harbour:
        first = await asked(harbour, GERMAN)

        async def stands_in() -> bool:
            return (await asked(harbour, GERMAN)).stale

        set_to(harbour, errors={"*": "SERVICE_UNAVAILABLE"})
        await until(stands_in)
        found = await asked(harbour, GERMAN)

    assert (found.value.status, found.stale, found.value.stale, found.answered) == ("valid", True, True, True)
    assert found.value.consultation == first.value.consultation


async def test_a_register_is_probed_with_a_number_of_its_own_until_it_answers(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML, settings={"vies": {"errors": {"DE": "MS_UNAVAILABLE"}}}) as harbour:
        await asked(harbour, GERMAN)
        set_to(harbour, errors={"FR": "MS_UNAVAILABLE"})

        async def is_closed() -> bool:
            await probe_due_circuits(harbour.db, harbour.runtime)
            return {row.name: row.state for row in await states(harbour.db)} == {"vies/DE": "closed"}

        await until(is_closed)


async def test_a_block_stops_every_call_for_an_hour(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML, settings={"vies": {"errors": {"*": "IP_BLOCKED"}}}) as harbour:
        first = await asked(harbour, GERMAN)
        second = await asked(harbour, FRENCH)

        assert first.value.reason.startswith("EU VIES has blocked our address")
        assert (second.value.status, second.answered) == ("unknown", False)
        assert len(harbour.requests("vies")) == 1


async def test_a_throttle_of_one_register_holds_nobody_else_up(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML, settings={"vies": {"errors": {"DE": "MS_MAX_CONCURRENT_REQ"}}}) as harbour:
        german, french = await asked(harbour, GERMAN), await asked(harbour, FRENCH)

        assert (german.value.status, french.value.status) == ("unknown", "valid")
        assert len(harbour.requests("vies")) == 2  # half a minute is longer than the call has: it is not asked again


async def test_check_does_not_take_unknown_for_an_answer(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML, settings={"vies": {"errors": {"*": "IP_BLOCKED"}}}) as harbour:
        found, code = await check(harbour.runtime, ["vies"])

    assert (code, found["vendors"][0]["ok"], found["vendors"][0]["error_type"]) == (1, False, "unanswered")
