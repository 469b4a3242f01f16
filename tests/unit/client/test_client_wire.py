"""Real sockets: servers that drip, break off, are absent or cannot be trusted."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import BearerToken
from fhir_backpain.errors import AmbiguousRemoteError, TransientRemoteError

Talk = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"


@contextlib.contextmanager
def listening(talk: Talk) -> Iterator[str]:
    """Run a server that answers each connection with `talk`; give its base URL."""
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                talk(connection, closing)

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
        started = time.monotonic()
        with pytest.raises(AmbiguousRemoteError) as caught:
            client.transaction("{}")
        # The margin is wide: without the deadline, each of these lasts half a minute and more.
        assert time.monotonic() - started < 10
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
        with FhirClient(f"http://127.0.0.1:{reserved.getsockname()[1]}/fhir") as client:
            with pytest.raises(TransientRemoteError, match="cannot be reached"):
                client.transaction("{}")


def test_an_unknown_host_is_transient() -> None:
    with FhirClient("http://no-such-host.invalid/fhir", deadline=20) as client:
        with pytest.raises(TransientRemoteError):
            client.transaction("{}")


def test_a_server_without_tls_gets_nothing_over_https() -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        seen.append(b"")

    with listening(talk) as url:
        with FhirClient(url.replace("http:", "https:"), deadline=5) as client:
            with pytest.raises(TransientRemoteError) as caught:
                client.transaction('{"canary":1}')
    assert caught.value.issues[0].code == "security"


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
