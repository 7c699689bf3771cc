"""The one place foreign errors end, against a server that misbehaves on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.errors import TransportFailed
from integrations.transport.http import FOREIGN, HttpTransport, translated

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def server(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Give the URL of a server and what it has read; each request head is read, then the behaviour has the socket."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await behaviour(reader, writer)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/", heads
    finally:
        running.close()


async def asked(url: str, *, timeout: float = 5.0, max_bytes: int = 1_000_000) -> TransportFailed:
    transport = HttpTransport(max_bytes=max_bytes)
    try:
        with pytest.raises(TransportFailed) as caught:
            await transport.send("Acme", "GET", url, {}, None, timeout)
        return caught.value
    finally:
        await transport.aclose()


async def test_a_whole_answer_comes_back_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}')

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        extra = b"Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\n"
        writer.write(HEAD + extra + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)

    async with server(answer) as (url, heads):
        transport = HttpTransport()
        response = await transport.send("Acme", "GET", url, {"x-own": "1"}, None, 5.0)
        await transport.aclose()

    assert response.json() == {"a": 1}
    assert response.cookies == {"a": "1", "b": "2"}
    assert b"x-own: 1" in heads[0].lower()


async def test_a_refused_connection_was_certainly_not_sent() -> None:
    running = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    running.close()
    await running.wait_closed()

    error = await asked(f"http://127.0.0.1:{port}/")

    assert (error.error_type, error.sent, error.retryable) == ("connect_failed", False, True)


async def test_a_connection_reset_after_reading_may_have_been_sent() -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with server(drop) as (url, _):
        error = await asked(url)

    assert (error.error_type, error.sent) == ("connection_reset", True)


async def test_a_kept_connection_that_drops_is_not_sent_again_behind_our_back() -> None:
    seen = 0

    async def first_answer_then_close_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
            return
        writer.close()

    async with server(first_answer_then_close_after_reading) as (url, heads):
        transport = HttpTransport()
        await transport.send("Acme", "GET", url, {}, None, 5.0)
        with pytest.raises(TransportFailed) as caught:
            await transport.send("Acme", "GET", url, {}, None, 5.0)
        await transport.aclose()

    assert (caught.value.error_type, caught.value.sent) == ("connection_reset", True)
    assert len(heads) == 2


async def test_an_answer_that_breaks_off_is_truncated() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()

    async with server(cut) as (url, _):
        error = await asked(url)

    assert (error.error_type, error.fault) == ("truncated", "theirs")


async def test_silence_is_a_timeout() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(hold) as (url, _):
        error = await asked(url, timeout=0.1)

    assert (error.error_type, error.sent, error.retryable) == ("timeout", True, True)


async def test_an_answer_that_drips_does_not_hold_the_call_beyond_its_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with server(drip) as (url, _):
        error = await asked(url, timeout=0.2)

    assert error.error_type == "timeout"


async def test_an_endless_answer_is_cut_off() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()

    async with server(endless) as (url, _):
        error = await asked(url)

    assert (error.error_type, error.retryable) == ("too_large", False)


async def test_a_small_body_that_unpacks_to_a_huge_one_is_cut_off() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)

    async with server(answer) as (url, _):
        error = await asked(url)

    assert error.error_type == "too_large"


async def test_a_body_that_cannot_be_unpacked_is_named_so() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")

    async with server(answer) as (url, _):
        error = await asked(url)

    assert error.error_type == "bad_encoding"


async def test_what_is_not_http_is_a_protocol_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        writer.close()

    async with server(answer) as (url, _):
        error = await asked(url)

    assert error.error_type == "protocol_error"


async def test_a_bad_base_url_is_a_matter_of_configuration() -> None:
    error = await asked("http://")

    assert (error.error_type, error.fault, error.sent) == ("bad_url", "configuration", False)


def _all(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _all(child))]


@pytest.mark.parametrize("kind", [*_all(aiohttp.ClientError), *_all(httpx.RequestError)])
def test_every_foreign_error_is_in_the_table(kind: type[BaseException]) -> None:
    error = kind.__new__(kind)

    found = translated("Acme", error, answered=False)

    assert found.error_type in {entry[1] for entry in FOREIGN}


async def test_the_end_of_a_certificate_is_noted_by_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    file = self_signed(tmp_path, ends)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()

    async with server(answer, tls=context) as (url, _heads):
        transport = HttpTransport()
        try:
            assert transport.certificate_expires_at("127.0.0.1") is None
            await transport.send("Acme", "GET", url, {}, None, 5.0)

            assert transport.certificate_expires_at("127.0.0.1") == ends
        finally:
            await transport.aclose()


def self_signed(folder: Path, ends: datetime) -> Path:
    """Write a certificate for 127.0.0.1 with its key, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
