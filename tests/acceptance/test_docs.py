"""The pages under docs/: every curl line is run as printed, by a shell, against processes started as anybody starts them.

A line ends with the status it says it answers: ``# 200``. All lines of a page share one shell, as a reader's would.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import app as program
from integrations.adapter import Vendor
from integrations.arguments import parse
from integrations.checkout.options import CheckoutOptions
from integrations.options import built
from integrations.registry import VENDORS, adapter_class
from integrations.settings import understand
from scheduler.settings import scheduler_options

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PRINTED = "http://127.0.0.1:8050"
SCOPES = {"TOKEN": ("quotes", "payments", "orders", "inventory", "read"), "ONCALL": ("operate", "read")}
STATUS = re.compile(r"  # (\d{3})$", re.MULTILINE)
# What stands around a page's lines: its curl notes the status it got, and otherwise is the real one.
SHELL = """set -euo pipefail
curl() {{
  command curl --silent --show-error --max-time 60 --output answer --write-out '%{{http_code}}\\n' "$@" >>statuses
  cat answer >>answers; echo >>answers
  cat answer
}}
{lines}
"""


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def curl_blocks(page: Path) -> list[str]:
    return [block for block in blocks(page, "sh") if re.search(r"\bcurl ", block)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(command: str, says: str, environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a process of ours until it is no longer needed; it is up once it has said something."""
    with subprocess.Popen(
        [sys.executable, ROOT / "app.py", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        drain = threading.Thread(target=said.extend, args=(process.stdout,))  # a full pipe would stop the process
        try:
            for line in process.stdout:
                said.append(line)
                if says in line:
                    break
            else:
                pytest.fail(f"{command} ended: {''.join(said)}")
            drain.start()
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
            if drain.ident is not None:
                drain.join()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Whoever tries out the pages: an address, and an environment with tokens in it."""
    assert shutil.which("curl"), "The pages are run with curl, and there is none here; .ci/run installs it."
    folder = tmp_path_factory.mktemp("reader")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSIDE_")}
    port = free_port()
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
        "QUAYSIDE_PORT": str(port),
        "QUAYSIDE_SANDBOX_PORT": str(free_port()),
        "QUAYSIDE_SANDBOX_DEMO": "off",
    }

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, ROOT / "app.py", *arguments],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    with ExitStack() as up:
        up.enter_context(started("sandbox", "The sandbox listens", environment, folder))
        run("sync", "currency")
        tokens = {
            name: json.loads(run("token", "add", name.lower(), "--json", "--scope", *scopes))["token"]
            for name, scopes in SCOPES.items()
        }
        up.enter_context(started("web", "Quayside is at", environment, folder))
        yield f"http://127.0.0.1:{port}", {**environment, **tokens}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_curl_line_answers_what_the_page_says(
    reader: tuple[str, dict[str, str]], page: Path, tmp_path: Path
) -> None:
    address, environment = reader
    lines = "\n".join(curl_blocks(page))
    lines = re.sub(r"^export (TOKEN|ONCALL)=.*$", "", lines, flags=re.MULTILINE)  # the reader has them by now
    script = SHELL.format(lines=lines.replace(PRINTED, address))
    for name in ("statuses", "answers"):
        (tmp_path / name).touch()
    ran = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, timeout=120)
    answers = (tmp_path / "answers").read_text(encoding="utf-8", errors="replace")  # a ZIP is no text

    assert ran.returncode == 0, ran.stderr.decode(errors="replace") + answers
    assert (tmp_path / "statuses").read_text(encoding="utf-8").split() == STATUS.findall(lines), answers


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_curl_line_says_what_it_answers(page: Path) -> None:
    found = curl_blocks(page)

    assert found
    for block in found:
        assert len(re.findall(r"\bcurl ", block)) == len(STATUS.findall(block)), block
        assert len(re.findall(r"\bcurl ", block)) == block.count(PRINTED), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_settings_and_links_of_a_page_exist(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in re.findall(r"python app\.py ([^#`\n)]+)", text):
        parse(shlex.split(words))
    for block in blocks(page, "toml"):
        settings = understand({}, tomllib.loads(block), var=tmp_path)
        scheduler_options(settings)
        program.web_options(settings)
        built(CheckoutOptions, "checkout", dict(settings.tables["checkout"]))
    known = set(re.findall(r"QUAYSIDE_[A-Z_]+", (ROOT / ".env.example").read_text(encoding="utf-8")))
    linked = [target.partition("#") for target in re.findall(r"\]\(([^)]+)\)", text)]

    assert set(re.findall(r"QUAYSIDE_[A-Z_]+", text)) <= known
    for target, _, anchor in linked:
        other = (page.parent / target).resolve()
        assert other.exists(), target
        headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], (target, anchor)


def rows_of(page: str) -> dict[str, list[str]]:
    """Return the settings in the second column of a table, by the vendor in its first."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (`QUAYSIDE_[^|]+) \|", text, re.MULTILINE)
    return {label: re.findall(r"`([^`]+)`", cell) for label, cell in rows}


def settings_of(vendor: Vendor, names: Iterable[str]) -> list[str]:
    return [f"QUAYSIDE_{vendor.name.upper()}_{name}" for name in names]


def test_the_table_of_credentials_names_all_that_are_needed() -> None:
    needed = {
        vendor.label: settings_of(vendor, [one.name for one in vendor.credentials if one.required])
        for vendor in (adapter_class(name).vendor for name in VENDORS)
    }

    there = rows_of("going-live.md")
    paste = [
        f"| {label} | {' '.join(f'`{name}`' for name in names)} | |"
        for label, names in needed.items()
        if names and there.get(label) != names
    ]

    assert paste == [], "paste into the table of docs/going-live.md:\n\n" + "\n".join(paste)
    assert [label for label in there if not needed.get(label)] == []


def test_the_table_of_webhooks_names_what_each_is_proven_with() -> None:
    vendors = [adapter_class(name).vendor for name in VENDORS]
    first = {label: names[:1] for label, names in rows_of("webhooks.md").items()}

    assert first == {one.label: settings_of(one, [one.webhook.credential]) for one in vendors if one.webhook}


def test_the_readme_links_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    for page in PAGES:
        assert f"(docs/{page.name})" in readme, page.name
