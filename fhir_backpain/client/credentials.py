"""How requests prove who sends them. Secrets are never part of a repr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

EARLY = 30.0
"""Seconds before its end at which a token is replaced."""


class Credentials(Protocol):
    """Gives the headers of each request; may be asked by several threads."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers to send; RemoteError where they cannot be had."""

    def renew(self, used: Mapping[str, str]) -> bool:
        """Take note that the server refused `used` (401); True where others are to be had now."""


class FixedHeaders:
    """The same headers on every request."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self) -> Mapping[str, str]:
        """Return the headers."""
        return self._headers

    def renew(self, used: Mapping[str, str]) -> bool:
        """Return False: there are no others."""
        return False


class BearerToken:
    """A token that `fetch` gives with its lifetime in seconds; fetched once for all who wait."""

    def __init__(
        self,
        fetch: Callable[[], tuple[str, float]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._headers: Mapping[str, str] = {}
        self._ends = 0.0

    def headers(self) -> Mapping[str, str]:
        """Return the header with a token that is still good for a while."""
        with self._lock:
            if not self._headers or self._monotonic() >= self._ends:
                self._replace()
            return self._headers

    def renew(self, used: Mapping[str, str]) -> bool:
        """Fetch a new token unless another thread has done so since `used` was given out."""
        with self._lock:
            if dict(used) == dict(self._headers):
                self._replace()
            return True

    def _replace(self) -> None:
        self._headers = {}
        token, lifetime = self._fetch()
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ends = self._monotonic() + max(lifetime - EARLY, lifetime / 2)
