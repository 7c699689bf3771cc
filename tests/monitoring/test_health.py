"""The verdict on a vendor and whose fault it is."""

from __future__ import annotations

import pytest

from db.evidence import Evidence
from monitoring.health import Fault, Verdict, judge, judge_all, wilson_lower_bound, worst_circuit


def evidence(calls: int, vendor: str = "fedex", **failed: int) -> Evidence:
    return Evidence(vendor=vendor, calls=calls, failed=failed, error_types={"http_503": sum(failed.values())})


@pytest.mark.parametrize(
    ("calls", "failed", "verdict"),
    [
        (0, 0, "healthy"),
        (20, 0, "healthy"),
        (20, 1, "healthy"),
        (1, 1, "healthy"),
        (3, 3, "degraded"),
        (20, 6, "degraded"),
        (5, 5, "down"),
        (200, 150, "down"),
        (2000, 100, "healthy"),
        (2000, 300, "degraded"),
    ],
)
def test_the_verdict_needs_evidence(calls: int, failed: int, verdict: Verdict) -> None:
    assert judge(evidence(calls, theirs=failed), label="FedEx").verdict == verdict


@pytest.mark.parametrize(
    ("failed", "total", "expected"), [(0, 0, 0.0), (6, 20, 0.1455), (1, 20, 0.0089), (5, 5, 0.5655)]
)
def test_the_lower_bound_is_wilsons(failed: int, total: int, expected: float) -> None:
    assert wilson_lower_bound(failed, total) == pytest.approx(expected, abs=1e-4)


def test_our_own_faults_say_nothing_about_the_vendor() -> None:
    health = judge(evidence(40, ours=35), label="FedEx")

    assert (health.verdict, health.calls, health.failed) == ("healthy", 5, 0)


@pytest.mark.parametrize("state", ["open", "half_open", "forced_open"])
def test_a_vendor_whose_circuit_is_not_closed_is_down(state: str) -> None:
    assert judge(evidence(0), label="FedEx", circuit_state=state, circuit_reason="why").verdict == "down"


@pytest.mark.parametrize(
    ("mine", "others", "fault"),
    [
        ({"theirs": 8}, [evidence(10, "ups")], "theirs"),
        ({"configuration": 8}, [evidence(10, "ups")], "configuration"),
        ({"network": 8}, [evidence(10, "ups")], "theirs"),
        ({"network": 8}, [evidence(10, "ups", network=10)], "network"),
        ({"network": 8}, [], "network"),
        ({"network": 8}, [evidence(10, "ups", network=9), evidence(9, "ecb")], "network"),
    ],
    ids=["they fail", "credential", "only they are away", "all are away", "nobody else asked", "most are away"],
)
def test_our_network_is_told_from_theirs(mine: dict[str, int], others: list[Evidence], fault: Fault) -> None:
    found = {"fedex": Evidence(vendor="fedex", calls=10, failed=mine)} | {other.vendor: other for other in others}

    verdicts = judge_all(found, labels={name: name for name in found}, circuits={})

    assert verdicts["fedex"].fault == fault


def test_the_worst_of_a_vendors_circuits_counts() -> None:
    found = worst_circuit([("vies", "closed", ""), ("vies", "open", "DE is away"), ("vies", "half_open", "")])

    assert found == {"vies": ("open", "DE is away")}
