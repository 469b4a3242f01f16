"""Real sockets: servers that drip, break off, are absent or cannot be trusted."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import BearerToken
from fhir_backpain.errors import AmbiguousRemoteError, TransientRemoteError

Talk = Callable[[socket.socket, threading.Event], None]
Reply = Callable[[socket.socket, bytes], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"


@contextlib.contextmanager
def listening(talk: Talk | None = None, *, reply: Reply | None = None) -> Iterator[str]:
    """Run a server that answers each connection with `talk` or `reply`; give its base URL."""
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(20)
                first = connection.recv(65536)
                if talk is not None:
                    talk(connection, closing)
                if reply is not None:
                    reply(connection, first)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def drip(connection: socket.socket, closing: threading.Event, data: bytes) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        if closing.wait(0.05):
            return


def drip_body(connection: socket.socket, closing: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    drip(connection, closing, b" " * 100_000)


def drip_chunks(connection: socket.socket, closing: threading.Event) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(connection, closing, b"1\r\n \r\n" * 100_000)


def drip_headers(connection: socket.socket, closing: threading.Event) -> None:
    drip(connection, closing, HEAD + b"X-Long: " + b"a" * 50_000)


def say_nothing(connection: socket.socket, closing: threading.Event) -> None:
    closing.wait(30)


def break_off(connection: socket.socket, closing: threading.Event) -> None:
    connection.sendall(HEAD + b'Content-Length: 500\r\n\r\n{"resourceType":"Bundle"')


def hang_up(connection: socket.socket, closing: threading.Event) -> None:
    return


@pytest.mark.parametrize("talk", [drip_body, drip_chunks, drip_headers, say_nothing])
def test_a_deadline_ends_every_request(talk: Talk) -> None:
    with listening(talk) as url, FhirClient(url, timeout=20, deadline=0.3) as client:
        with pytest.raises(AmbiguousRemoteError) as caught:
            client.transaction("{}")
        assert caught.value.issues[0].code == "timeout"


@pytest.mark.parametrize("talk", [break_off, hang_up])
def test_a_connection_that_breaks_is_ambiguous(talk: Talk) -> None:
    with listening(talk) as url, FhirClient(url, deadline=10) as client:
        with pytest.raises(AmbiguousRemoteError) as caught:
            client.transaction("{}")
        assert caught.value.issues[0].code == "incomplete"
        with pytest.raises(TransientRemoteError):
            client.capabilities()


def test_an_absent_server_is_transient() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        client = FhirClient(f"http://127.0.0.1:{reserved.getsockname()[1]}/fhir")
        with client, pytest.raises(TransientRemoteError, match="cannot be reached"):
            client.transaction("{}")


def test_an_unknown_host_is_transient() -> None:
    client = FhirClient("http://no-such-host.invalid/fhir", deadline=20)
    with client, pytest.raises(TransientRemoteError):
        client.transaction("{}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by itself, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    made = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-keyout", str(made), "-out", f"{made}.crt", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    made.write_text(made.read_text() + Path(f"{made}.crt").read_text())
    return made


def talk_tls(certificate: Path, received: list[bytes]) -> Reply:
    """Return what answers one request over TLS and keeps it in `received`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = HEAD + b'Content-Length: 25\r\n\r\n{"resourceType":"Bundle"}'

    def reply(connection: socket.socket, first: bytes) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(first)
        tls = context.wrap_bio(incoming, outgoing, server_side=True)

        def done(act: Callable[[], Any]) -> Any:
            while True:
                try:
                    result = act()
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536) or b"\0" * 100)
                else:
                    connection.sendall(outgoing.read())
                    return result

        with contextlib.suppress(ssl.SSLError):
            done(tls.do_handshake)
            received.append(done(lambda: tls.read(65536)))
            done(lambda: tls.write(answer))

    return reply


def test_a_trusted_certificate_is_accepted(certificate: Path) -> None:
    received: list[bytes] = []
    with listening(reply=talk_tls(certificate, received)) as url:
        base = url.replace("http://127.0.0.1", "https://localhost")
        with FhirClient(base, ca_bundle=str(certificate), deadline=10) as client:
            assert client.transaction('{"canary":1}').status == 200
    assert received[0].startswith(b"POST /fhir ")


@pytest.mark.parametrize(("host", "trusted"), [("localhost", False), ("127.0.0.1", True)])
def test_nothing_is_sent_to_a_server_that_cannot_prove_itself(
    certificate: Path, host: str, trusted: bool
) -> None:
    received: list[bytes] = []
    bundle = str(certificate) if trusted else None
    with listening(reply=talk_tls(certificate, received)) as url:
        base = url.replace("http://127.0.0.1", f"https://{host}")
        client = FhirClient(base, ca_bundle=bundle, deadline=10)
        with client, pytest.raises(TransientRemoteError) as caught:
            client.transaction('{"canary":1}')
    assert caught.value.issues[0].code == "security"
    assert received == []


def test_nothing_readable_is_sent_where_tls_is_not_spoken() -> None:
    received: list[bytes] = []

    def reply(connection: socket.socket, first: bytes) -> None:
        received.append(first)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(reply=reply) as url:
        client = FhirClient(url.replace("http:", "https:"), deadline=5)
        with client, pytest.raises(TransientRemoteError) as caught:
            client.transaction('{"canary":1}')
    assert caught.value.issues[0].code == "security"
    assert b"canary" not in b"".join(received)
    assert received


def test_many_workers_share_one_token_request() -> None:
    fetched: list[str] = []
    gate = threading.Barrier(8)

    def fetch() -> tuple[str, float]:
        fetched.append("token")
        return f"token-{len(fetched)}", 300.0

    token = BearerToken(fetch)
    used = token.headers()

    def refused(_: int) -> bool:
        gate.wait()
        return token.renew(used)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(refused, range(8)))
    assert len(fetched) == 2
    assert token.headers() == {"Authorization": "Bearer token-2"}


def test_a_token_is_replaced_before_it_ends() -> None:
    now = [0.0]
    fetched: list[int] = []

    def fetch() -> tuple[str, float]:
        fetched.append(1)
        return "t", 100.0

    token = BearerToken(fetch, lambda: now[0])
    token.headers()
    now[0] = 69.0
    token.headers()
    assert len(fetched) == 1
    now[0] = 71.0
    token.headers()
    assert len(fetched) == 2
