"""A wall-clock end for every request, which a server that drips bytes cannot put off.

A read timeout starts anew with every byte. Therefore a watchdog shuts the socket of the connection
that the request uses, wherever in the exchange it is: the read then ends at once. One thread
watches over all requests of the process.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from fhir_backpain.client.permission import ensure_may_leave


class _Watchdog:
    """Ends what is not over in time. Its thread starts with the first request."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Deadline, float] = {}
        self._wakes = float("inf")
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline, ends: float) -> None:
        """Watch over a deadline; `ends` is on the monotonic clock."""
        with self._changed:
            self._ends[deadline] = ends
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif ends < self._wakes:
                self._changed.notify()

    def discard(self, deadline: Deadline) -> None:
        """Watch over it no longer. The thread is left alone: it looks again when it wakes."""
        with self._changed:
            self._ends.pop(deadline, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                over = [deadline for deadline, ends in self._ends.items() if ends <= now]
                for deadline in over:
                    del self._ends[deadline]
                if not over:
                    self._wakes = min(self._ends.values(), default=float("inf"))
                    self._changed.wait(None if not self._ends else self._wakes - now)
            for deadline in over:
                deadline.end()


class _Watchdogs:
    """The watchdog of this process: threads do not live on in a fork of it."""

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Begin with a watchdog that has not started."""
        self.mine = _Watchdog()


_watchdogs = _Watchdogs()


class Deadline:
    """The end of the requests that this thread makes within the ``with`` block."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._ends = 0.0
        self.passed = False

    def left(self) -> float:
        """Return the seconds that are left, at least a hundredth."""
        return max(self._ends - time.monotonic(), 0.01)

    def watch(self, used: socket.socket | None) -> None:
        """Name the socket that the request uses now."""
        with self._lock:
            self._socket = used
            if self.passed:
                self._shut()

    def __enter__(self) -> Self:
        self._ends = time.monotonic() + self._seconds
        _current.deadline = self
        _watchdogs.mine.add(self, self._ends)
        return self

    def __exit__(self, *_: object) -> None:
        _watchdogs.mine.discard(self)
        _current.deadline = None
        with self._lock:
            self._socket = None  # it may serve another request from now on

    def end(self) -> None:
        """End the request that is under way."""
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Of TLS connections too, the socket below: an orderly end would have to wait.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Current(threading.local):
    deadline: Deadline | None = None


_current = _Current()


def _watch(connection: HTTPConnection) -> None:
    if _current.deadline is not None:
        _current.deadline.watch(connection.sock)


class _WatchedHttp(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _watch(self)

    def request(self, *arguments: Any, **settings: Any) -> None:
        _watch(self)
        ensure_may_leave()
        super().request(*arguments, **settings)


class _WatchedHttps(_WatchedHttp, HTTPSConnection):
    """Watches what `HTTPSConnection` connects: that class comes next in the order of methods."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


class DeadlineAdapter(HTTPAdapter):
    """A transport whose connections end with the deadline of the thread that uses them."""

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        """Make the pools with watched connections."""
        super().init_poolmanager(*arguments, **settings)
        self._watch_pools(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **settings: Any) -> Any:
        """Make the pools of a proxy with watched connections."""
        manager = super().proxy_manager_for(*arguments, **settings)
        self._watch_pools(manager)
        return manager

    @staticmethod
    def _watch_pools(manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
