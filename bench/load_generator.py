"""A bare load generator: it posts ready-made bodies over kept connections and reads the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

_HEADERS = {
    "Content-Type": "application/fhir+json; charset=utf-8",
    "Accept": "application/fhir+json",
    "Accept-Encoding": "gzip",
}


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds from the first request to the last answer, and those of all requests together."""

    seconds: float
    under_way: float


def replay(base_url: str, bodies: Sequence[bytes], in_flight: int) -> Load:
    """Post every body, `in_flight` at a time, and time it.

    Nothing is parsed. Raises RuntimeError for an answer other than 200.
    """
    waiting = iter(bodies)
    lock = threading.Lock()
    ready = threading.Barrier(in_flight + 1)

    def work() -> tuple[float, float]:
        under_way = 0.0
        with _Connection(base_url) as connection:
            ready.wait()
            for body in _shared(waiting, lock):
                sent = time.perf_counter()
                connection.post(body)
                under_way += time.perf_counter() - sent
            return time.perf_counter(), under_way

    with ThreadPoolExecutor(in_flight) as pool:
        workers = [pool.submit(work) for _ in range(in_flight)]
        ready.wait()
        begun = time.perf_counter()
        ends, under_way = zip(*(worker.result() for worker in workers), strict=True)
        return Load(max(ends) - begun, sum(under_way))


class _Connection:
    """One kept connection."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        self._path = parts.path
        self._http = HTTPConnection(parts.hostname, parts.port, timeout=120)

    def post(self, body: bytes) -> None:
        """Post a body to the base and read the answer."""
        self._http.request("POST", self._path, body, _HEADERS)
        answer = self._http.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")

    def __enter__(self) -> _Connection:
        self._http.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def _shared(bodies: Iterator[bytes], lock: threading.Lock) -> Iterator[bytes]:
    """Yield bodies that no other thread gets."""
    while True:
        with lock:
            body = next(bodies, None)
        if body is None:
            return
        yield body
