"""What to do about a call that did not succeed, in a sentence: by how it ended and whose fault it is.

The call's own message says what happened, in the vendor's terms; this says whether waiting helps, a replay does, or a
person has to mend something first.
"""

from __future__ import annotations

from collections.abc import Mapping

from db.calls import CallRow

_BY_TYPE: Mapping[str, str] = {
    "account_blocked": "Ask the vendor to open the account again; each further try may keep it shut for longer.",
    "already_happened": "Nothing is to be done: the write has happened, and it is not sent again.",
    "cancelled": "Whoever asked went away, or the process was stopped. Replay it if it is still wanted.",
    "circuit_open": "Nothing was sent. Calls go out again by themselves once the vendor has recovered; what was refused "
    "meanwhile can be replayed.",
    "conflict": "Somebody else changed the same thing at the same time. A replay works on what is there now.",
    "deadline": "It took longer than it may. Look at the attempts for what took the time, then replay it.",
    "invalid_input": "Nothing was sent. Mend the field that is named; a replay would be refused again.",
    "key_reused": "Nothing was sent. The caller used one idempotency key for two different things; it needs a new key.",
    "lease_held": "Nothing was sent: another process is doing the same now. Its own call says how it ended.",
    "link_refused": "Nothing was sent. Ask the vendor why its link leads elsewhere before anybody follows it.",
    "login_limit": "Every session of the licence is in use. Close one at the vendor, or wait until one ends.",
    "missing_credential": "Nothing was sent. Set what is named in the environment or .env and start the processes again.",
    "no_permit": "Nothing was sent: the quota had no room before the deadline. It passes by itself; see who spends the "
    "quota on the vendor's page.",
    "not_found": "The vendor does not have it. Look whether it was made at all, and under which account.",
    "outcome_unknown": "It may have happened. Settle it under Outcomes; do not send it again by hand.",
    "process_died": "The process that made it died. A write may have happened: see Outcomes; a read can be replayed.",
    "quota_exhausted": "The vendor's quota is spent until it begins anew. See who spends it on the vendor's page.",
    "daily_quota_spent": "The vendor's quota is spent until tomorrow. See who spends it on the vendor's page.",
    "rate_limited": "Waiting helps. If it goes on, the vendor allows less than is set: lower the limit under Circuits and "
    "limits.",
    "rates_too_old": "Nothing was converted. Look at the currency sync: no source has answered for too long.",
    "schema_drift": "Trying again will not help: the vendor changed its answer, and the adapter has to follow. Send its "
    "body to whoever keeps the adapter.",
    "store_unavailable": "Nothing was sent, because it could not have been recorded. Bring the database back, then "
    "replay it.",
    "too_large": "The answer was larger than we read. Ask for less at a time.",
    "unauthorized": "Check the credential: set, not expired, and of this environment. Then replay what failed.",
    "unsupported": "Nothing was sent: this vendor cannot do that. Ask another one.",
}
_BY_FAULT: Mapping[str, str] = {
    "theirs": "It is for the vendor to mend; its status page may say more, and the evidence pack holds what its support "
    "asks for. Replay it once the vendor answers.",
    "network": "The vendor may not have seen it. Replay it; if it goes on for several vendors at once, look at our own "
    "network first.",
    "configuration": "Mend the setting or the account at the vendor first, then replay it.",
    "ours": "Mend what is sent first; as it is, a replay is refused again.",
}


def next_step(call: CallRow) -> str:
    """Return what to do about a call; "" for one that succeeded."""
    return next_step_of(call.outcome, call.error_type, call.fault)


def next_step_of(outcome: str, error_type: str | None, fault: str | None) -> str:
    """Return what to do about a call that ended so; "" for one that succeeded, or of which nobody knows what to do."""
    if outcome == "success":
        return ""
    if outcome == "unknown":
        return _BY_TYPE["outcome_unknown"]
    found = _BY_TYPE.get(error_type or "")
    if found is not None:
        return found
    if outcome == "refused":
        return "Nothing was sent."
    return _BY_FAULT.get(fault or "", "")
