"""VIES: whether a VAT number is registered for trade within the Union; asked over REST, without an account.

The answer has three values. What VIES or a member state could not say (an outage, a throttle, a block) is ``unknown``,
never ``invalid``: such a call fails, falls back on the last answer of the day and, without one, on ``unknown``. Each
member state runs a register of its own, so each has a circuit of its own, such as ``vies/DE``.

REST has words of its own, which are not SOAP's: ``requesterMemberStateCode`` and ``requesterNumber``. Errors are
documented for 400 and 500 and have been seen with 200, so the body is judged, not the status.

Sources: the Commission's swagger_publicVAT.yaml 1.0.0; checkVatService.wsdl for the codes and the form of a number;
iconfinder/pyvat issues 42 and 68, jofme/D365FinanceToolbox issue 73 for errors within a 200. What blocks an address or
a number, and for how long, is unconfirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import Field
from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import clean

from integrations.adapter import Adapter, Credential, Exchange, Fallback, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.classify import by_status
from integrations.error_body import told
from integrations.errors import Fault, InvalidInput, MissingCredential, QuaysideError, SchemaDrift, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.reading import CamelAnswer, read
from integrations.types.tax import VatNumberCheck, VatNumberQuery

NAME, LABEL = "vies", "EU VIES"
CHECK = "/taxation_customs/vies/rest-api/check-vat-number"
# A number of the right form for each register, to probe its circuit with; whether it is anybody's does not matter.
WELL_FORMED = {
    "AT": "U10000005",
    "BE": "0100000070",
    "BG": "100000001",
    "CY": "10000011D",
    "CZ": "10000003",
    "DE": "100000008",
    "DK": "10000009",
    "EE": "100000007",
    "EL": "100000003",
    "ES": "B10000008",
    "FI": "10000004",
    "FR": "40300000122",
    "HR": "10000000018",
    "HU": "10000001",
    "IE": "1000011M",
    "IT": "10000000017",
    "LT": "100000019",
    "LU": "10000053",
    "LV": "40000000015",
    "MT": "10000034",
    "NL": "100000022B01",
    "PL": "1000000006",
    "PT": "500000018",
    "RO": "10000008",
    "SE": "556000000101",
    "SI": "10000003",
    "SK": "2020000004",
    "XI": "100000034",
}
_BACK_OFF = 30.0  # seconds; a throttle counts the requests of all callers, so it lasts
_BLOCKED = 3600.0  # seconds; calling on is what keeps a block in place
# A VAT number may be a person's, and name and address are.
_KEPT = "countryCode requesterMemberStateCode requestDate valid requestIdentifier actionSucceed errorWrappers error"
_UNTOLD = frozenset(("", "---"))  # a state that discloses nothing, in REST's and in the registers' own writing

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="tax",
    region="europe",
    base_url="https://ec.europa.eu",
    docs_url="https://ec.europa.eu/taxation_customs/vies/#/technical-information",
    check="check_vat_number",
    # Our own number with its country in front: who names himself gets a consultation number, the evidence of a check.
    credentials=(Credential(name="REQUESTER", sandbox="NL100000009B01", required=False, secret=False),),
    # No limit is published: what counts is how much is asked at once. A quota is also what a block can hold.
    quotas=(QuotaPolicy(name="politeness", limit=120, seconds=60.0, paced=False),),
    concurrency=2,
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    operations=(
        Operation(
            name="check_vat_number",
            input=VatNumberQuery,
            result=VatNumberCheck,
            example={"country": "FR", "number": "FR 40 300 000 122"},
            idempotency=Idempotency.READ,
            fallback=Fallback(kind="cached", max_age=86400.0),
            deadline=25.0,
            attempt_timeout=10.0,
        ),
    ),
)

# code -> fault, whether to ask again, seconds to stay away, sentence. For codes that are not here: _UNKNOWN_CODE.
_ALL_BUSY = f"{LABEL} has too many callers at once; we ask again in half a minute or later."
_STATE_BUSY = "The register of {state} has too many callers at once; we ask again in half a minute or later."
_LIFT = "nothing is sent for an hour. Ask the Commission's VIES team to lift it."
_CODES: Mapping[str, tuple[Fault, bool, float | None, str]] = {
    "GLOBAL_MAX_CONCURRENT_REQ": ("theirs", True, _BACK_OFF, _ALL_BUSY),
    "GLOBAL_MAX_CONCURRENT_REQ_TIME": ("theirs", True, _BACK_OFF, _ALL_BUSY),
    "INVALID_INPUT": ("ours", False, None, f"{LABEL} takes the country or the number for none; mend what is asked."),
    "INVALID_REQUESTER_INFO": (
        "configuration",
        False,
        None,
        f"{LABEL} does not accept our own VAT number; check QUAYSIDE_VIES_REQUESTER, or the requester of the call.",
    ),
    "IP_BLOCKED": ("configuration", False, _BLOCKED, f"{LABEL} has blocked our address; {_LIFT}"),
    "MS_MAX_CONCURRENT_REQ": ("theirs", True, _BACK_OFF, _STATE_BUSY),
    "MS_MAX_CONCURRENT_REQ_TIME": ("theirs", True, _BACK_OFF, _STATE_BUSY),
    "MS_UNAVAILABLE": ("theirs", True, None, "The register of {state} does not answer; those of other states may."),
    "SERVER_BUSY": ("theirs", True, None, f"{LABEL} is too busy to answer."),
    "SERVICE_UNAVAILABLE": ("theirs", True, None, f"{LABEL} has trouble on its side."),
    "TIMEOUT": ("theirs", True, None, "The register of {state} did not answer in time."),
    "VAT_BLOCKED": ("configuration", False, _BLOCKED, f"{LABEL} has blocked our VAT number; {_LIFT}"),
}
_UNKNOWN_CODE: tuple[Fault, bool, float | None, str] = (
    "theirs",
    False,
    None,
    f"{LABEL} reports an error that is not in its list; its technical information page may explain it.",
)
# Told to all callers of the service, so every process stays away; a member state's throttle is for its circuit alone.
_FOR_EVERYBODY = frozenset(("GLOBAL_MAX_CONCURRENT_REQ", "GLOBAL_MAX_CONCURRENT_REQ_TIME", "VAT_BLOCKED", "IP_BLOCKED"))


class _Found(CamelAnswer):
    valid: bool = Field(strict=True)
    country_code: str | None = None
    vat_number: str | None = None
    request_date: datetime | None = None
    request_identifier: str | None = None
    name: str | None = None
    address: str | None = None


class Vies(Adapter):
    """Checks of VAT numbers of the 27 member states and of Northern Ireland (XI)."""

    vendor = VENDOR

    async def check_vat_number(self, exchange: Exchange, query: VatNumberQuery) -> VatNumberCheck:
        """Say whether a number is registered. Raise Unsupported for a country VIES does not serve, InvalidInput
        for a number (ours too) that cannot be one: python-stdnum knows each state's form and check digit."""
        state, number = asked_for(query.country, query.number)
        body = {"countryCode": state, "vatNumber": number, **self._requester(query)}
        response = await exchange.send(Request(method="POST", path=CHECK, template=CHECK, json=body, signed=False))
        found = read(_Found, response.json(), status=response.status)
        if found.country_code not in (None, state) or (found.vat_number or number).upper() != number:
            raise SchemaDrift(f"{LABEL} answered about another number than it was asked for.", field="vatNumber")
        dated = found.request_date if found.request_date and found.request_date.tzinfo else None
        return VatNumberCheck(
            vendor=NAME,
            country=query.country,
            number=number,
            status="valid" if found.valid else "invalid",
            reason="" if found.valid else f"{state} has no such number registered for trade within the Union.",
            name=_told(found.name),
            address=_told(found.address),
            consultation=found.request_identifier or "",
            checked_at=dated or exchange.now(),
        )

    def unanswered(
        self, operation: Operation, asked: VatNumberQuery, error: QuaysideError, now: datetime
    ) -> VatNumberCheck:
        """Return unknown, with what kept the number from being checked."""
        _, number = asked_for(asked.country, asked.number)
        return VatNumberCheck(
            vendor=NAME, country=asked.country, number=number, status="unknown", reason=error.message, checked_at=now
        )

    def circuit(self, request: Request) -> str:
        """Return the circuit of the member state asked."""
        return f"{NAME}/{request.json['countryCode']}"

    @classmethod
    def probe(cls, circuit: str) -> Mapping[str, Any]:
        """Return a number of the circuit's member state."""
        state = circuit.rpartition("/")[2]
        number = WELL_FORMED.get(state)
        return {"country": state, "number": number} if number else super().probe(circuit)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge by the body first, whatever the status; an answer without a true or false is no answer."""
        body, state = told(response), request.json["countryCode"]
        if body.get("errorWrappers"):
            return _refusal(_code(body), state, response.status)
        if response.status == 429:
            return _refusal("GLOBAL_MAX_CONCURRENT_REQ", state, response.status)
        verdict = by_status(LABEL, response)
        if verdict is not None and response.status in (401, 403):
            said = f"{LABEL}, which asks nobody for a credential, turns us away; our address may be blocked."
            return replace(verdict, error_type="forbidden", message=said, expired=False)
        if verdict is None and not isinstance(body.get("valid"), bool):
            raise SchemaDrift(f"{LABEL} answered neither valid nor an error.", field="valid", status=response.status)
        return verdict

    def _requester(self, query: VatNumberQuery) -> dict[str, str]:
        """Return who asks: the call's requester, else the one set up, else nobody."""
        if query.requester_number or query.requester_country:
            if not query.requester_country:
                raise InvalidInput("A requester's number needs its country.", field="requester_country")
            if not query.requester_number:
                raise InvalidInput("A requester's country needs its number.", field="requester_number")
            state, number = asked_for(query.requester_country, query.requester_number, prefix="requester_")
        elif own := self.setting("REQUESTER"):
            try:
                state, number = asked_for(own[:2].upper(), own)
            except InvalidInput:
                raise MissingCredential(
                    "QUAYSIDE_VIES_REQUESTER is no VAT number with its country in front; write it like NL100000009B01."
                ) from None
        else:
            return {}
        return {"requesterMemberStateCode": state, "requesterNumber": number}


def asked_for(country: str, number: str, *, prefix: str = "") -> tuple[str, str]:
    """Return member state and number as VIES writes them: Greece is EL, the number is bare of country and marks.

    Raise Unsupported for a country it does not serve, InvalidInput for what cannot be a number of the state.
    """
    state = "EL" if country == "GR" else country
    if state not in WELL_FORMED:
        raise Unsupported(
            f"{LABEL} serves the member states and Northern Ireland (XI), not {country}.", field=f"{prefix}country"
        )
    bare = clean(number, " .,-/").upper()
    # A French number may begin with the letters FR of its own, so what looks like the country may be part of it.
    in_front = ("EL", "GR") if state == "EL" else (state,)
    candidates = [bare[2:], bare] if bare[:2] in in_front else [bare]
    wrong = "length or form"
    for candidate in candidates:
        try:
            return state, vat.validate(f"{state}{candidate}")[2:]
        except InvalidChecksum:
            wrong = "check digit"
        except ValidationError:
            continue
    raise InvalidInput(
        f"The number cannot be a VAT number of {country}: its {wrong} is wrong.", field=f"{prefix}number"
    )


def _refusal(code: str, state: str, status: int) -> Verdict:
    fault, retryable, wait, message = _CODES.get(code, _UNKNOWN_CODE)
    return Verdict(
        error_type=code.lower() if code in _CODES else "vendor_error",
        fault=fault,
        message=message.format(state=state),
        retryable=retryable,
        retry_after=wait,
        counts=fault == "theirs",
        untouched=code in _FOR_EVERYBODY or fault == "ours",
        business=status < 300,
    )


def _code(body: Mapping[str, Any]) -> str:
    wrappers = body["errorWrappers"]
    first = wrappers[0] if isinstance(wrappers, list) else None
    return str(first.get("error", "")) if isinstance(first, dict) else ""


def _told(text: str | None) -> str:
    return "" if text is None or text.strip() in _UNTOLD else text.strip()
