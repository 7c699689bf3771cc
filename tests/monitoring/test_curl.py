"""A recorded attempt as a curl line: run in a real shell, against a curl that says what it was given."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from db.calls import AttemptRow
from monitoring.curl import NOT_KEPT, as_curl, lost_body, notes, variables
from tests.monitoring.rows import attempt_row

STRIPE = {"authorization": "Bearer ${STRIPE_SECRET_KEY}"}
TWILIO = {"authorization": "Basic ${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}"}
NASTY = """{"note": "it's $HOME `id` \\"q\\" !! \\\\ \n[hidden]"}"""


def made(request: str | None = None, response: str | None = "{}", **changed: Any) -> AttemptRow:
    return attempt_row(request=request, response=response, **changed)


def run(line: str, folder: Path, **environment: str) -> list[str]:
    """Give a line to a shell whose curl writes down its arguments; return them."""
    curl = folder / "curl"
    curl.write_text('#!/bin/sh\nfor one in "$@"; do printf "%s\\0" "$one"; done > "$OUT"\n', encoding="utf-8")
    curl.chmod(0o755)
    out = folder / "arguments"
    subprocess.run(
        ["/bin/sh", "-c", line],
        check=True,
        timeout=10,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "OUT": str(out), **environment},
    )
    return out.read_text(encoding="utf-8").split("\0")[:-1]


def test_a_shell_gives_curl_the_secret_of_the_variable_and_the_body_as_it_was(tmp_path: Path) -> None:
    line = as_curl(made(NASTY, path="/v1/payment_intents"), "https://api.stripe.com", proof=STRIPE)

    assert "sk_live" not in line
    assert run(line, tmp_path, STRIPE_SECRET_KEY="sk_live_1 $x") == [
        "-X",
        "POST",
        "https://api.stripe.com/v1/payment_intents",
        "-H",
        "authorization: Bearer sk_live_1 $x",
        "-H",
        "Content-Type: application/json",
        "--data-raw",
        NASTY,
    ]


def test_basic_is_given_as_user_and_password(tmp_path: Path) -> None:
    line = as_curl(made(None, method="GET", path="/x"), "https://api.twilio.com", proof=TWILIO)

    given = run(line, tmp_path, TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="s:e c")
    assert given[-2:] == ["-u", "AC1:s:e c"]


def test_a_redacted_address_is_no_pattern_of_curl(tmp_path: Path) -> None:
    line = as_curl(made(None, method="GET", path="/v1/orders/[hidden]?page={1}"), "https://x.example", proof={})

    assert run(line, tmp_path)[2:] == ["--globoff", "https://x.example/v1/orders/[hidden]?page={1}"]


def test_a_constant_header_is_quoted_and_a_dollar_in_it_stays(tmp_path: Path) -> None:
    proof = {"x-client": "a$b `c`", "x-key": "k${X_KEY}$`\\"}
    line = as_curl(made(None, method="GET", path="/x"), "https://x.example", proof=proof)

    assert run(line, tmp_path, X_KEY="1")[3:] == ["-H", "x-client: a$b `c`", "-H", "x-key: k1$`\\"]
    assert variables(proof) == ["X_KEY"]


def test_a_body_that_has_aged_out_is_said_in_the_line_itself() -> None:
    gone = made(None, None, path="/x")

    assert lost_body(gone)
    assert f"--data-raw '{NOT_KEPT}'" in as_curl(gone, "https://x.example", proof=STRIPE)
    assert not lost_body(made(None, None, path="/x", method="GET"))
    assert not lost_body(made(None, "{}", path="/x"))  # there was an answer and no body


@pytest.mark.parametrize(
    ("request_body", "path", "writes", "expected"),
    [
        ("{}", "/x", False, "Set $STRIPE_SECRET_KEY in your shell first."),
        ('{"a":"[hidden]"}', "/x", False, "Its body was redacted when it was recorded: put in what reads [hidden]."),
        ('{"a":"[hidden]"}', "/x/[hidden]", False, "Its address and body was redacted"),
        ("(1234 bytes of image/png)", "/x", False, "Of its body only the size was kept"),
        ('{"a": "b…', "/x", False, "Its body was longer than what is kept."),
        ("{}", "/x", True, "This writes: run twice it may happen twice."),
    ],
)
def test_what_to_know_before_running_it(request_body: str, path: str, writes: bool, expected: str) -> None:
    said = notes(made(request_body, path=path), STRIPE, writes=writes, bodies_kept="3 d")

    assert expected in " ".join(said)


def test_a_line_without_a_known_proof_has_one_variable_for_it() -> None:
    assert '-H "$STRIPE_AUTH_HEADER"' in as_curl(made("{}", path="/x"), "https://x.example")


def test_json_stays_json(tmp_path: Path) -> None:
    body = json.dumps({"name": "[hidden]", "items": [1, 2, "… 20 more"]}, ensure_ascii=False)

    assert run(as_curl(made(body, path="/x"), "https://x.example", proof={}), tmp_path)[-1] == body
