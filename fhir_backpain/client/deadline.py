"""A wall-clock end for every request, which a server that drips bytes cannot put off.

A read timeout starts anew with every byte. Therefore a timer shuts the socket of the connection
that the request uses, wherever in the exchange it is: the read then ends at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Deadline:
    """The end of the requests that this thread makes within the ``with`` block."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
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
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _current.deadline = None
        with self._lock:
            self._socket = None  # it may serve another request from now on

    def _end(self) -> None:
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
