"""A TCP proxy with faults of the transport: real sockets between a client and a real server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

Kind = Literal["reset-before", "lose-answer", "truncate", "drip"]


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` bodies that are posted to the base URL itself."""

    kind: Kind
    times: int = 1
    bytes: int = 60
    met: int = 0


class TcpProxy:
    """Passes requests on to `upstream`, one connection each, as `fault` says."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        assert parts.port is not None
        self._upstream = (parts.hostname, parts.port)
        self._path = parts.path
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.fault: Fault | None = None

    @property
    def base_url(self) -> str:
        """The base URL that leads through the proxy."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{self._path}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            request = _message(connection)
            fault = self._chosen(request)
            if fault is not None and fault.kind == "reset-before":
                # Linger of zero seconds: the connection ends with a reset, not in an orderly way.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            answer = self._asked(request)
            self._answer(connection, answer, fault)

    def _chosen(self, request: bytes) -> Fault | None:
        fault, posts = self.fault, request.startswith(f"POST {self._path} ".encode())
        if fault is None or not posts or fault.met >= fault.times:
            return None
        if b'"method":"GET"' in request.replace(b" ", b""):  # a batch of reads
            return None
        fault.met += 1
        return fault

    def _asked(self, request: bytes) -> bytes:
        head, between, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection")]
        sent = b"\r\n".join([*lines, b"Connection: close"]) + between + body
        with socket.create_connection(self._upstream, 20) as upstream:
            upstream.sendall(sent)
            parts = []
            while part := upstream.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def _answer(self, connection: socket.socket, answer: bytes, fault: Fault | None) -> None:
        if fault is None:
            connection.sendall(answer)
        elif fault.kind == "truncate":
            connection.sendall(answer[: answer.index(b"\r\n\r\n") + 4 + fault.bytes])
        elif fault.kind == "drip":
            for byte in answer:
                if self._closing.wait(0.02):
                    return
                connection.sendall(bytes([byte]))


def _message(connection: socket.socket) -> bytes:
    """Return one HTTP request with a Content-Length, whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise OSError("nothing came")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        part = connection.recv(65536)
        if not part:
            raise OSError("the request broke off")
        body += part
    return head + b"\r\n\r\n" + body
