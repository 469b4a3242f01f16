"""The real server on a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, request

from fhir_backpain.errors import SettingsError
from fhir_backpain.outcome import CATALOGUE, Message
from fhir_backpain.sandbox.messages import INVALID_ADDRESS, INVALID_REQUEST
from fhir_backpain.web.listener import HttpListener, http_url, listen

MAX_BODY = 1000


class Running:
    """A listener around an application that says what it was sent and can be held up."""

    def __init__(self) -> None:
        self.inside, self.go_on, self.ended = (threading.Event() for _ in range(3))
        app = Flask("echo")
        app.add_url_rule("/echo", view_func=lambda: request.get_data(), methods=["POST"])
        app.add_url_rule("/slow", view_func=self._slow)
        listener = listen("127.0.0.1", 0, INVALID_ADDRESS)
        self.port: int = listener.getsockname()[1]
        self.url = http_url("127.0.0.1", self.port)
        self.listener = HttpListener(
            app,
            listener,
            lambda status: INVALID_REQUEST.issue(f"Refused: {status}."),
            ident="test",
            threads=2,
            max_body=MAX_BODY,
        )
        self.listener.start(self.ended.set)

    def _slow(self) -> str:
        self.inside.set()
        self.go_on.wait(30)
        return "done"


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.go_on.set()
    running.listener.stop(10)


def test_requests_are_answered(running: Running) -> None:
    answer = requests.post(f"{running.url}/echo", data=b"x" * MAX_BODY, timeout=30)
    assert answer.content == b"x" * MAX_BODY
    assert not running.ended.is_set()


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (413, f"Content-Length: {MAX_BODY + 1}"),
        (400, "Content-Length: many"),
        (501, "Transfer-Encoding: gzip"),
    ],
)
def test_a_refused_request_gets_an_outcome(running: Running, status: int, header: str) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as raw:
        raw.sendall(f"POST /echo HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n".encode())
        head, _, body = raw.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode())
    assert b"Content-Type: application/fhir+json; charset=utf-8" in head
    assert f"Refused: {status}" in json.loads(body)["issue"][0]["details"]["text"]


def test_a_request_under_way_is_finished(running: Running) -> None:
    answers: list[str] = []
    asking = threading.Thread(
        target=lambda: answers.append(requests.get(f"{running.url}/slow", timeout=30).text)
    )
    asking.start()
    assert running.inside.wait(30)
    stopping = threading.Thread(target=running.listener.stop, args=(20,))
    stopping.start()
    assert running.ended.wait(30)
    running.go_on.set()
    stopping.join()
    asking.join()
    assert answers == ["done"]
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{running.url}/echo", timeout=30)


@pytest.mark.parametrize("message", [INVALID_ADDRESS, INVALID_REQUEST])
@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", None), ("127.0.0.1", 70_000), ("127.0.0.1", -1), ("?", 0)]
)
def test_an_address_that_cannot_be_had_is_told(
    running: Running, host: str, port: int | None, message: Message
) -> None:
    wanted = running.port if port is None else port
    with pytest.raises(SettingsError) as caught:
        listen(host, wanted, message)
    issue = caught.value.issues[0]
    assert CATALOGUE[issue.number] is message
    assert f"{host} port {wanted}" in issue.text


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert http_url("::1", 80) == "http://[::1]:80"
    assert http_url("localhost", 80) == "http://localhost:80"
